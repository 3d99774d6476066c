// Exceptions: their heap, the built-ins, and what the stub of `wjit.throw` calls. The walk over the frames is
// jit/unwind.cpp. Interface: jit/exception.h.
#include "jit/exception.h"

#include <new>

#include "base/check.h"
#include "jit/builtins.h"
#include "jit/instance.h"
#include "jit/trap.h"

namespace wjit {

// ---- heap ----

ExceptionHeap& ExceptionHeap::of(StoreContext& store) {
  if (!store.exceptions) {
    store.exceptions = {new ExceptionHeap, [](ExceptionHeap* heap) { delete heap; }};
  }
  return *store.exceptions;
}

ExceptionHeap::~ExceptionHeap() {
  for (auto& [reference, exception] : referenced_) free(exception);
}

void ExceptionHeap::free(Exception* exception) { ::operator delete(exception, std::align_val_t(16)); }

Exception* ExceptionHeap::make(const TagInstance* tag, uint64_t slots) {
  void* memory = ::operator new(sizeof(Exception) + slots * 16, std::align_val_t(16), std::nothrow);
  return memory ? new (memory) Exception{.tag = tag, .slots = slots} : nullptr;
}

void ExceptionHeap::release(Exception* exception) {
  if (exception->reference == 0) free(exception);
}

uint64_t ExceptionHeap::refer(Exception* exception) {
  if (exception->reference != 0) return exception->reference;
  exception->reference = next_reference_++;
  referenced_.emplace(exception->reference, exception);
  referenced_bytes_ += bytes_of(*exception);
  while (referenced_bytes_ > kReferencedBytes && !oldest_.empty()) {
    auto found = referenced_.find(oldest_.front());
    oldest_.pop_front();
    referenced_bytes_ -= bytes_of(*found->second);
    free(found->second);
    referenced_.erase(found);
  }
  oldest_.push_back(exception->reference);
  return exception->reference;
}

Exception* ExceptionHeap::find(uint64_t reference) const {
  auto found = referenced_.find(reference);
  return found == referenced_.end() ? nullptr : found->second;
}

// ---- built-ins ----

Exception* builtin_exception_new(VmContext* vmctx, uint32_t tag) {
  CoreInstance& instance = *vmctx->instance;
  const Module& module = instance.module();
  size_t slots = module.types[module.tags[tag].type].func.params.size();
  Exception* exception = ExceptionHeap::of(*vmctx->store).make(instance.tag(tag), slots);
  if (!exception) raise_trap(vmctx->store, TrapCode::AllocationFailure, "no memory for an exception");
  return exception;
}

void builtin_exception_catch(VmContext* vmctx, Exception* exception) {
  ExceptionHeap::of(*vmctx->store).release(exception);
}

void* builtin_exception_ref(VmContext* vmctx, Exception* exception) {
  return reinterpret_cast<void*>(ExceptionHeap::of(*vmctx->store).refer(exception));  // NOLINT
}

Exception* builtin_exception_of(VmContext* vmctx, void* reference) {
  if (!reference) return raise_trap(vmctx->store, TrapCode::NullExceptionReference), nullptr;
  Exception* found = ExceptionHeap::of(*vmctx->store).find(reinterpret_cast<uint64_t>(reference));
  if (!found) {
    raise_trap(vmctx->store, TrapCode::AllocationFailure, "the exception of an exnref was dropped: too many are kept");
  }
  return found;
}

// ---- throw ----

// True: the stub goes on at `registers`, with the exception. False: it abandons the fiber.
extern "C" bool wjit_throw(VmContext* vmctx, Exception* exception, ThrowRegisters* registers) {
  StoreContext& store = *vmctx->store;
  if (find_landing(*registers)) {
    trap_hooks().restore_stack_limit(&store, reinterpret_cast<void*>(registers->sp));  // NOLINT
    return true;
  }
  ExceptionHeap::of(store).release(exception);
  raise_trap(&store, TrapCode::UncaughtException);
  return false;
}

}  // namespace wjit
