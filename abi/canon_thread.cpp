// canon thread.*: explicit threads within a task. Spec: CanonicalABI.md, "canon thread.*".
#include "abi/canon.h"
#include "abi/choice.h"
#include "base/check.h"

namespace wjit {
namespace {

// What a suspending built-in returns when it goes on: that it was not cancelled.
uint64_t resumed(GuestContext*, void*) { return 0; }

Thread* find_thread(BuiltinContext* context, uint32_t index) {
  auto* thread = context->instance->threads.get_as<Thread>(index, HandleKind::Thread);
  if (thread == nullptr) store_of(context).trap(TrapCode::UnknownHandle, fmt::format("unknown thread index {}", index));
  return thread;
}

Thread* find_suspended(BuiltinContext* context, uint32_t index) {
  Thread* thread = find_thread(context, index);
  if (thread != nullptr && thread->state != Thread::State::Suspended) {
    store_of(context).trap(TrapCode::CanonicalAbi, "cannot resume thread which is not suspended");
    return nullptr;
  }
  return thread;
}

// Parks the running thread, suspended or yielding, in favour of `other` (null: of whoever is next).
uint64_t leave(BuiltinContext* context, Thread& thread, bool yield, Thread* other) {
  if (yield && other == nullptr && goes_on_at_once(store_of(context).choices, false)) return 0;
  store_of(context).switch_to = other;
  if (yield) {
    start_waiting(thread, WaitKind::Yield);
  } else {
    thread.state = Thread::State::Suspended;
  }
  return park(store_of(context), thread, resumed, nullptr);
}

uint64_t switch_to_suspended(BuiltinContext* context, uint32_t index, bool yield) {
  if (!check_may_leave(context)) return 0;
  Thread* thread = running_thread(context);
  if (thread == nullptr) return 0;
  Thread* other = find_suspended(context, index);
  if (other == nullptr) return 0;
  return leave(context, *thread, yield, other);
}

uint64_t promote(BuiltinContext* context, uint32_t index, bool yield) {
  if (!check_may_leave(context)) return 0;
  Thread* thread = running_thread(context);
  if (thread == nullptr) return 0;
  Thread* other = find_thread(context, index);
  if (other == nullptr) return 0;
  bool ready = other->state == Thread::State::Waiting && ready_now(*other);
  return leave(context, *thread, yield, ready ? other : nullptr);
}

// What a table of start functions has at an index; null after a trap.
FuncRef* start_function(BuiltinContext* context, uint64_t index) {
  Store& store = store_of(context);
  if (!context->table_is_64) index = static_cast<uint32_t>(index);
  if (index >= context->table->length) {
    return store.trap(TrapCode::TableOutOfBounds, fmt::format("table index {}", index)), nullptr;
  }
  auto* function = static_cast<FuncRef*>(context->table->elements[index]);
  if (function == nullptr) return store.trap(TrapCode::IndirectCallToNull), nullptr;
  if (function->type_id != context->thread_type_id) {
    return store.trap(TrapCode::BadSignature, "start function does not match expected type"), nullptr;
  }
  return function;
}

// A thread, suspended or (`spawn`) to be resumed later: its index, 0 after a trap.
uint32_t new_thread(BuiltinContext* context, FuncRef* function, uint64_t argument, bool spawn) {
  Thread* thread = running_thread(context);
  if (thread == nullptr || function == nullptr) return 0;
  auto* made = new ExplicitThread;
  made->task = thread->task;
  made->is_explicit = true;
  made->function = {function->code, function->vmctx};
  made->argument = argument;
  thread->task->threads.push_back(made);
  const uint32_t index = thread_index(*made);
  if (spawn && index != 0) start_waiting(*made, WaitKind::Yield);
  return index;
}

}  // namespace

extern "C" {

uint64_t builtin_canon_ThreadYield(BuiltinContext* context) {
  if (!check_may_leave(context)) return 0;
  Thread* thread = running_thread(context);
  if (thread == nullptr) return 0;
  return leave(context, *thread, true, nullptr);
}

uint64_t builtin_canon_ThreadSuspend(BuiltinContext* context) {
  if (!check_may_leave(context)) return 0;
  Thread* thread = running_thread(context);
  if (thread == nullptr) return 0;
  return leave(context, *thread, false, nullptr);
}

uint64_t builtin_canon_ThreadSuspendThenResume(BuiltinContext* context, uint32_t index) {
  return switch_to_suspended(context, index, false);
}
uint64_t builtin_canon_ThreadYieldThenResume(BuiltinContext* context, uint32_t index) {
  return switch_to_suspended(context, index, true);
}
uint64_t builtin_canon_ThreadSuspendThenPromote(BuiltinContext* context, uint32_t index) {
  return promote(context, index, false);
}
uint64_t builtin_canon_ThreadYieldThenPromote(BuiltinContext* context, uint32_t index) {
  return promote(context, index, true);
}

uint32_t builtin_canon_ThreadIndex(BuiltinContext* context) {
  if (!check_may_leave(context)) return 0;
  Thread* thread = running_thread(context);
  return thread != nullptr ? thread_index(*thread) : 0;
}

uint64_t builtin_canon_ThreadResumeLater(BuiltinContext* context, uint32_t index) {
  if (!check_may_leave(context)) return 0;
  Thread* other = find_suspended(context, index);
  if (other != nullptr) start_waiting(*other, WaitKind::Yield);
  return 0;
}

uint32_t builtin_canon_ThreadNewIndirect(BuiltinContext* context, uint64_t index, uint64_t argument) {
  if (!check_may_leave(context)) return 0;
  return new_thread(context, start_function(context, index), argument, false);
}

uint32_t builtin_canon_ThreadSpawnIndirect(BuiltinContext* context, uint64_t index, uint64_t argument) {
  if (!check_may_leave(context)) return 0;
  return new_thread(context, start_function(context, index), argument, true);
}

uint32_t builtin_canon_ThreadSpawnRef(BuiltinContext* context, uint64_t function_reference, uint64_t argument) {
  if (!check_may_leave(context)) return 0;
  auto* function = reinterpret_cast<FuncRef*>(function_reference);  // NOLINT
  if (function == nullptr) return store_of(context).trap(TrapCode::NullFunctionReference), 0;
  return new_thread(context, function, argument, true);
}

// A store's threads run one at a time.
uint32_t builtin_canon_ThreadAvailableParallelism(BuiltinContext*) { return 1; }

}  // extern "C"

}  // namespace wjit
