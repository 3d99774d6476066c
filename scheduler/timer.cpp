// The timer heap: see timer.h. Four children a node: half the levels of a binary heap, and the children of a node share
// a cache line.
#include "scheduler/timer.h"

#include <time.h>

#include <algorithm>

#include "base/check.h"
#include "scheduler/io.h"
#include "scheduler/worker.h"

namespace wjit {

namespace {

int64_t now_of(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

constexpr size_t kArity = 4;

}  // namespace

int64_t monotonic_now() { return now_of(CLOCK_MONOTONIC); }
int64_t realtime_now() { return now_of(CLOCK_REALTIME); }

void timer_start(Timer* timer, ClockId clock, int64_t deadline_ns) {
  Worker* worker = Worker::current();
  CHECK(worker);
  begin_operation(timer, OperationKind::Timer, worker);
  timer->clock = clock;
  worker->timers().add(timer, std::min(deadline_ns, TimerQueue::kNever - 1));
}

void TimerQueue::add(Timer* timer, int64_t deadline_ns) {
  std::lock_guard lock(mutex_);
  Heap& heap = heaps_[static_cast<size_t>(timer->clock)];
  heap.push_back({deadline_ns, timer});
  sift_up(heap, heap.size() - 1);
}

void TimerQueue::sift_up(Heap& heap, size_t i) {
  Entry entry = heap[i];
  while (i > 0) {
    size_t parent = (i - 1) / kArity;
    if (heap[parent].deadline <= entry.deadline) break;
    heap[i] = heap[parent];
    heap[i].timer->heap_index = static_cast<uint32_t>(i);
    i = parent;
  }
  heap[i] = entry;
  entry.timer->heap_index = static_cast<uint32_t>(i);
}

void TimerQueue::sift_down(Heap& heap, size_t i) {
  Entry entry = heap[i];
  while (true) {
    size_t first = i * kArity + 1;
    if (first >= heap.size()) break;
    size_t last = std::min(first + kArity, heap.size());
    size_t least = first;
    for (size_t child = first + 1; child < last; ++child)
      if (heap[child].deadline < heap[least].deadline) least = child;
    if (heap[least].deadline >= entry.deadline) break;
    heap[i] = heap[least];
    heap[i].timer->heap_index = static_cast<uint32_t>(i);
    i = least;
  }
  heap[i] = entry;
  entry.timer->heap_index = static_cast<uint32_t>(i);
}

void TimerQueue::erase(Heap& heap, size_t i) {
  heap[i].timer->heap_index = Timer::kNotQueued;
  Entry last = heap.back();
  heap.pop_back();
  if (i == heap.size()) return;
  heap[i] = last;
  last.timer->heap_index = static_cast<uint32_t>(i);
  sift_up(heap, i);
  sift_down(heap, last.timer->heap_index);
}

bool TimerQueue::remove(Timer* timer) {
  std::lock_guard lock(mutex_);
  if (timer->heap_index == Timer::kNotQueued) return false;
  erase(heaps_[static_cast<size_t>(timer->clock)], timer->heap_index);
  return true;
}

void TimerQueue::fire(int64_t now_monotonic, int64_t now_realtime) {
  while (true) {
    // Batches, so that the mutex is not held while strands are woken.
    Timer* batch[64];
    size_t count = 0;
    {
      std::lock_guard lock(mutex_);
      for (ClockId clock : {ClockId::Monotonic, ClockId::Realtime}) {
        int64_t now = clock == ClockId::Monotonic ? now_monotonic : now_realtime;
        Heap& heap = heaps_[static_cast<size_t>(clock)];
        while (count < std::size(batch) && !heap.empty() && heap.front().deadline <= now) {
          batch[count++] = heap.front().timer;
          erase(heap, 0);
        }
      }
    }
    for (size_t i = 0; i < count; ++i) post(batch[i], 0);
    if (count < std::size(batch)) return;
  }
}

int64_t TimerQueue::earliest(ClockId clock) {
  std::lock_guard lock(mutex_);
  const Heap& heap = heaps_[static_cast<size_t>(clock)];
  return heap.empty() ? kNever : heap.front().deadline;
}

size_t TimerQueue::size() {
  std::lock_guard lock(mutex_);
  return heaps_[0].size() + heaps_[1].size();
}

}  // namespace wjit
