#include "abi/waitable.h"

#include "abi/stream.h"
#include "abi/task.h"

#include <gtest/gtest.h>

namespace wjit {
namespace {

// Subtasks as waitables: their event says the state they are in when it is delivered.
struct WaitableTest : testing::Test {
  Subtask a, b;
  WaitableSet set;
  void SetUp() override {
    a.index = 1;
    b.index = 2;
    a.subtask_state = b.subtask_state = SubtaskState::Started;
  }
};

TEST_F(WaitableTest, EventsComeInTheOrderInWhichTheyBecamePending) {
  join(a, &set);
  join(b, &set);
  set_pending(b);
  set_pending(a);
  set_pending(b);  // pending already: keeps its place
  EXPECT_EQ(take_event(set, nullptr).index, 2u);
  EXPECT_EQ(take_event(set, nullptr).index, 1u);
  EXPECT_TRUE(set.ready.empty());
}

TEST_F(WaitableTest, TheEventSaysTheStateAtDelivery) {
  join(a, &set);
  set_pending(a);
  a.subtask_state = SubtaskState::Returned;
  Event event = take_event(set, nullptr);
  EXPECT_EQ(event.code, EventCode::Subtask);
  EXPECT_EQ(event.payload, static_cast<uint32_t>(SubtaskState::Returned));
  EXPECT_TRUE(a.resolve_delivered);
}

TEST_F(WaitableTest, MovingToAnotherSetTakesTheEventAlong) {
  WaitableSet other;
  join(a, &set);
  set_pending(a);
  join(a, &other);
  EXPECT_TRUE(set.ready.empty());
  EXPECT_TRUE(set.empty());
  EXPECT_EQ(take_event(other, nullptr).index, 1u);
  join(a, nullptr);
  EXPECT_TRUE(other.empty());
}

TEST_F(WaitableTest, AClearedEventIsNotDelivered) {
  join(a, &set);
  set_pending(a);
  clear_pending(a);
  EXPECT_TRUE(set.ready.empty());
  EXPECT_FALSE(a.pending);
}

}  // namespace
}  // namespace wjit
