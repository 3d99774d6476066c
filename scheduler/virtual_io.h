// Time and host operations of a scheduler with a seed (SchedulerOptions::seed): its one worker carries out the
// operations itself, one by one in a drawn order and mostly in part, and time is a number that goes on only when
// nothing else can. What comes from outside (a pipe, a terminal) is waited for, and only when nothing else can run: so
// a run does not depend on how quick the outside is, only on what it says.
//
// Made by Scheduler, driven by Worker::poll_virtual (scheduler/worker.cpp). Tests: test/unit/deterministic_test.cpp.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "scheduler/choices.h"
#include "scheduler/io.h"
#include "scheduler/timer.h"

namespace wjit {

// Nanoseconds, like monotonic_now and realtime_now.
class VirtualClock {
 public:
  static constexpr int64_t kEnd = int64_t{1} << 62;  // 146 years: timers beyond are never reached
  int64_t now(ClockId clock) const { return clock == ClockId::Monotonic ? monotonic_ : monotonic_ + kRealtimeAhead; }
  // A look at the clock takes time, so that a guest that only looks sees time pass.
  int64_t look(ClockId clock) { return monotonic_ += kLook, now(clock); }
  // A time of the realtime clock on the monotonic one; INT64_MAX stays.
  static int64_t monotonic_of(int64_t realtime) { return realtime == INT64_MAX ? realtime : realtime - kRealtimeAhead; }
  // Goes on to a monotonic time unless that has passed.
  void advance(int64_t monotonic) { monotonic_ = std::max(monotonic_, monotonic); }

 private:
  static constexpr int64_t kLook = 1'000;
  static constexpr int64_t kSecond = 1'000'000'000;
  static constexpr int64_t kStart = 86'400 * kSecond;  // a day after boot: programs subtract from the time
  static constexpr int64_t kRealtimeAhead = 946'684'800 * kSecond - kStart;  // starts at 2000-01-01T00:00:00Z
  int64_t monotonic_ = kStart;
};

class VirtualIo final : public IoBackend {
 public:
  explicit VirtualIo(Choices& choices) : choices_(choices) {}
  const char* name() const override { return "virtual"; }
  // Any operation but timers and external ones, BlockingWork included.
  void start(Completion* completion) override;
  void cancel(Completion* completion) override;
  // Carries one out and posts it, blocking if it must: any if `idle`, else one that does not wait for the outside.
  // False if there is none.
  bool run_one(bool idle);
  bool empty() const { return operations_.empty(); }
  // With nothing to carry out: waits for another thread's wake.
  void wait(int64_t deadline_ns) override;
  void wake() override;
  void set_realtime_wake(int64_t) override {}
  bool bound_to_thread() const override { return !operations_.empty(); }

 private:
  int64_t perform(Completion& completion);
  Choices& choices_;
  std::vector<Completion*> operations_;  // in the order of their starts
  std::mutex mutex_;
  std::condition_variable woken_;
  bool wake_ = false;  // guarded by mutex_
};

}  // namespace wjit
