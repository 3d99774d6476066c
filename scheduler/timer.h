// Timers: one queue per worker and clock; the earliest deadline is the timeout of the worker's wait, so a timer costs no
// system call and no allocation. A queue is a wheel of lists, linked through the timers, whose slots grow with the distance,
// and a heap of what is due within the next tick (65 us). Start and cancel are O(1) but for that heap; a timer is moved at
// most once for each level below its first one, and what is far away is not touched (a heap of a million timers misses the
// cache at each of its levels, for each timer that moves: 14 % of the time of bench/io.py's timers).
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
  uint32_t place = kNotQueued;  // in the heap, or kFirstSlot + slot; guarded by the owner's TimerQueue
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
  // When to look again: the earliest deadline, or a time before it that lets the queue go on towards it; kNever if there is no
  // timer. `exact`: the earliest deadline, whatever it takes. The owner's thread.
  int64_t earliest(ClockId clock, bool exact = false);
  size_t size();

 private:
  // Tuning, no effect on correctness: a slot of the lowest level, and how many timers of a slot are looked at for the earliest.
  static constexpr int kTickBits = 16;
  static constexpr int kScan = 16;
  static constexpr int kSlotBits = 6, kSlots = 1 << kSlotBits, kLevels = 8;
  static_assert(kTickBits + kSlotBits * kLevels >= 63);
  static constexpr uint32_t kFirstSlot = 0xffff0000;  // of Timer::place; heaps stay smaller

  struct Entry {
    int64_t deadline;
    Timer* timer;
  };
  using Heap = std::vector<Entry>;  // 4-ary: children of i at 4i+1 …; a timer's place is its index

  // Deadlines are told apart by their ticks, numbers of kTickBits + 6 * 8 bits. A timer that is not `due` stands at the level
  // of the highest digit (of six bits) in which its tick differs from `next_tick`, in the slot of that digit. So all of a
  // level's timers come before those of the next, a level's slots stand in their order, and no slot is behind next_tick.
  struct Wheel {
    Heap due;  // all timers whose tick is less than next_tick
    uint64_t next_tick = 0;
    uint64_t occupied[kLevels] = {};  // bit: the slot has timers
    Timer* slots[kLevels][kSlots] = {};
    size_t size = 0;
  };

  static void insert(Wheel& wheel, Timer* timer);
  static void erase(Wheel& wheel, Timer* timer);
  // The first slot that has timers, and the tick that it begins with; false if there is none.
  static bool first_slot(const Wheel& wheel, int* level, int* slot, uint64_t* begin);
  // Makes the first slot's timers due, or moves them to lower levels.
  static void open_first_slot(Wheel& wheel);
  static void reinsert(Wheel& wheel, int level, int slot);

  static void sift_up(Heap& heap, size_t i);
  static void sift_down(Heap& heap, size_t i);
  static void erase(Heap& heap, size_t i);

  std::mutex mutex_;
  Wheel wheels_[2];  // by ClockId
};

}  // namespace wjit
