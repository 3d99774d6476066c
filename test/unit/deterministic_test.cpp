// Runs with a seed: the numbers, virtual time, operations in a drawn order, strands in a drawn order.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "scheduler/choices.h"
#include "test/unit/strand_fixture.h"

namespace wjit {
namespace {

TEST(Choices, DependOnTheSeedOnly) {
  Choices a(7), b(7), c(8);
  int different = 0;
  for (int i = 0; i < 1000; ++i) {
    uint32_t drawn = a.below(10);
    EXPECT_LT(drawn, 10u);
    EXPECT_EQ(drawn, b.below(10));
    different += drawn != c.below(10);
  }
  EXPECT_GT(different, 800);
  EXPECT_EQ(a.below(1), 0u);
}

TEST(Choices, CoverTheirRange) {
  Choices choices(1);
  int seen[7] = {}, heads = 0;
  for (int i = 0; i < 7000; ++i) ++seen[choices.below(7)], heads += choices.coin();
  for (int count : seen) EXPECT_NEAR(count, 1000, 200);
  EXPECT_NEAR(heads, 3500, 300);
}

TEST(Choices, BytesDoNotMoveTheOrder) {
  Choices a(3), b(3);
  char bytes[13], same[13];
  a.fill(bytes, sizeof bytes);
  b.fill(same, sizeof same);
  EXPECT_EQ(std::string(bytes, 13), std::string(same, 13));
  a.fill(bytes, sizeof bytes);
  EXPECT_NE(std::string(bytes, 13), std::string(same, 13));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.below(1000), b.below(1000));
}

TEST(VirtualClock, GoesOnToTimersOnly) {
  Scheduler scheduler({.seed = 5});
  ClosureStrand strand(scheduler);
  constexpr int64_t kHour = 3600 * int64_t{1'000'000'000};
  int64_t start = 0, realtime = 0, end = 0;
  bool done = false;
  static int64_t fired = 0;
  fired = 0;
  Timer timer([](Completion*, int64_t result) { fired = result == 0 ? 1 : -1; }, &strand);
  strand.add([&] {
    start = scheduler.now(ClockId::Monotonic);
    realtime = scheduler.now(ClockId::Realtime);
    timer_start(&timer, ClockId::Monotonic, start + kHour);
  });
  const int64_t before = monotonic_now();
  EXPECT_EQ(strand.run([&] { return fired != 0; }), RunResult::Done);
  strand.add([&] { end = scheduler.now(ClockId::Monotonic), done = true; });
  EXPECT_EQ(strand.run([&] { return done; }), RunResult::Done);
  EXPECT_EQ(fired, 1);
  EXPECT_GE(end, start + kHour);
  EXPECT_LT(end, start + kHour + kHour / 1000);
  EXPECT_LT(monotonic_now() - before, kHour);
  EXPECT_EQ(realtime / 1'000'000'000, 946'684'800);  // 2000-01-01
}

TEST(VirtualClock, TimersOfBothClocksFireInTheirOrder) {
  Scheduler scheduler({.seed = 5});
  ClosureStrand strand(scheduler);
  static std::string order;
  order.clear();
  Timer first([](Completion*, int64_t) { order += '1'; }, &strand),
      second([](Completion*, int64_t) { order += '2'; }, &strand),
      third([](Completion*, int64_t) { order += '3'; }, &strand);
  strand.add([&] {
    timer_start(&third, ClockId::Realtime, scheduler.now(ClockId::Realtime) + 3'000'000'000);
    timer_start(&second, ClockId::Monotonic, scheduler.now(ClockId::Monotonic) + 2'000'000'000);
    timer_start(&first, ClockId::Realtime, scheduler.now(ClockId::Realtime) + 1'000'000'000);
  });
  EXPECT_EQ(strand.run([&] { return order.size() == 3; }), RunResult::Done);
  EXPECT_EQ(order, "123");
}

// Reads and writes come in parts and in some order, blocking work too; what they say is right, and the same each time.
std::string operations(uint64_t seed) {
  Scheduler scheduler({.seed = seed});
  ClosureStrand strand(scheduler);
  char path[] = "/tmp/wjit-deterministic-XXXXXX";
  int file = mkstemp(path);
  unlink(path);
  EXPECT_EQ(write(file, "0123456789", 10), 10);
  std::string order;
  struct Read : Completion {
    explicit Read(Strand& on, std::string& to) : Completion(&on_done, &on), order(to) {}
    static void on_done(Completion* self, int64_t result) {
      auto* read = static_cast<Read*>(self);
      EXPECT_GT(result, 0);
      EXPECT_LE(result, 8);
      EXPECT_EQ(std::string_view(read->buffer_, static_cast<size_t>(result)),
                std::string_view("0123456789", static_cast<size_t>(result)));
      read->order += fmt::format("{}:{} ", read->number, result);
    }
    std::string& order;
    int number = 0;
    char buffer_[8];
  };
  Read a(strand, order), b(strand, order), c(strand, order);
  strand.add([&] {
    int number = 0;
    for (Read* read : {&a, &b, &c}) {
      read->number = ++number;
      io_read(read, file, read->buffer_, 8, 0);
    }
    run_blocking(strand, [] { return 42; }, [&](int64_t result) { order += fmt::format("work:{} ", result); });
  });
  EXPECT_EQ(strand.run([&] { return strand.outstanding() == 0; }), RunResult::Done);
  close(file);
  return order;
}

TEST(VirtualIo, OperationsComeInADrawnOrder) {
  int different = 0;
  const std::string first = operations(0);
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const std::string order = operations(seed);
    EXPECT_EQ(order, operations(seed));
    different += order != first;
  }
  EXPECT_GT(different, 15);
}

TEST(VirtualIo, TheOutsideIsWaitedForLast) {
  Scheduler scheduler({.seed = 1});
  ClosureStrand strand(scheduler);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  char buffer[4];
  Recorded read(strand);
  bool written = false;
  strand.add([&] { io_read(&read, ends[0], buffer, 1); });
  // Carried out before this, it would block for ever.
  for (int i = 0; i < 100; ++i) strand.add([&] { EXPECT_EQ(read.times, 0); });
  strand.add([&] { written = write(ends[1], "x", 1) == 1; });
  EXPECT_EQ(strand.run([&] { return read.times == 1; }), RunResult::Done);
  EXPECT_TRUE(written);
  EXPECT_EQ(read.value, 1);
  close(ends[0]);
  close(ends[1]);
}

TEST(VirtualIo, Cancels) {
  Scheduler scheduler({.seed = 1});
  ClosureStrand strand(scheduler);
  int never = eventfd(0, 0);
  Recorded poll(strand);
  strand.add([&] {
    io_poll(&poll, never, POLLIN);
    cancel(&poll);
  });
  EXPECT_EQ(strand.run([&] { return poll.times == 1; }), RunResult::Done);
  EXPECT_EQ(poll.value, -ECANCELED);
  close(never);
}

TEST(VirtualIo, OtherThreadsWakeTheWorker) {
  Scheduler scheduler({.seed = 1});
  ClosureStrand strand(scheduler);
  Recorded external(strand);
  std::thread finisher;
  strand.add([&] {
    begin_external(&external);
    finisher = std::thread([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      finish_external(&external, 7);
    });
  });
  EXPECT_EQ(strand.run([&] { return external.times == 1; }), RunResult::Done);
  finisher.join();
  EXPECT_EQ(external.value, 7);
}

std::string strands(uint64_t seed) {
  Scheduler scheduler({.seed = seed});
  ClosureStrand a(scheduler), b(scheduler), c(scheduler);
  std::string order;
  for (int i = 0; i < 12; ++i) {
    a.add([&] { order += 'a'; });
    b.add([&] { order += 'b'; });
    c.add([&] { order += 'c'; });
  }
  auto all = [&] { return order.size() == 36; };
  a.run(all);
  b.run(all);
  EXPECT_EQ(c.run(all), RunResult::Done);
  return order;
}

TEST(Scheduler, StrandsComeInADrawnOrder) {
  std::vector<std::string> orders;
  for (uint64_t seed = 0; seed < 8; ++seed) {
    orders.push_back(strands(seed));
    EXPECT_EQ(orders.back(), strands(seed));
  }
  std::sort(orders.begin(), orders.end());
  EXPECT_GT(std::unique(orders.begin(), orders.end()) - orders.begin(), 3);
}

}  // namespace
}  // namespace wjit
