// The wheel and the heap of timers: see timer.h. Four children a node of the heap: half the levels of a binary one, and the
// children of a node share a cache line.
#include "scheduler/timer.h"

#include <time.h>

#include <algorithm>
#include <bit>
#include <utility>

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

// ---- the wheel ----

void TimerQueue::add(Timer* timer, int64_t deadline_ns) {
  std::lock_guard lock(mutex_);
  Wheel& wheel = wheels_[static_cast<size_t>(timer->clock)];
  timer->offset = deadline_ns;
  ++wheel.size;
  insert(wheel, timer);
}

void TimerQueue::insert(Wheel& wheel, Timer* timer) {
  const uint64_t tick = static_cast<uint64_t>(std::max<int64_t>(timer->offset, 0)) >> kTickBits;
  if (tick < wheel.next_tick) {
    wheel.due.push_back({timer->offset, timer});
    return sift_up(wheel.due, wheel.due.size() - 1);
  }
  const int level = (63 - std::countl_zero((tick ^ wheel.next_tick) | 1)) / kSlotBits;
  const auto slot = static_cast<int>(tick >> (level * kSlotBits)) & (kSlots - 1);
  Timer*& first = wheel.slots[level][slot];
  timer->place = kFirstSlot + static_cast<uint32_t>(level * kSlots + slot);
  timer->previous = nullptr;
  timer->next = first;
  if (first != nullptr) first->previous = timer;
  first = timer;
  wheel.occupied[level] |= uint64_t{1} << slot;
}

void TimerQueue::erase(Wheel& wheel, Timer* timer) {
  --wheel.size;
  if (timer->place < kFirstSlot) return erase(wheel.due, timer->place);
  const uint32_t number = timer->place - kFirstSlot;
  Timer*& first = wheel.slots[number / kSlots][number % kSlots];
  if (timer->next != nullptr) timer->next->previous = timer->previous;
  if (timer->previous != nullptr) {
    timer->previous->next = timer->next;
  } else {
    first = static_cast<Timer*>(timer->next);
    if (first == nullptr) wheel.occupied[number / kSlots] &= ~(uint64_t{1} << number % kSlots);
  }
  timer->place = Timer::kNotQueued;
}

bool TimerQueue::first_slot(const Wheel& wheel, int* level, int* slot, uint64_t* begin) {
  for (*level = 0; *level < kLevels; ++*level) {
    if (wheel.occupied[*level] == 0) continue;
    *slot = std::countr_zero(wheel.occupied[*level]);
    const int shift = *level * kSlotBits;
    *begin = (wheel.next_tick >> shift >> kSlotBits << kSlotBits | static_cast<uint64_t>(*slot)) << shift;
    return true;
  }
  return false;
}

void TimerQueue::open_first_slot(Wheel& wheel) {
  int level, slot;
  CHECK(first_slot(wheel, &level, &slot, &wheel.next_tick));
  if (level > 0) return reinsert(wheel, level, slot);
  ++wheel.next_tick;
  reinsert(wheel, 0, slot);
  // Where a digit has become the one of a slot, the slot's timers differ from next_tick in lower digits only.
  for (level = 1; level < kLevels; ++level) {
    const int shift = level * kSlotBits;
    if ((wheel.next_tick & ((uint64_t{1} << shift) - 1)) != 0) break;
    reinsert(wheel, level, static_cast<int>(wheel.next_tick >> shift) & (kSlots - 1));
  }
}

void TimerQueue::reinsert(Wheel& wheel, int level, int slot) {
  Timer* timer = std::exchange(wheel.slots[level][slot], nullptr);
  wheel.occupied[level] &= ~(uint64_t{1} << slot);
  while (timer != nullptr) {
    auto* next = static_cast<Timer*>(timer->next);
    if (next != nullptr) __builtin_prefetch(next->next);
    insert(wheel, timer);
    timer = next;
  }
}

bool TimerQueue::remove(Timer* timer) {
  std::lock_guard lock(mutex_);
  if (timer->place == Timer::kNotQueued) return false;
  erase(wheels_[static_cast<size_t>(timer->clock)], timer);
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
        const int64_t now = clock == ClockId::Monotonic ? now_monotonic : now_realtime;
        const uint64_t tick = static_cast<uint64_t>(std::max<int64_t>(now, 0)) >> kTickBits;
        Wheel& wheel = wheels_[static_cast<size_t>(clock)];
        while (count < std::size(batch)) {
          if (!wheel.due.empty() && wheel.due.front().deadline <= now) {
            batch[count++] = wheel.due.front().timer;
            erase(wheel, wheel.due.front().timer);
            continue;
          }
          int level, slot;
          uint64_t begin;
          if (!wheel.due.empty() || !first_slot(wheel, &level, &slot, &begin) || begin > tick) break;
          open_first_slot(wheel);
        }
        // No slot begins up to now: what is added next is told apart from there.
        if (count < std::size(batch) && wheel.next_tick < tick && wheel.due.empty()) wheel.next_tick = tick;
      }
    }
    for (size_t i = 0; i < count; ++i) post(batch[i], 0);
    if (count < std::size(batch)) return;
  }
}

int64_t TimerQueue::earliest(ClockId clock, bool exact) {
  std::lock_guard lock(mutex_);
  const Wheel& wheel = wheels_[static_cast<size_t>(clock)];
  if (!wheel.due.empty()) return wheel.due.front().deadline;
  int level, slot;
  uint64_t begin;
  if (!first_slot(wheel, &level, &slot, &begin)) return kNever;
  const Completion* timer = wheel.slots[level][slot];
  int64_t least = kNever;
  for (int looked = 0; timer != nullptr && (exact || looked < kScan); ++looked, timer = timer->next) {
    least = std::min(least, timer->offset);
  }
  return timer == nullptr ? least : static_cast<int64_t>(begin << kTickBits);
}

size_t TimerQueue::size() {
  std::lock_guard lock(mutex_);
  return wheels_[0].size + wheels_[1].size;
}

// ---- the heap of what is due ----

void TimerQueue::sift_up(Heap& heap, size_t i) {
  Entry entry = heap[i];
  while (i > 0) {
    size_t parent = (i - 1) / kArity;
    if (heap[parent].deadline <= entry.deadline) break;
    heap[i] = heap[parent];
    heap[i].timer->place = static_cast<uint32_t>(i);
    i = parent;
  }
  heap[i] = entry;
  entry.timer->place = static_cast<uint32_t>(i);
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
    heap[i].timer->place = static_cast<uint32_t>(i);
    i = least;
  }
  heap[i] = entry;
  entry.timer->place = static_cast<uint32_t>(i);
}

void TimerQueue::erase(Heap& heap, size_t i) {
  heap[i].timer->place = Timer::kNotQueued;
  Entry last = heap.back();
  heap.pop_back();
  if (i == heap.size()) return;
  heap[i] = last;
  last.timer->place = static_cast<uint32_t>(i);
  sift_up(heap, i);
  sift_down(heap, last.timer->place);
}

}  // namespace wjit
