// canon task.*, subtask.*, waitable*, waitable-set.*, context.*, backpressure.*. Spec: CanonicalABI.md, sections of
// these names.
#include <utility>

#include "abi/canon.h"
#include "abi/choice.h"
#include "base/check.h"

namespace wjit {
namespace {

// Stores an event's two words at `pointer` of the built-in's memory; its code is the result.
uint64_t unpack_event(BuiltinContext* context, uint64_t pointer, Event event) {
  MemoryInstance& memory = *context->memory;
  if (pointer % 4 != 0) return store_of(context).trap(TrapCode::UnalignedPointer), 0;
  if (pointer > memory.byte_length || memory.byte_length - pointer < 8) {
    return store_of(context).trap(TrapCode::MemoryOutOfBounds), 0;
  }
  __builtin_memcpy(memory.base + pointer, &event.index, 4);
  __builtin_memcpy(memory.base + pointer + 4, &event.payload, 4);
  return static_cast<uint64_t>(event.code);
}

[[gnu::cold, gnu::noinline]] void unknown_handle(BuiltinContext* context, const char* what, uint32_t index) {
  store_of(context).trap(TrapCode::UnknownHandle, fmt::format("unknown {} {}", what, index));
}

WaitableSet* find_set(BuiltinContext* context, uint32_t index) {
  auto* set = context->instance->handles.get_as<WaitableSet>(index, HandleKind::WaitableSet);
  if (set == nullptr) unknown_handle(context, "waitable set", index);
  return set;
}

Waitable* find_waitable(BuiltinContext* context, uint32_t index) {
  HandleRecord* record = context->instance->handles.get(index);
  if (record != nullptr && (record->kind == HandleKind::Subtask || record->kind == HandleKind::StreamEnd ||
                            record->kind == HandleKind::FutureEnd)) {
    return static_cast<Waitable*>(record);
  }
  unknown_handle(context, "waitable", index);
  return nullptr;
}

// The task that runs, if it belongs to the built-in's instance.
Task* current_task(BuiltinContext* context) {
  Thread* thread = running_thread(context);
  return thread != nullptr ? thread->task : nullptr;
}

}  // namespace

// ---- task.return, task.cancel ----

// Where wjit_task_return_entry (abi/host_call.S) does not find that the running task's adapter matches: says what is
// wrong.
extern "C" uint64_t builtin_canon_TaskReturn(BuiltinContext* context) {
  if (!check_may_leave(context)) return 0;
  Store& store = store_of(context);
  Task* task = current_task(context);
  if (task == nullptr) return 0;
  if (task->adapter == nullptr || !task->is_async_lift()) {
    return store.trap(TrapCode::CanonicalAbi, "task.return called from a function that was not lifted with `async`"), 0;
  }
  return store.trap(TrapCode::CanonicalAbi, "invalid `task.return` signature and/or options for current task"), 0;
}

extern "C" uint64_t builtin_canon_TaskCancel(BuiltinContext* context) {
  if (!check_may_leave(context)) return 0;
  Store& store = store_of(context);
  Task* task = current_task(context);
  if (task == nullptr) return 0;
  if (!task->is_async_lift()) {
    return store.trap(TrapCode::CanonicalAbi, "task.cancel called from a function that was not lifted with `async`"), 0;
  }
  if (task->state == TaskState::Resolved) {
    return store.trap(TrapCode::CanonicalAbi, "`task.return` or `task.cancel` called more than once for current task"),
           0;
  }
  if (task->state != TaskState::CancelDelivered) {
    return store.trap(TrapCode::CanonicalAbi, "`task.cancel` called by task which has not been cancelled"), 0;
  }
  if (!resolve_task(*task, false)) store.propagate_trap();
  return 0;
}

// ---- context, backpressure ----

extern "C" uint64_t builtin_canon_ContextGet(BuiltinContext* context) {
  Thread* thread = running_thread(context);
  return thread != nullptr ? thread->storage[context->slot] : 0;
}

extern "C" uint64_t builtin_canon_ContextSet(BuiltinContext* context, uint64_t value) {
  Thread* thread = running_thread(context);
  if (thread == nullptr) return 0;
  thread->task->dirty = 1;
  thread->storage[context->slot] =
      context->core_type.params[0].kind == ValKind::I64 ? value : static_cast<uint32_t>(value);
  return 0;
}

extern "C" uint64_t builtin_canon_BackpressureInc(BuiltinContext* context) {
  if (++context->instance->gate.backpressure == 1u << 16) {
    store_of(context).trap(TrapCode::CanonicalAbi, "backpressure counter overflow");
  }
  return 0;
}

extern "C" uint64_t builtin_canon_BackpressureDec(BuiltinContext* context) {
  ComponentInstance& instance = *context->instance;
  if (instance.gate.backpressure == 0) {
    return store_of(context).trap(TrapCode::CanonicalAbi, "backpressure counter underflow"), 0;
  }
  if (--instance.gate.backpressure == 0) wake_blocked(instance);
  return 0;
}

// ---- waitable sets ----

extern "C" uint32_t builtin_canon_WaitableSetNew(BuiltinContext* context) {
  if (!check_may_leave(context)) return 0;
  uint32_t index = context->instance->handles.add(store_of(context).waitable_sets.make());
  if (index == 0) store_of(context).trap(TrapCode::CanonicalAbi, "the handle table is full");
  return index;
}

static uint64_t waitable_set_wait_resumed(GuestContext* guest, void* argument) {
  auto* context = static_cast<BuiltinContext*>(argument);
  Store& store = Store::of(guest);
  Thread& thread = *store.current();
  WaitableSet* set = thread.wait_set;
  thread.wait_set = nullptr;
  return unpack_event(context, guest->fiber->saved[0], take_event(*set, store.choices));
}

extern "C" uint64_t builtin_canon_WaitableSetWait(BuiltinContext* context, uint32_t index, uint64_t pointer) {
  if (!check_may_leave(context)) return 0;
  WaitableSet* set = find_set(context, index);
  if (set == nullptr) return 0;
  Thread* thread = running_thread(context);
  if (thread == nullptr) return 0;
  pointer = address(context, pointer);
  Store& store = store_of(context);
  if (!set->ready.empty() && goes_on_at_once(store.choices, true)) {
    uint64_t code = unpack_event(context, pointer, take_event(*set, store.choices));
    return store.locked_down() ? code : give_way(store, code);
  }
  thread->wait_set = set;
  start_waiting(*thread, WaitKind::Set);
  store.context().fiber->saved[0] = pointer;
  return park(store, *thread, waitable_set_wait_resumed, context);
}

extern "C" uint64_t builtin_canon_WaitableSetPoll(BuiltinContext* context, uint32_t index, uint64_t pointer) {
  if (!check_may_leave(context)) return 0;
  WaitableSet* set = find_set(context, index);
  if (set == nullptr) return 0;
  if (running_thread(context) == nullptr) return 0;
  Event event;
  if (!set->ready.empty()) event = take_event(*set, store_of(context).choices);
  return unpack_event(context, address(context, pointer), event);
}

extern "C" uint64_t builtin_canon_WaitableSetDrop(BuiltinContext* context, uint32_t index) {
  if (!check_may_leave(context)) return 0;
  WaitableSet* set = find_set(context, index);
  if (set == nullptr) return 0;
  if (!set->empty()) {
    return store_of(context).trap(TrapCode::CanonicalAbi, "cannot drop waitable set with waitables in it"), 0;
  }
  if (set->num_waiting > 0) {
    return store_of(context).trap(TrapCode::CanonicalAbi, "cannot drop waitable set with waiters"), 0;
  }
  context->instance->handles.remove(index);
  store_of(context).waitable_sets.free(set);
  return 0;
}

extern "C" uint64_t builtin_canon_WaitableJoin(BuiltinContext* context, uint32_t index, uint32_t set_index) {
  if (!check_may_leave(context)) return 0;
  Waitable* waitable = find_waitable(context, index);
  if (waitable == nullptr) return 0;
  if (waitable->has_sync_waiter) {
    return store_of(context).trap(TrapCode::CanonicalAbi,
                                  "waitable cannot be used synchronously while added to a waitable set"),
           0;
  }
  WaitableSet* set = nullptr;
  if (set_index != 0) {
    set = find_set(context, set_index);
    if (set == nullptr) return 0;
  }
  join(*waitable, set);
  return 0;
}

// ---- subtasks ----

// `blocks`: the built-in may block on it, unless it is async.
static Subtask* find_subtask(BuiltinContext* context, uint32_t index, bool blocks) {
  auto* subtask = context->instance->handles.get_as<Subtask>(index, HandleKind::Subtask);
  if (subtask == nullptr && (!blocks || may_block_at_all(context))) {
    unknown_handle(context, "subtask", index);
  }
  return subtask;
}

static uint64_t subtask_cancel_resumed(GuestContext*, void* argument) {
  auto* subtask = static_cast<Subtask*>(argument);
  subtask->wait_synchronously(nullptr);
  return take_event(*subtask).payload;
}

extern "C" uint64_t builtin_canon_SubtaskCancel(BuiltinContext* context, uint32_t index) {
  if (!check_may_leave(context)) return 0;
  Store& store = store_of(context);
  Subtask* subtask = find_subtask(context, index, true);
  if (subtask == nullptr) return 0;
  if (subtask->resolve_delivered) {
    return store.trap(TrapCode::CanonicalAbi, "`subtask.cancel` called after terminal status delivered"), 0;
  }
  if (subtask->cancellation_requested) {
    return store.trap(TrapCode::CanonicalAbi, "`subtask.cancel` called more than once"), 0;
  }
  if (subtask->set() != nullptr && !context->is_async) {
    return store.trap(TrapCode::CanonicalAbi, "waitable cannot be used synchronously while added to a waitable set"), 0;
  }
  if (!subtask->resolved()) {
    subtask->cancellation_requested = true;
    if (subtask->task != nullptr) {
      if (!request_cancellation(*subtask->task, context->instance)) return store.propagate_trap(), 0;
    } else if (subtask->host_call != nullptr && subtask->host_call->on_cancel) {
      std::exchange(subtask->host_call->on_cancel, nullptr)();  // which may free the call
      if (store.propagate_trap()) return 0;
    }
    if (!subtask->resolved()) {
      if (context->is_async) return kBlocked;
      Thread* thread = running_thread(context);
      if (thread == nullptr) return 0;
      // Progress that is not the end (it may have started meanwhile) does not count.
      clear_pending(*subtask);
      subtask->wait_synchronously(thread);
      thread->wait_waitable = subtask;
      start_waiting(*thread, WaitKind::Waitable);
      return park(store, *thread, subtask_cancel_resumed, subtask);
    }
  }
  return take_event(*subtask).payload;
}

extern "C" uint64_t builtin_canon_SubtaskDrop(BuiltinContext* context, uint32_t index) {
  if (!check_may_leave(context)) return 0;
  Subtask* subtask = find_subtask(context, index, false);
  if (subtask == nullptr) return 0;
  if (!subtask->resolve_delivered) {
    return store_of(context).trap(TrapCode::CanonicalAbi, "cannot drop a subtask which has not yet resolved"), 0;
  }
  join(*subtask, nullptr);
  context->instance->handles.remove(index);
  store_of(context).subtasks.free(subtask);
  return 0;
}

}  // namespace wjit
