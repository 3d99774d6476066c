// The switch point between guest code and host code: one GuestContext per store, known to emitted code and to assembly by
// its offsets. Guest code runs on segments, host code on the worker's own stack; everything that crosses goes through here:
//
//   scheduler/switch.S   enters and leaves fibers (writes host_sp, fiber)
//   jit/host_call.S      the stub of every host function that guest code calls (reads host_sp, writes guest_sp and guest_fp)
//   jit/trap.cpp         the signal handler: reads fiber and host_sp
//
// Whatever emitted code passes as first argument (vmctx, an adapter's or a built-in's context) has the address of its
// store's GuestContext as its first word, so a stub finds it with one load.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wjit {

struct Fiber;

// What a host function asks its stub to do once it has returned.
enum class HostRequest : uint32_t {
  Return = 0,   // go on in the guest with the function's result
  Suspend = 1,  // park the fiber; when it is resumed its continuation runs first and gives the result (scheduler/fiber.h)
  Abandon = 2,  // a trap: leave the fiber for good; its frames are never run again
};

struct GuestContext {
  void* host_sp = nullptr;   // worker stack pointer (16-byte aligned) for host calls; valid while guest code runs
  void* guest_sp = nullptr;  // guest rsp at the last host call: the address of the return address into guest code
  void* guest_fp = nullptr;  // guest rbp at the last host call
  Fiber* fiber = nullptr;    // the fiber that runs; null outside guest code
  HostRequest request = HostRequest::Return;
  uint32_t reserved = 0;
  // Where a stub goes for Suspend and Abandon: set once by the scheduler (wjit_fiber_park, wjit_fiber_abandon in switch.S).
  void* park = nullptr;
  void* abandon = nullptr;
  // Called on the worker's stack by __morestack when the fiber's stack limit is reached (then the fiber is abandoned);
  // set by the engine: it records the trap. guest_sp and guest_fp are set as for a host call.
  void (*stack_exhausted)(GuestContext*) = nullptr;
  // Called on the worker's stack when a fiber that guest code entered (scheduler/fiber.h, "Entered by guest code") parks:
  // its value is what the code that entered it gets. Set by abi.
  uint64_t (*guest_entry_parked)(GuestContext*, Fiber*) = nullptr;
};

namespace guest_context_offset {
constexpr size_t host_sp = 0, guest_sp = 8, guest_fp = 16, fiber = 24, request = 32, park = 40, abandon = 48,
                 stack_exhausted = 56, guest_entry_parked = 64;
}
static_assert(offsetof(GuestContext, host_sp) == guest_context_offset::host_sp);
static_assert(offsetof(GuestContext, guest_sp) == guest_context_offset::guest_sp);
static_assert(offsetof(GuestContext, guest_fp) == guest_context_offset::guest_fp);
static_assert(offsetof(GuestContext, fiber) == guest_context_offset::fiber);
static_assert(offsetof(GuestContext, request) == guest_context_offset::request);
static_assert(offsetof(GuestContext, park) == guest_context_offset::park);
static_assert(offsetof(GuestContext, abandon) == guest_context_offset::abandon);
static_assert(offsetof(GuestContext, stack_exhausted) == guest_context_offset::stack_exhausted);
static_assert(offsetof(GuestContext, guest_entry_parked) == guest_context_offset::guest_entry_parked);

// What lies at host_sp: who ran guest code of this context before its innermost fiber was entered, as wjit_fiber_enter
// saved it (fiber is null where nobody did). Entries nest last-in first-out, so these frames are the callers of the fiber
// that runs.
struct HostFrame {
  uint64_t padding;
  GuestContext* previous_context;  // of the thread
  void* stack_limit;
  Fiber* fiber;
  void* guest_fp;
  void* guest_sp;
  HostFrame* host_sp;
};

// Register state at the start of a guest function: the C calling convention's integer and vector argument registers.
// ints[0] is the context (vmctx). What does not fit goes through StoreContext::argument_area (ir/signature.h).
struct RegisterArgs {
  uint64_t ints[6] = {};
  alignas(16) uint8_t vectors[8][16] = {};
};
struct RegisterResults {
  uint64_t rax = 0;
  uint64_t pad = 0;
  alignas(16) uint8_t xmm0[16] = {};
};

}  // namespace wjit
