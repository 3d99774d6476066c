// Timers: order, cancellation, both clocks, a million of them.
#include "scheduler/timer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "test/unit/strand_fixture.h"

namespace wjit {
namespace {

struct OrderedTimer : Timer {
  std::vector<int64_t>* fired = nullptr;
  int64_t deadline = 0;
  int times = 0;
  int64_t value = -1;
  OrderedTimer() {
    done = [](Completion* self, int64_t result) {
      auto* timer = static_cast<OrderedTimer*>(self);
      ++timer->times;
      timer->value = result;
      if (result == 0 && timer->fired) timer->fired->push_back(timer->deadline);
    };
  }
};

struct TimerBackends : ::testing::TestWithParam<IoKind> {};

TEST_P(TimerBackends, FireInOrderAndNotEarly) {
  Scheduler scheduler({1, GetParam(), true});
  ClosureStrand strand(scheduler);
  std::vector<int64_t> fired;
  std::vector<std::unique_ptr<OrderedTimer>> timers;
  std::mt19937 random(1);
  int64_t start = monotonic_now(), last = 0;
  strand.add([&] {
    for (int i = 0; i < 200; ++i) {
      auto timer = std::make_unique<OrderedTimer>();
      timer->strand = &strand;
      timer->fired = &fired;
      timer->deadline = start + 1'000'000 + static_cast<int64_t>(random() % 20'000'000);
      last = std::max(last, timer->deadline);
      timer_start(timer.get(), ClockId::Monotonic, timer->deadline);
      timers.push_back(std::move(timer));
    }
  });
  EXPECT_EQ(strand.run([&] { return fired.size() == 200; }), RunResult::Done);
  EXPECT_GE(monotonic_now(), last);
  EXPECT_TRUE(std::is_sorted(fired.begin(), fired.end()));
}

TEST_P(TimerBackends, RealtimeAndPastDeadlines) {
  Scheduler scheduler({1, GetParam(), true});
  ClosureStrand strand(scheduler);
  OrderedTimer past, soon, later;
  past.strand = soon.strand = later.strand = &strand;
  int64_t start = realtime_now();
  strand.add([&] {
    timer_start(&past, ClockId::Monotonic, 5);
    timer_start(&soon, ClockId::Realtime, start + 5'000'000);
    timer_start(&later, ClockId::Realtime, start + 10'000'000);
  });
  EXPECT_EQ(strand.run([&] { return later.times == 1; }), RunResult::Done);
  EXPECT_GE(realtime_now(), start + 10'000'000);
  EXPECT_EQ(past.times, 1);
  EXPECT_EQ(soon.times, 1);
}

TEST_P(TimerBackends, CancelledExactlyOnceAndRestartable) {
  Scheduler scheduler({1, GetParam(), true});
  ClosureStrand strand(scheduler);
  OrderedTimer timer;
  timer.strand = &strand;
  for (int round = 1; round <= 3; ++round) {
    strand.add([&] {
      timer_start(&timer, ClockId::Monotonic, INT64_MAX);
      cancel(&timer);
      cancel(&timer);
    });
    EXPECT_EQ(strand.run([] { return false; }), RunResult::Idle);
    EXPECT_EQ(timer.times, round);
    EXPECT_EQ(timer.value, -ECANCELED);
    cancel(&timer);  // idle: nothing happens
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, TimerBackends, ::testing::Values(IoKind::Auto, IoKind::Epoll),
                         [](const auto& info) { return info.param == IoKind::Auto ? "Auto" : "Epoll"; });

// Four workers cancel each other's timers while they fire.
TEST(Timers, CancelRacesWithFiring) {
  Scheduler scheduler({4, IoKind::Auto, true});
  ClosureStrand main(scheduler);
  Recorded end(main);
  constexpr int kStrands = 6, kTimers = 400;
  struct Member {
    std::unique_ptr<ClosureStrand> strand;
    std::vector<std::unique_ptr<OrderedTimer>> timers;
  };
  std::vector<Member> members(kStrands);
  std::atomic<int> left{kStrands};
  for (auto& member : members) {
    member.strand = std::make_unique<ClosureStrand>(scheduler);
    for (int i = 0; i < kTimers; ++i) {
      member.timers.push_back(std::make_unique<OrderedTimer>());
      member.timers.back()->strand = member.strand.get();
    }
  }
  main.add([&] {
    begin_external(&end);
    for (auto& member : members) {
      for (int i = 0; i < kTimers; ++i) {
        Timer* timer = member.timers[static_cast<size_t>(i)].get();
        member.strand->add([timer, i] { timer_start(timer, ClockId::Monotonic, monotonic_now() + i * 2000); });
      }
      for (int i = 0; i < kTimers; i += 2)
        member.strand->add([timer = member.timers[static_cast<size_t>(i)].get()] { cancel(timer); });
      member.strand->add([&] {
        if (left.fetch_sub(1) == 1) finish_external(&end, 0);
      });
    }
  });
  EXPECT_EQ(main.run([&] { return end.times == 1; }), RunResult::Done);
  for (auto& member : members) {
    EXPECT_EQ(member.strand->run([&] { return member.strand->outstanding() == 0; }), RunResult::Done);
    for (auto& timer : member.timers) EXPECT_EQ(timer->times, 1);
  }
}

TEST(TimerQueue, AMillionTimers) {
  constexpr size_t kCount = 1'000'000;
  Scheduler scheduler;
  ClosureStrand strand(scheduler);
  std::vector<OrderedTimer> timers(kCount);
  for (auto& timer : timers) timer.strand = &strand;
  std::mt19937 random(2);
  strand.add([&] {
    int64_t base = monotonic_now() + int64_t{3600} * 1'000'000'000;
    for (auto& timer : timers) timer_start(&timer, ClockId::Monotonic, base + random() % 1'000'000'000);
    EXPECT_EQ(Worker::current()->timers().size(), kCount);
    for (size_t i = 0; i < kCount; ++i) cancel(&timers[(i * 7919) % kCount]);
    EXPECT_EQ(Worker::current()->timers().size(), 0u);
  });
  EXPECT_EQ(strand.run([] { return false; }), RunResult::Idle);
  for (auto& timer : timers) ASSERT_EQ(timer.times, 1);
}

// A queue on its own, on a made-up clock, beside a plain map: deadlines from nanoseconds to months away, some cancelled, steps
// of time from nothing to weeks.
TEST(TimerQueue, FiresWhatIsDueAndNothingElse) {
  Scheduler scheduler;
  ClosureStrand strand(scheduler);
  constexpr size_t kCount = 20'000;
  std::vector<OrderedTimer> timers(kCount);
  TimerQueue queue;
  std::mt19937_64 random(3);
  auto some = [&](int most_bits) { return static_cast<int64_t>(random() >> (64 - 1 - random() % most_bits)); };
  strand.add([&] {
    std::multimap<int64_t, OrderedTimer*> waiting;
    int64_t now = 1'000'000'000'000;
    size_t made = 0, cancelled = 0, ended = 0;
    while (made < kCount || !waiting.empty()) {
      for (auto adds = random() % 8; adds > 0 && made < kCount; --adds) {
        OrderedTimer& timer = timers[made++];
        timer.strand = &strand;
        timer.deadline = now - 100 + some(53);
        begin_operation(&timer, OperationKind::Timer, Worker::current());
        queue.add(&timer, timer.deadline);
        waiting.emplace(timer.deadline, &timer);
      }
      if (!waiting.empty() && random() % 4 == 0) {
        auto one = std::next(waiting.begin(), static_cast<ptrdiff_t>(random() % std::min<size_t>(waiting.size(), 50)));
        ASSERT_TRUE(queue.remove(one->second));
        ASSERT_FALSE(queue.remove(one->second));
        post(one->second, -ECANCELED);
        waiting.erase(one);
        ++cancelled;
      }
      ASSERT_EQ(queue.size(), waiting.size());
      const int64_t next = queue.earliest(ClockId::Monotonic);
      ASSERT_EQ(queue.earliest(ClockId::Monotonic, true), waiting.empty() ? TimerQueue::kNever : waiting.begin()->first);
      ASSERT_LE(next, queue.earliest(ClockId::Monotonic, true));
      // A worker that sleeps until then gets on.
      now = random() % 4 == 0 && next != TimerQueue::kNever ? std::max(next, now) : now + some(made < kCount ? 30 : 50);
      queue.fire(now, 0);
      while (!waiting.empty() && waiting.begin()->first <= now) {
        ASSERT_EQ(waiting.begin()->second->state.load(), CompletionState::Posted);
        waiting.erase(waiting.begin());
        ++ended;
      }
      for (auto& [deadline, timer] : waiting) {
        ASSERT_EQ(timer->state.load(), CompletionState::Pending) << deadline - now;
        if (random() % 16 == 0) break;
      }
    }
    EXPECT_EQ(cancelled + ended, kCount);
    EXPECT_GT(cancelled, 100u);
  });
  EXPECT_EQ(strand.run([] { return false; }), RunResult::Idle);
  for (auto& timer : timers) ASSERT_EQ(timer.times, 1);
}

// Few wake-ups on the way to a far deadline, also where many timers make the earliest a guess.
TEST(TimerQueue, SleepsTowardsAFarDeadline) {
  Scheduler scheduler;
  ClosureStrand strand(scheduler);
  std::vector<OrderedTimer> timers(1000);
  TimerQueue queue;
  strand.add([&] {
    int64_t now = 1'000'000'000'000, at = now + int64_t{3600} * 1'000'000'000;
    queue.fire(now, 0);
    for (auto& timer : timers) {
      timer.strand = &strand;
      begin_operation(&timer, OperationKind::Timer, Worker::current());
      queue.add(&timer, at);
    }
    int wakes = 0;
    for (; queue.size() > 0; ++wakes) {
      now = queue.earliest(ClockId::Monotonic);
      queue.fire(now, 0);
    }
    EXPECT_EQ(now, at);
    EXPECT_LE(wakes, 9);
  });
  EXPECT_EQ(strand.run([] { return false; }), RunResult::Idle);
}

}  // namespace
}  // namespace wjit
