// Fibers: the execution state of a guest thread, on linked segments that grow (scheduler/segment.h). The scheduler
// knows nothing of wasm: a fiber runs a function pointer with registers.
//
//   worker stack (host code)                         segments of a fiber (guest code)
//   ───────────────────────                          ───────────────────────────────
//   fiber_enter ──────────────────────────────────▶  entry(RegisterArgs)
//                                                      │ calls a host function through its stub (jit/host_call.S)
//   host function on the worker's stack  ◀─────────────┘   (rsp := context.host_sp)
//        │ returns; request Return: back into the guest
//        │ request Suspend: the stub goes to wjit_fiber_park: state kept on the segment, fiber_enter returns Suspended
//        │ request Abandon: wjit_fiber_abandon: fiber_enter returns Abandoned; its frames are never run again
//
// A host function may enter other fibers (nested fiber_enter on the worker's stack): entries are strictly last-in
// first-out, and no suspended fiber ever has a host frame. Destroying a suspended fiber is freeing its segments.
//
// Entered by guest code: an adapter may enter a Fresh fiber without leaving for the worker's stack (abi/adapter_enter.cpp emits
// the switch). It fills the guest_* fields, takes the fiber's sp and limit, and calls. When the callee returns, the adapter
// takes its own stack back and nothing else has happened. When the callee parks instead, wjit_fiber_park asks
// context->guest_entry_parked what to tell the adapter and goes back to it; from then on the fiber is one like any other:
// its oldest frame returns to wjit_fiber_returned.
//
// States:  Fresh ──enter──▶ Running ──park──▶ Suspended ──enter──▶ Running ──▶ Finished | Abandoned
// All functions: on the worker that runs the fiber's strand. Tests: test/unit/fiber_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/guest_context.h"

namespace wjit {

struct Segment;

enum class FiberState : uint32_t { Fresh, Running, Suspended, Finished, Abandoned };
enum class FiberExit : uint32_t { Finished = 0, Suspended = 1, Abandoned = 2 };

// Runs on the worker's stack when a suspended fiber is entered again, before its guest code goes on; its value becomes
// the result (rax) of the host call that suspended. It may call request_suspend or abandon again.
using Continuation = uint64_t (*)(GuestContext*, void* argument);

// Offsets are known to scheduler/switch.S (asserted in fiber.cpp).
struct Fiber {
  void* sp = nullptr;                     // 0: saved rsp (Suspended), top of the first segment (Fresh)
  void* limit = nullptr;                  // 8: stack limit of the segment it stands on (goes to %fs:0x70)
  void* resume = nullptr;                 // 16: address that fiber_enter jumps to
  GuestContext* context = nullptr;        // 24: set by fiber_enter
  void* entry = nullptr;                  // 32: Fresh: function to call
  RegisterArgs* args = nullptr;           // 40: Fresh: its registers (must live until the first fiber_enter)
  Continuation continuation = nullptr;    // 48
  void* continuation_argument = nullptr;  // 56
  RegisterResults results;                // 64: Finished: rax and xmm0 of the entry function
  FiberState state = FiberState::Fresh;
  Segment* first = nullptr;    // segments, linked both ways; `first` holds the fiber's oldest frames
  Segment* current = nullptr;  // the one it stands on (as far as known in host code)
  size_t stack_bytes = 0;      // of all its segments
  size_t stack_limit = 0;      // growth beyond it is the trap `call stack exhausted`
  // Entered by guest code: the stack to go back to. guest_sp is null for all others.
  void* guest_sp = nullptr;          // 136
  void* guest_fp = nullptr;          // 144
  void* guest_limit = nullptr;       // 152
  Fiber* guest_fiber = nullptr;      // 160: context->fiber of the adapter
  Fiber* next_free = nullptr;        // in a pool of Fresh fibers (abi/store.h)
  uint64_t saved[2] = {};            // for whoever suspends: what its continuation needs
};

namespace fiber_offset {
constexpr size_t sp = 0, limit = 8, guest_sp = 136, guest_fp = 144, guest_limit = 152, guest_fiber = 160;
}
// Entered by guest code: bytes from the address that a callee returns to, to that where the adapter goes on if it parks.
constexpr size_t kParkedReturn = 18;

// A fiber with its first segment from this thread's cache. `stack_limit` in bytes, all segments together. Null when
// memory cannot be had.
Fiber* fiber_create(size_t stack_limit);
// Makes a Finished fiber Fresh again, for an entry by guest code.
void fiber_reset(Fiber* fiber);
// Prepares the call of `entry` with `args` (Fresh; or Finished or Abandoned, to use the fiber once more). Without `vectors`
// it gets the integers only.
void fiber_prepare(Fiber* fiber, void* entry, RegisterArgs* args, bool vectors = true);
// Runs it on from where it is until it finishes, suspends or is abandoned. Requires Fresh or Suspended. context->fiber
// and the stack limit are those of the caller again afterwards. Where entries are nested so deep that the thread's own
// stack is nearly used up, it is abandoned at once, after a call of context->stack_exhausted.
FiberExit fiber_enter(GuestContext* context, Fiber* fiber);
// Frees segments that the fiber does not stand on (they stay linked otherwise, for the next time it goes deep). Not
// Running.
void fiber_trim(Fiber* fiber);
// Frees segments; any state but Running.
void fiber_destroy(Fiber* fiber);
// A trap left the fiber while it ran, or while it waited for a fiber that it had entered: Abandoned.
void fiber_abandon(Fiber* fiber);

// For a host function called from guest code: makes its stub park the fiber. The function's own result is ignored.
void request_suspend(GuestContext* context, Continuation continuation, void* argument);

// For landing pads, on the worker's stack: an exception left newer segments; sets the stack limit to that of the
// segment on which `sp`, the guest's stack pointer at the landing pad, lies.
void restore_stack_limit(GuestContext* context, void* sp);

// The innermost context that runs guest code on this thread (the signal handler needs it); null if none.
GuestContext* current_guest_context();
// Makes the interrupted guest code leave its fiber (Abandoned) when the signal handler returns. `ucontext` is the
// handler's third argument; the interrupted pc must be in guest code.
void abandon_from_signal(void* ucontext, GuestContext* context);

// Points context->park and context->abandon at the assembly routines. Once per context, before its first fiber_enter.
void init_guest_context(GuestContext* context);

}  // namespace wjit
