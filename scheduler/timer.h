// Timers: one heap per worker and clock; the earliest deadline is the timeout of the worker's wait, so a timer costs no
// system call and no allocation of its own (the heap's array aside: 16 bytes a timer). Start and cancel are O(log n).
//
//   Timer timer{done, &strand};  timer_start(&timer, ClockId::Monotonic, monotonic_now() + 1'000'000);
//
// Result given to done: 0 when the time came, -ECANCELED. Tests: test/unit/timer_test.cpp.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "scheduler/completion.h"

namespace wjit {

enum class ClockId : uint8_t { Monotonic, Realtime };

struct Timer : Completion {
  using Completion::Completion;
  static constexpr uint32_t kNotQueued = UINT32_MAX;
  uint32_t heap_index = kNotQueued;  // guarded by the owner's TimerQueue
  ClockId clock = ClockId::Monotonic;
};

// Nanoseconds of CLOCK_MONOTONIC, and of CLOCK_REALTIME since 1970. Any thread. What guests see is Scheduler::now.
int64_t monotonic_now();
int64_t realtime_now();

// Starts a timer for an absolute time in nanoseconds; one that has passed is done at the strand's next turn. On the
// strand. Cancel with cancel() of scheduler/io.h.
void timer_start(Timer* timer, ClockId clock, int64_t deadline_ns);

// The timers of one worker. Started on that worker; cancelled from any (hence the mutex, uncontended but for that).
class TimerQueue {
 public:
  static constexpr int64_t kNever = INT64_MAX;

  void add(Timer* timer, int64_t deadline_ns);
  // True if it was still queued; then it is the caller who posts it.
  bool remove(Timer* timer);
  // Posts all timers whose time has come. The owner's thread.
  void fire(int64_t now_monotonic, int64_t now_realtime);
  // Earliest deadline, kNever if there is none. The owner's thread.
  int64_t earliest(ClockId clock);
  size_t size();

 private:
  struct Entry {
    int64_t deadline;
    Timer* timer;
  };
  using Heap = std::vector<Entry>;  // 4-ary: children of i at 4i+1 …; a timer's heap_index is its place

  static void sift_up(Heap& heap, size_t i);
  static void sift_down(Heap& heap, size_t i);
  static void erase(Heap& heap, size_t i);

  std::mutex mutex_;
  Heap heaps_[2];  // by ClockId
};

}  // namespace wjit
