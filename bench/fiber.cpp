// Figures of the switch point and of segments: entering a fresh segment, suspending and resuming, calling across a
// segment boundary in a hot loop, deep recursion. The guest is C with split-stack prologues
// (test/unit/split_stack_guest.c).
#include "scheduler/fiber.h"

#include <benchmark/benchmark.h>

#include <vector>

#include "scheduler/segment.h"
#include "test/unit/split_stack_guest.h"

// The stub of a host function that suspends, by the contract of jit/host_call.S, and of one that returns at once.
#define STUB(name)                                                          \
  asm(".text\n.p2align 4\n.globl bench_stub_" #name "\nbench_stub_" #name   \
      ":\n"                                                                 \
      "mov (%rdi), %rax\n mov %rsp, 8(%rax)\n mov %rbp, 16(%rax)\n"         \
      "push %rbx\n mov %rax, %rbx\n mov 0(%rbx), %rsp\n"                    \
      "call bench_host_" #name                                              \
      "\n"                                                                  \
      "cmpl $0, 32(%rbx)\n jne 1f\n"                                        \
      "mov 8(%rbx), %rsp\n mov -8(%rsp), %rbx\n ret\n"                      \
      "1: cmpl $1, 32(%rbx)\n je 2f\n jmp *48(%rbx)\n 2: jmp *40(%rbx)\n"); \
  extern "C" uint64_t bench_stub_##name(GuestRecord*, uint64_t);            \
  extern "C" __attribute__((used)) uint64_t bench_host_##name(GuestRecord* guest, uint64_t argument)

namespace wjit {

STUB(suspend) {
  request_suspend(
      static_cast<GuestContext*>(guest->context), [](GuestContext*, void* value) { return uint64_t(uintptr_t(value)); },
      reinterpret_cast<void*>(argument));
  return 0;
}

STUB(plain) {
  (void)guest;
  return argument;
}

namespace {

struct Guest {
  GuestContext context;
  GuestRecord record{&context, nullptr, nullptr};
  RegisterArgs args;
  Guest() {
    init_guest_context(&context);
    args.ints[0] = reinterpret_cast<uintptr_t>(&record);
  }
  FiberExit run(Fiber* fiber, auto* function, uint64_t a, uint64_t b = 0) {
    args.ints[1] = a;
    args.ints[2] = b;
    fiber_prepare(fiber, reinterpret_cast<void*>(function), &args);
    return fiber_enter(&context, fiber);
  }
};

constexpr size_t kLimit = size_t{512} << 20;

// A fiber from the thread's free list, a call on it, and back.
void FiberCreateEnterDestroy(benchmark::State& state) {
  Guest guest;
  for (auto _ : state) {
    Fiber* fiber = fiber_create(kLimit);
    guest.run(fiber, &guest_descend, 0);
    fiber_destroy(fiber);
  }
}
BENCHMARK(FiberCreateEnterDestroy);

void FiberEnterAgain(benchmark::State& state) {
  Guest guest;
  Fiber* fiber = fiber_create(kLimit);
  for (auto _ : state) guest.run(fiber, &guest_descend, 0);
  fiber_destroy(fiber);
}
BENCHMARK(FiberEnterAgain);

// Guest -> host call that suspends -> worker -> continuation -> guest.
void SuspendResumeRoundTrip(benchmark::State& state) {
  Guest guest;
  guest.record.host = &bench_stub_suspend;
  Fiber* fiber = fiber_create(kLimit);
  guest.run(fiber, &guest_loop, UINT64_MAX);
  for (auto _ : state) fiber_enter(&guest.context, fiber);
  fiber_destroy(fiber);
}
BENCHMARK(SuspendResumeRoundTrip);

void HostCall(benchmark::State& state) {
  Guest guest;
  guest.record.host = &bench_stub_plain;
  Fiber* fiber = fiber_create(kLimit);
  while (state.KeepRunningBatch(1000)) guest.run(fiber, &guest_loop, 1000);
  fiber_destroy(fiber);
}
BENCHMARK(HostCall);

// The argument: frames of 80 bytes before the loop. Somewhere in the range each call in the loop crosses a boundary.
void HotCall(benchmark::State& state) {
  Guest guest;
  Fiber* fiber = fiber_create(kLimit);
  while (state.KeepRunningBatch(10000)) guest.run(fiber, &guest_hot, static_cast<uint64_t>(state.range(0)), 10000);
  fiber_destroy(fiber);
}
BENCHMARK(HotCall)->DenseRange(10, 19);

void Recursion100000(benchmark::State& state) {
  Guest guest;
  Fiber* fiber = fiber_create(kLimit);
  while (state.KeepRunningBatch(100000)) guest.run(fiber, &guest_descend, 100000);
  fiber_destroy(fiber);
}
BENCHMARK(Recursion100000);

// A million suspended fibers; the counter is what one of them takes.
void SuspendedMillion(benchmark::State& state) {
  Guest guest;
  guest.record.host = &bench_stub_suspend;
  constexpr size_t kCount = 1'000'000;
  for (auto _ : state) {
    std::vector<Fiber*> fibers(kCount);
    size_t bytes = 0;
    for (Fiber*& fiber : fibers) {
      fiber = fiber_create(kLimit);
      guest.run(fiber, &guest_descend, 3);
      bytes += fiber->stack_bytes;
    }
    state.counters["bytes"] = static_cast<double>(bytes) / kCount;
    for (Fiber* fiber : fibers) fiber_destroy(fiber);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kCount));
}
BENCHMARK(SuspendedMillion)->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace
}  // namespace wjit
