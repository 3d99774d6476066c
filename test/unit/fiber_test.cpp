// Fibers with real split-stack code (split_stack_guest.c): growth, limits, switches, nesting, faults.
#include "scheduler/fiber.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>

#include <cstring>
#include <thread>
#include <vector>

#include "scheduler/segment.h"
#include "test/unit/split_stack_guest.h"

// The stub of a host function, by the contract of jit/host_call.S: test_stub_X calls the C++ function test_host_X.
#define STUB(name)                                                          \
  asm(".text\n.p2align 4\n.globl test_stub_" #name "\ntest_stub_" #name     \
      ":\n"                                                                 \
      "mov (%rdi), %rax\n mov %rsp, 8(%rax)\n mov %rbp, 16(%rax)\n"         \
      "push %rbx\n mov %rax, %rbx\n mov 0(%rbx), %rsp\n"                    \
      "call test_host_" #name                                               \
      "\n"                                                                  \
      "cmpl $0, 32(%rbx)\n jne 1f\n"                                        \
      "mov 8(%rbx), %rsp\n mov -8(%rsp), %rbx\n ret\n"                      \
      "1: cmpl $1, 32(%rbx)\n je 2f\n jmp *48(%rbx)\n 2: jmp *40(%rbx)\n"); \
  extern "C" uint64_t test_stub_##name(GuestRecord*, uint64_t);             \
  extern "C" __attribute__((used)) uint64_t test_host_##name(GuestRecord* guest, uint64_t argument)

namespace wjit {
namespace {

constexpr size_t kMiB = 1024 * 1024;

GuestContext* context_of(GuestRecord* guest) { return static_cast<GuestContext*>(guest->context); }

uint64_t continue_with_argument(GuestContext*, void* argument) { return reinterpret_cast<uintptr_t>(argument); }

}  // namespace

STUB(add_one) {
  EXPECT_EQ(context_of(guest)->fiber->state, FiberState::Running);
  EXPECT_EQ(current_guest_context(), context_of(guest));
  return argument + 1;
}

// Suspends; the value that the guest sees is chosen by who resumes (continuation_argument).
STUB(suspend) {
  request_suspend(context_of(guest), &continue_with_argument, reinterpret_cast<void*>(argument));
  return 0xdead;
}

STUB(abandon) {
  (void)argument;
  context_of(guest)->request = HostRequest::Abandon;
  return 0;
}

// Runs a fiber that calls this again.
static uint64_t nesting = 0;
STUB(nest_without_end) {
  ++nesting;
  GuestContext* context = context_of(guest);
  Fiber* inner = fiber_create(kMiB);
  GuestRecord inner_guest{context, guest->host, nullptr};
  RegisterArgs args;
  args.ints[0] = reinterpret_cast<uintptr_t>(&inner_guest);
  args.ints[1] = argument;
  fiber_prepare(inner, reinterpret_cast<void*>(&guest_descend), &args);
  if (fiber_enter(context, inner) == FiberExit::Abandoned) context->request = HostRequest::Abandon;
  fiber_destroy(inner);
  return 0;
}

// Runs another fiber to its end from inside a host function.
STUB(nest) {
  GuestContext* context = context_of(guest);
  void* outer_sp = context->guest_sp;
  Fiber* outer = context->fiber;
  Fiber* inner = fiber_create(kMiB);
  GuestRecord inner_guest{context, &test_stub_add_one, nullptr};
  RegisterArgs args;
  args.ints[0] = reinterpret_cast<uintptr_t>(&inner_guest);
  args.ints[1] = argument + 500;
  fiber_prepare(inner, reinterpret_cast<void*>(&guest_descend), &args);
  EXPECT_EQ(fiber_enter(context, inner), FiberExit::Finished);
  uint64_t result = inner->results.rax;
  fiber_destroy(inner);
  EXPECT_EQ(context->fiber, outer);
  EXPECT_EQ(context->guest_sp, outer_sp);
  return result;
}

namespace {

int exhausted_count = 0;
void count_exhausted(GuestContext* context) {
  ++exhausted_count;
  EXPECT_NE(context->guest_sp, nullptr);
}

struct FiberTest : ::testing::Test {
  GuestContext context;
  GuestRecord guest{&context, nullptr, nullptr};
  RegisterArgs args;

