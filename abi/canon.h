// Shared by the canonical built-ins (abi/canon_*.cpp). Each is a host function `builtin_canon_<Name>(BuiltinContext*, …)` on the
// worker's stack (prototypes: abi/canon_calls.def). Traps: raise and return anything. Blocking: park and return.
// Spec: CanonicalABI.md, "Canonical Definitions".
#pragma once

#include "abi/call.h"
#include "abi/store.h"

namespace wjit {

// The function pointer of a built-in's stub, as a core function's code.
void* canon_stub(CanonBuiltin builtin);

inline Store& store_of(BuiltinContext* context) { return Store::of(context->store); }

constexpr uint64_t kBlocked = 0xFFFF'FFFF;  // BLOCKED

// A pointer or length parameter as the memory's address type reads it.
inline uint64_t address(const BuiltinContext* context, uint64_t raw) {
  return context->options.memory_is_64 ? raw : static_cast<uint32_t>(raw);
}

// Every built-in but resource.rep, context.* and backpressure.* may only be called where the instance may be left.
inline bool check_may_leave(BuiltinContext* context) {
  if (context->instance->may_leave) return true;
  store_of(context).trap(TrapCode::CannotLeave);
  return false;
}

// Of a built-in's two reasons to trap, that it may not block where it is called says more than that its handle is unknown. True:
// the handle it is.
inline bool may_block_at_all(BuiltinContext* context) { return context->is_async || check_may_block(store_of(context)); }

// Blocking needs a thread; there is none while an instance's start function runs.
inline Thread* running_thread(BuiltinContext* context) {
  Store& store = store_of(context);
  if (store.current() == nullptr) {
    store.trap(TrapCode::CanonicalAbi, "cannot block a synchronous task before returning: a start function runs without a task");
  }
  return store.current();
}

}  // namespace wjit
