// Strands on workers: queues, stealing, idleness, exclusive access, retiring.
#include "scheduler/worker.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "test/unit/strand_fixture.h"

namespace wjit {
namespace {

TEST(StrandDeque, KeepsOrderAcrossGrowth) {
  StrandDeque deque;
  auto fake = [](size_t i) { return reinterpret_cast<Strand*>(i * 16 + 16); };
  size_t taken = 0, pushed = 0;
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 37; ++i) deque.push(fake(pushed++));
    for (int i = 0; i < 20; ++i) EXPECT_EQ(deque.take_oldest(), fake(taken++));
  }
  while (Strand* strand = deque.take_oldest()) EXPECT_EQ(strand, fake(taken++));
  EXPECT_EQ(taken, pushed);
  EXPECT_TRUE(deque.empty());
}

TEST(StrandDeque, ThievesTakeEachStrandOnce) {
  constexpr size_t kCount = 200'000;
  StrandDeque deque;
  std::vector<std::atomic<int>> seen(kCount);
  std::atomic<size_t> total{0};
  auto take = [&] {
    while (total.load() < kCount) {
      if (Strand* strand = deque.take_oldest()) {
        seen[reinterpret_cast<size_t>(strand) - 1].fetch_add(1);
        total.fetch_add(1);
      }
    }
  };
  std::thread a(take), b(take);
  for (size_t i = 0; i < kCount; ++i) deque.push(reinterpret_cast<Strand*>(i + 1));
  take();
  a.join();
  b.join();
  for (auto& count : seen) ASSERT_EQ(count.load(), 1);
}

TEST(Scheduler, RunsUntilDone) {
  Scheduler scheduler;
  ClosureStrand strand(scheduler);
  int count = 0;
  for (int i = 0; i < 100; ++i) strand.add([&] { ++count; });
  EXPECT_EQ(strand.run([&] { return count >= 50; }), RunResult::Done);
  EXPECT_LT(count, 100);
  EXPECT_EQ(strand.run([&] { return count >= 100; }), RunResult::Done);
  EXPECT_EQ(Worker::current(), nullptr);
}

TEST(Scheduler, IdleMeansNothingCanHappen) {
  Scheduler scheduler;
  ClosureStrand strand(scheduler), other(scheduler);
  other.add([] {});
  EXPECT_EQ(strand.run([] { return false; }), RunResult::Idle);
  // An outstanding operation is something that can happen.
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
  EXPECT_EQ(strand.run([] { return false; }), RunResult::Idle);
}

TEST(Scheduler, StrandsTakeTurns) {
  Scheduler scheduler;
  ClosureStrand a(scheduler), b(scheduler);
  std::vector<char> order;
  std::function<void()> forever = [&] {
    order.push_back('a');
    a.add(forever);
  };
  a.add(forever);
  for (int i = 0; i < 20; ++i) b.add([&] { order.push_back('b'); });
  EXPECT_EQ(b.run([&] { return std::count(order.begin(), order.end(), 'b') == 20; }), RunResult::Done);
  EXPECT_GT(std::count(order.begin(), order.end(), 'a'), 10);
  EXPECT_LT(std::count(order.begin(), order.end(), 'a'), 200);
  forever = [] {};
}

struct Many : ::testing::TestWithParam<SchedulerOptions> {};

// Strands pass tokens around; each checks that nobody else is in it.
TEST_P(Many, ExclusiveAccessAndNoLostWake) {
  Scheduler scheduler(GetParam());
  constexpr size_t kStrands = 16;
  constexpr int kHops = 3000;
  struct Member {
    std::unique_ptr<ClosureStrand> strand;
    int inside = 0;  // not atomic: the strand guards it
    int hops = 0;
  };
  std::vector<Member> members(kStrands);
  for (auto& member : members) member.strand = std::make_unique<ClosureStrand>(scheduler);
  std::atomic<int> finished{0};
  ClosureStrand main(scheduler);
  Recorded end(main);
  std::function<void(size_t, int)> hop = [&](size_t at, int left) {
    Member& member = members[at];
    EXPECT_EQ(member.inside++, 0);
    ++member.hops;
    --member.inside;
    if (left == 0) {
      if (finished.fetch_add(1) + 1 == 8) finish_external(&end, 0);
      return;
    }
    size_t next = (at * 7 + static_cast<size_t>(left)) % kStrands;
    members[next].strand->add([&hop, next, left] { hop(next, left - 1); });
  };
  main.add([&] {
    begin_external(&end);
    for (size_t token = 0; token < 8; ++token) members[token].strand->add([&hop, token] { hop(token, kHops); });
  });
  EXPECT_EQ(main.run([&] { return end.times == 1; }), RunResult::Done);
  int hops = 0;
  for (auto& member : members) {
    member.strand.reset();
    hops += member.hops;
  }
  EXPECT_EQ(hops, 8 * (kHops + 1));
}

