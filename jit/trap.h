// Traps: what stops a guest. A trap is recorded (code, message, backtrace), the fiber is abandoned, and whoever entered
// the fiber finds the record. C++ is never unwound by a trap. Three ways lead here: emitted checks call the built-in
// `trap`; a fault at a guest pc raises SIGSEGV/SIGBUS/SIGFPE/SIGILL, the handler records and leaves the fiber; host
// functions call raise_trap and return at once. Tests: test/unit/trap_test.cpp, test/lit/trap.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "ir/vmctx.h"

namespace wjit {

enum class TrapCode : uint32_t {
#define TRAP(name, message) name,
#include "jit/traps.def"
#undef TRAP
};
const char* message(TrapCode code);

// One guest frame, innermost first.
struct Frame {
  uint64_t pc = 0;
  std::string module;  // display name of the module, "" if it has none
  uint32_t function = 0;
  std::string function_name;
  uint64_t wasm_offset = 0;  // byte offset in the module's binary; 0 where unknown
  bool is_adapter = false;   // an adapter or built-in stub rather than a wasm function
};

struct Trap {
  TrapCode code = TrapCode::Unreachable;
  std::string detail;  // more than the code's message, e.g. which handle; may be empty
  std::vector<Frame> backtrace;
  bool exit_requested = false;  // not an error: the guest called an `exit` host function
  int exit_status = 0;

  // "wasm trap: unreachable" and a line per frame.
  std::string to_string() const;
  // The message part only: the code's message and the detail.
  std::string message_text() const;
};

// Records a trap in the store of `context` and makes the current host function's stub abandon the fiber: the caller
// must return right after. Host code on the strand's worker, called from guest code through a stub. The first trap of a
// store wins.
void raise_trap(GuestContext* context, TrapCode code, std::string detail = {});
// Ends the store without an error: `exit` host functions.
void raise_exit(GuestContext* context, int status);

// The record of the store's trap; empty optional-like: has_trap false before any. Same strand only.
bool has_trap(const GuestContext* context);
const Trap& trap_of(const GuestContext* context);
// Takes the record out (the store may be used again: only core-module stores, whose instances survive a trap).
Trap take_trap(GuestContext* context);
// Frees the record, if any: for whoever destroys a store.
void discard_trap(GuestContext* context);

// GuestContext::stack_exhausted: records TrapCode::StackExhausted.
void on_stack_exhausted(GuestContext* context);

// What traps and exceptions need from the scheduler (scheduler/fiber.h has functions of the first three types; jit does not
// include it) and from abi. All but the third are called inside a signal handler.
struct TrapHooks {
  GuestContext* (*current)() = nullptr;  // the context that runs guest code on this thread, or null
  void (*abandon_from_signal)(void* ucontext, GuestContext* context) = nullptr;
  void (*restore_stack_limit)(GuestContext* context, void* sp) = nullptr;
  // Appends the callers of what traps that are not on its stacks (abi/backtrace.h).
  void (*add_callers)(GuestContext* context, std::vector<Frame>& frames) = nullptr;
};
// Before install_trap_handlers; once per process.
void set_trap_hooks(TrapHooks hooks);
const TrapHooks& trap_hooks();

// Installs the process's fault handlers and, for the calling thread, the alternate signal stack. Idempotent. Faults
// outside guest code go to the handlers that were there before.
void install_trap_handlers();
void install_thread_signal_stack();

// Backtrace of guest frames from a pc/sp/fp triple (libunwind over the registered frame tables; see jit/unwind.cpp); at
// most `limit` frames. Crosses segment boundaries of one fiber; ends at the fiber's base. `pc` is a return address, or
// with `exact` the address of the instruction itself (a fault). `sp` is the stack pointer behind the return address's
// pop.
constexpr size_t kMaxFrames = 10000;
std::vector<Frame> backtrace(void* pc, void* sp, void* fp, size_t limit = kMaxFrames, bool exact = false);

}  // namespace wjit