  FiberTest() {
    init_guest_context(&context);
    context.stack_exhausted = &count_exhausted;
    exhausted_count = 0;
  }
  Fiber* prepare(Fiber* fiber, auto* function, uint64_t a = 0, uint64_t b = 0) {
    args.ints[0] = reinterpret_cast<uintptr_t>(&guest);
    args.ints[1] = a;
    args.ints[2] = b;
    fiber_prepare(fiber, reinterpret_cast<void*>(function), &args);
    return fiber;
  }
};

TEST_F(FiberTest, RunsToTheEndWithAllRegisters) {
  Fiber* fiber = fiber_create(kMiB);
  ASSERT_NE(fiber, nullptr);
  EXPECT_EQ(fiber->state, FiberState::Fresh);
  prepare(fiber, &guest_registers, 1, 2);
  args.ints[3] = 3, args.ints[4] = 4, args.ints[5] = 5;
  for (int i = 0; i < 3; ++i) {
    double value = 6.0 + i;
    memcpy(args.vectors[i], &value, sizeof value);
  }
  // Its frame of 3,000 bytes does not fit the first segment: the arguments also survive __morestack's slow path.
  EXPECT_EQ(fiber_enter(&context, fiber), FiberExit::Finished);
  EXPECT_EQ(fiber->state, FiberState::Finished);
  EXPECT_EQ(fiber->results.rax, 1 + 20 + 300 + 4000 + 50000 + uint64_t{6 + 70 + 800} * 100000 + 1);
  EXPECT_EQ(context.fiber, nullptr);
  EXPECT_EQ(current_guest_context(), nullptr);
  fiber_destroy(fiber);
}

TEST_F(FiberTest, DescendsThroughSegmentsAndAllocatesOnce) {
  Fiber* fiber = fiber_create(64 * kMiB);
  EXPECT_EQ(fiber_enter(&context, prepare(fiber, &guest_descend, 100'000)), FiberExit::Finished);
  EXPECT_EQ(fiber->results.rax, 100'001u);
  size_t bytes = fiber->stack_bytes;
  EXPECT_GT(bytes, 5 * kMiB);
  uint64_t taken = segment_counters().taken;
  EXPECT_EQ(fiber_enter(&context, prepare(fiber, &guest_descend, 100'000)), FiberExit::Finished);
  EXPECT_EQ(fiber->results.rax, 100'001u);
  EXPECT_EQ(segment_counters().taken, taken);
  EXPECT_EQ(fiber->stack_bytes, bytes);
  fiber_trim(fiber);
  EXPECT_EQ(fiber->stack_bytes, kFirstSegmentBytes);
  fiber_destroy(fiber);
  EXPECT_EQ(exhausted_count, 0);
}

// Each entry takes some of the worker's stack; what is left is never too little for a host function.
TEST_F(FiberTest, NestingWithoutEndIsAbandoned) {
  Fiber* fiber = fiber_create(kMiB);
  guest.host = &test_stub_nest_without_end;
  nesting = 0;
  EXPECT_EQ(fiber_enter(&context, prepare(fiber, &guest_descend, 0)), FiberExit::Abandoned);
  EXPECT_EQ(exhausted_count, 1);
  EXPECT_GT(nesting, 1000u);
  EXPECT_EQ(context.fiber, nullptr);
  EXPECT_EQ(context.request, HostRequest::Return);
  fiber_destroy(fiber);
}

TEST_F(FiberTest, LimitIsReachedAndTheFiberCanBeUsedAgain) {
  Fiber* fiber = fiber_create(kMiB);
  EXPECT_EQ(fiber_enter(&context, prepare(fiber, &guest_descend, 10'000'000)), FiberExit::Abandoned);
  EXPECT_EQ(exhausted_count, 1);
  EXPECT_EQ(fiber->state, FiberState::Abandoned);
  EXPECT_LE(fiber->stack_bytes, kMiB);
  EXPECT_GT(fiber->stack_bytes, kMiB * 9 / 10);
  EXPECT_EQ(fiber_enter(&context, prepare(fiber, &guest_descend, 1000)), FiberExit::Finished);
  EXPECT_EQ(fiber->results.rax, 1001u);
  // A frame that fits no segment the limit allows.
  fiber_destroy(fiber);
  fiber = fiber_create(16 * 1024);
  EXPECT_EQ(fiber_enter(&context, prepare(fiber, &guest_big_frame, 1)), FiberExit::Abandoned);
  EXPECT_EQ(exhausted_count, 2);
  fiber_destroy(fiber);
}

TEST_F(FiberTest, FramesOfAllSizesFindRoom) {
  guest.host = &test_stub_add_one;
  Fiber* fiber = fiber_create(4 * kMiB);
  EXPECT_EQ(fiber_enter(&context, prepare(fiber, &guest_mixed, 1000)), FiberExit::Finished);
  uint64_t first = fiber->results.rax;
  EXPECT_EQ(fiber_enter(&context, prepare(fiber, &guest_mixed, 1000)), FiberExit::Finished);
  EXPECT_EQ(fiber->results.rax, first);
  fiber_destroy(fiber);
}

TEST_F(FiberTest, SuspendsAndResumesWithAValue) {
  guest.host = &test_stub_suspend;
  Fiber* fiber = fiber_create(kMiB);
  prepare(fiber, &guest_loop, 1000);
  uint64_t expected = 0;
  for (uint64_t i = 0; i < 1000; ++i) {
    ASSERT_EQ(fiber_enter(&context, fiber), FiberExit::Suspended);
    ASSERT_EQ(fiber->state, FiberState::Suspended);
    ASSERT_EQ(context.request, HostRequest::Return);
    fiber->continuation_argument = reinterpret_cast<void*>(i * 7);
    expected += i * 7;
  }
  EXPECT_EQ(fiber_enter(&context, fiber), FiberExit::Finished);
  EXPECT_EQ(fiber->results.rax, expected);
  fiber_destroy(fiber);
}

// Deep down, on a later segment, a fiber parks, stays parked when its continuation wants that, and is resumed on
// another thread.
TEST_F(FiberTest, ContinuationMayStaySuspendedAndThreadsMayChange) {
  guest.host = &test_stub_suspend;
  Fiber* fiber = fiber_create(64 * kMiB);
  EXPECT_EQ(fiber_enter(&context, prepare(fiber, &guest_descend, 5000)), FiberExit::Suspended);
  EXPECT_NE(fiber->current, fiber->first);
  static int attempts;
  attempts = 0;
  Continuation again = [](GuestContext* c, void* argument) -> uint64_t {
    if (++attempts < 3) {
      request_suspend(c, c->fiber->continuation, argument);
      return 0;
    }
    return 41;
  };
  fiber->continuation = again;
  EXPECT_EQ(fiber_enter(&context, fiber), FiberExit::Suspended);
  EXPECT_EQ(fiber_enter(&context, fiber), FiberExit::Suspended);
  std::thread([&] { EXPECT_EQ(fiber_enter(&context, fiber), FiberExit::Finished); }).join();
  EXPECT_EQ(attempts, 3);
  EXPECT_EQ(fiber->results.rax, 5041u);
  fiber_destroy(fiber);
}

TEST_F(FiberTest, ContinuationMayAbandon) {
  guest.host = &test_stub_suspend;
  Fiber* fiber = fiber_create(kMiB);
  EXPECT_EQ(fiber_enter(&context, prepare(fiber, &guest_descend, 3)), FiberExit::Suspended);
  fiber->continuation = [](GuestContext* c, void*) -> uint64_t {
    c->request = HostRequest::Abandon;
    return 0;
  };
  EXPECT_EQ(fiber_enter(&context, fiber), FiberExit::Abandoned);
  EXPECT_EQ(context.request, HostRequest::Return);
  fiber_destroy(fiber);
}

TEST_F(FiberTest, SuspendedFibersCanBeDestroyed) {
  guest.host = &test_stub_suspend;
  std::vector<Fiber*> fibers;
  for (int i = 0; i < 20'000; ++i) {
    Fiber* fiber = fiber_create(kMiB);
    ASSERT_NE(fiber, nullptr);
    ASSERT_EQ(fiber_enter(&context, prepare(fiber, &guest_descend, 5)), FiberExit::Suspended);
    EXPECT_EQ(fiber->stack_bytes, kFirstSegmentBytes);
    fibers.push_back(fiber);
  }
  // Half are resumed in another order, half are dropped.
  for (size_t i = 0; i < fibers.size(); i += 2) {
    fibers[i]->continuation_argument = reinterpret_cast<void*>(i);
    EXPECT_EQ(fiber_enter(&context, fibers[i]), FiberExit::Finished);
    EXPECT_EQ(fibers[i]->results.rax, i + 5);
  }
  for (Fiber* fiber : fibers) fiber_destroy(fiber);
}

TEST_F(FiberTest, HostFunctionAbandons) {
  guest.host = &test_stub_abandon;
  Fiber* fiber = fiber_create(kMiB);
  EXPECT_EQ(fiber_enter(&context, prepare(fiber, &guest_descend, 100)), FiberExit::Abandoned);
  EXPECT_EQ(context.request, HostRequest::Return);
  EXPECT_EQ(context.fiber, nullptr);
  fiber_destroy(fiber);
}

TEST_F(FiberTest, EntriesNest) {
  guest.host = &test_stub_nest;
  Fiber* fiber = fiber_create(kMiB);
  EXPECT_EQ(fiber_enter(&context, prepare(fiber, &guest_loop, 10)), FiberExit::Finished);
  uint64_t expected = 0;
  for (uint64_t i = 0; i < 10; ++i) expected += i + 500 + 1;
  EXPECT_EQ(fiber->results.rax, expected);
  fiber_destroy(fiber);
}

TEST_F(FiberTest, LandingOnAnOlderSegmentRestoresItsLimit) {
  guest.host = &test_stub_suspend;
  Fiber* fiber = fiber_create(4 * kMiB);
  EXPECT_EQ(fiber_enter(&context, prepare(fiber, &guest_descend, 1000)), FiberExit::Suspended);
  void* before;
  asm volatile("mov %%fs:0x70, %0" : "=r"(before));
  context.fiber = fiber;
  for (Segment* segment = fiber->first; segment; segment = segment->next) {
    restore_stack_limit(&context, static_cast<char*>(segment->top) - 100);
    void* limit;
    asm volatile("mov %%fs:0x70, %0" : "=r"(limit));
    EXPECT_EQ(limit, segment->limit);
  }
  context.fiber = nullptr;
  asm volatile("mov %0, %%fs:0x70" : : "r"(before));
  fiber_destroy(fiber);
}

void leave_on_fault(int, siginfo_t*, void* ucontext) { abandon_from_signal(ucontext, current_guest_context()); }

TEST_F(FiberTest, SignalHandlerAbandons) {
  constexpr size_t kStackBytes = 64 * 1024;
  stack_t alternate{}, old_stack{};
  std::vector<char> memory(kStackBytes);
  alternate.ss_sp = memory.data();
  alternate.ss_size = memory.size();
  ASSERT_EQ(sigaltstack(&alternate, &old_stack), 0);
  struct sigaction action{}, old_action{};
  action.sa_sigaction = &leave_on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ASSERT_EQ(sigaction(SIGSEGV, &action, &old_action), 0);
  Fiber* fiber = fiber_create(kMiB);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(fiber_enter(&context, prepare(fiber, &guest_fault, 50)), FiberExit::Abandoned);
  sigaction(SIGSEGV, &old_action, nullptr);
  sigaltstack(&old_stack, nullptr);
  fiber_destroy(fiber);
}

}  // namespace
}  // namespace wjit