// Short-lived strands whose last completion arrives from another thread: nothing may touch them after retire.
TEST_P(Many, StrandsAreDestroyedRightAfterRun) {
  Scheduler scheduler(GetParam());
  for (int i = 0; i < 300; ++i) {
    auto strand = std::make_unique<ClosureStrand>(scheduler);
    int64_t got = 0;
    strand->add([&] {
      for (int k = 1; k <= 3; ++k) run_blocking(*strand, [k] { return k; }, [&](int64_t v) { got += v; });
    });
    ASSERT_EQ(strand->run([&] { return got == 6; }), RunResult::Done);
    strand.reset();
  }
}

INSTANTIATE_TEST_SUITE_P(Workers, Many,
                         ::testing::Values(SchedulerOptions{1, IoKind::Auto, true},
                                           SchedulerOptions{4, IoKind::Auto, true},
                                           SchedulerOptions{3, IoKind::Epoll, false}),
                         [](const auto& info) {
                           return std::to_string(info.param.workers) +
                                  (info.param.caller_is_worker ? "Caller" : "Threads");
                         });

TEST(Scheduler, ManyCallersWithOwnThreads) {
  Scheduler scheduler({2, IoKind::Auto, false});
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t)
    callers.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        ClosureStrand strand(scheduler);
        bool ran = false;
        strand.add([&] { ran = true; });
        EXPECT_EQ(strand.run([&] { return ran; }), RunResult::Done);
        EXPECT_EQ(strand.run([] { return false; }), RunResult::Idle);
      }
    });
  for (auto& caller : callers) caller.join();
}

TEST(Scheduler, AnotherThreadMayCallWhenNothingIsOutstanding) {
  Scheduler scheduler;
  ClosureStrand strand(scheduler);
  int count = 0;
  strand.add([&] { ++count; });
  EXPECT_EQ(strand.run([&] { return count == 1; }), RunResult::Done);
  std::thread([&] {
    Timer timer{[](Completion*, int64_t) {}, &strand};
    strand.add([&] { timer_start(&timer, ClockId::Monotonic, monotonic_now() + 1000); });
    EXPECT_EQ(strand.run([&] { return false; }), RunResult::Idle);
  }).join();
}

// A quantum that cannot end before an operation has: completions of its strand reach it, also from helper threads;
// other strands are for other workers, or come later.
struct WaitsInside : testing::TestWithParam<SchedulerOptions> {};

TEST_P(WaitsInside, UntilItsOperationsHaveEnded) {
  Scheduler scheduler(GetParam());
  ClosureStrand strand(scheduler), other(scheduler);
  std::atomic<bool> other_ran{false};
  bool inner_ran = false, after = false;
  strand.add([&] {
    struct : Timer {
      using Timer::Timer;
      int times = 0;
    } timer{[](Completion* self, int64_t) { ++static_cast<decltype(&timer)>(self)->times; }, &strand};
    int helped = 0;
    other.add([&] { other_ran.store(true); });
    for (int round = 0; round < 50; ++round) {
      timer_start(&timer, ClockId::Monotonic, monotonic_now() + 10'000);
      run_blocking(strand, [] { return int64_t{1}; }, [&](int64_t) { ++helped; });
      Worker::current()->wait_inside(strand, [&] { return timer.times == round + 1 && helped == round + 1; });
    }
    if (GetParam().workers > 1) {
      Recorded end(strand);
      begin_external(&end);
      std::thread finisher([&] {
        while (!other_ran.load()) std::this_thread::yield();
        finish_external(&end, 0);
      });
      Worker::current()->wait_inside(strand, [&] { return end.times == 1; });
      finisher.join();
    }
    // From inside of a completion, what was taken out of the inbox with it is not forgotten.
    next_turn(strand, [&] {
      Worker::current()->wait_inside(strand, [&] { return inner_ran; });
      after = true;
    });
    next_turn(strand, [&] { inner_ran = true; });
  });
  EXPECT_EQ(strand.run([&] { return after; }), RunResult::Done);
  EXPECT_EQ(other.run([&] { return other_ran.load(); }), RunResult::Done);
}

INSTANTIATE_TEST_SUITE_P(Workers, WaitsInside,
                         testing::Values(SchedulerOptions{1, IoKind::Auto, true},
                                         SchedulerOptions{1, IoKind::Epoll, true},
                                         SchedulerOptions{2, IoKind::Auto, false},
                                         SchedulerOptions{1, IoKind::Auto, true, 7}));

}  // namespace
}  // namespace wjit
