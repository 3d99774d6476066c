// The system's clock is set back while a guest waits: wall time follows, monotonic time and waits do not. The test's own
// clock_gettime, which the dynamic linker finds before the C library's, does the setting.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "scheduler/timer.h"
#include "scheduler/worker.h"
#include "test/unit/strand_fixture.h"

static std::atomic<time_t> set_back_by{0};  // s, of CLOCK_REALTIME

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const long result = syscall(SYS_clock_gettime, clock, time);
  if (clock == CLOCK_REALTIME) time->tv_sec -= set_back_by;
  return static_cast<int>(result);
}

namespace wjit {
namespace {

constexpr int64_t kMillisecond = 1'000'000, kHour = 3600 * int64_t{1'000'000'000};

TEST(ClockSet, BackWhileTimersRun) {
  Scheduler scheduler;
  ClosureStrand strand(scheduler);
  struct Wait : Timer {
    explicit Wait(Strand& on) : Timer(&on_done, &on) {}
    static void on_done(Completion* self, int64_t) { static_cast<Wait*>(self)->ended = monotonic_now(); }
    int64_t ended = 0;
  };
  Wait first(strand), second(strand);
  int64_t start = 0, wall = 0;
  strand.add([&] {
    start = monotonic_now();
    wall = realtime_now();
    timer_start(&first, ClockId::Monotonic, start + 20 * kMillisecond);
    timer_start(&second, ClockId::Monotonic, start + 60 * kMillisecond);
  });
  std::thread setter([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    set_back_by = 3600;
  });
  EXPECT_EQ(strand.run([&] { return first.ended != 0 && second.ended != 0; }), RunResult::Done);
  setter.join();
  const int64_t now = monotonic_now();
  EXPECT_GE(first.ended, start + 20 * kMillisecond);
  EXPECT_GE(second.ended, start + 60 * kMillisecond);
  EXPECT_LE(first.ended, second.ended);
  EXPECT_LT(now, start + 60 * kMillisecond + kHour / 2);
  // An hour back, and a little on.
  EXPECT_LE(realtime_now(), wall - kHour + (monotonic_now() - start) + kMillisecond);
  EXPECT_GE(realtime_now(), wall - kHour);
  EXPECT_GE(scheduler.now(ClockId::Realtime), wall - kHour);
  EXPECT_LE(scheduler.now(ClockId::Realtime), realtime_now());
  set_back_by = 0;
}

}  // namespace
}  // namespace wjit
