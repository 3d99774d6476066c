// The life of a call, told downwards: entering an instance, the caller's side (canon lower), the callee's task, resolution,
// cancellation. What the threads of the task do meanwhile is abi/thread.cpp; the code that moves values is the adapter's
// (abi/adapter.h). Spec: CanonicalABI.md, "Component Instances", "Tasks", "Subtask State", "canon lift", "canon lower".
#include "abi/call.h"

#include "base/check.h"

namespace wjit {

// ---- entering: an instance runs one thing at a time, its parents included ----

static bool is_self_or_ancestor(const ComponentInstance* candidate, const ComponentInstance* instance) {
  for (; instance != nullptr; instance = instance->parent) {
    if (candidate == instance) return true;
  }
  return false;
}

bool may_enter_from(const ComponentInstance& instance, const ComponentInstance* caller) {
  for (const ComponentInstance* i = &instance; i != nullptr; i = i->parent) {
    if (!is_self_or_ancestor(i, caller) && !i->may_enter) return false;
  }
  return true;
}

void enter_from(ComponentInstance& instance, const ComponentInstance* caller) {
  for (ComponentInstance* i = &instance; i != nullptr; i = i->parent) {
    if (is_self_or_ancestor(i, caller)) continue;
    CHECK(i->may_enter);
    i->may_enter = false;
  }
}

void leave_to(ComponentInstance& instance, const ComponentInstance* caller) {
  for (ComponentInstance* i = &instance; i != nullptr; i = i->parent) {
    if (is_self_or_ancestor(i, caller)) continue;
    CHECK(!i->may_enter);
    i->may_enter = true;
  }
}

// ---- the caller: `canon lower` of a function of another component ----

// A sync-lowered call goes on: its result is in the subtask.
static uint64_t finish_sync_lower(GuestContext*, void* argument) {
  auto* subtask = static_cast<Subtask*>(argument);
  Thread* thread = subtask->sync_waiter;
  subtask->has_sync_waiter = false;
  subtask->sync_waiter = nullptr;
  clear_pending(*subtask);
  deliver_resolve(*subtask);
  // The Call is the emitted code's, on the parked stack.
  auto* call = reinterpret_cast<Call*>(thread->saved[0]);  // NOLINT
  call->result = subtask->result;
  auto state = static_cast<uint64_t>(subtask->state);
  delete subtask;
  return state;  // an async lower's status; a sync lower's code does not look at it
}

extern "C" uint64_t builtin_abi_call(AdapterContext* adapter, Call* call) {
  Store& store = Store::of(adapter->store);
  ComponentInstance& caller = *adapter->caller;
  ComponentInstance& callee = *adapter->callee;
  if (!caller.may_leave) return store.trap(TrapCode::CannotLeave), 0;
  if (!may_enter_from(callee, &caller)) return store.trap(TrapCode::CannotEnter), 0;
  auto* subtask = new Subtask;
  subtask->caller = &caller;
  Task* task = new_task(callee, adapter, subtask);
  task->call = *call;
  task->call.task = task;
  if (!run_task(*task, &caller)) return store.propagate_trap(), 0;

  // A callee whose type is not async has resolved, or blocks atomically: then the caller waits, whatever its lower.
  if (adapter->spec->lower.is_async() && (adapter->async_type || subtask->resolved())) {
    if (subtask->resolved()) {
      deliver_resolve(*subtask);
      auto state = static_cast<uint64_t>(subtask->state);
      delete subtask;
      return state;
    }
    subtask->index = caller.handles.add(subtask);
    if (subtask->index == 0) return store.trap(TrapCode::CanonicalAbi, "the handle table is full"), 0;
    subtask->in_table = true;
    return static_cast<uint64_t>(subtask->state) | uint64_t{subtask->index} << 4;
  }
  if (subtask->resolved()) {
    deliver_resolve(*subtask);
    call->result = subtask->result;
    delete subtask;
    return 0;
  }
  Thread* thread = store.current;
  if (thread == nullptr) return store.trap(TrapCode::CanonicalAbi, "cannot block a synchronous task before returning"), 0;
  subtask->has_sync_waiter = true;
  subtask->sync_waiter = thread;
  thread->wait_waitable = subtask;
  thread->saved[0] = reinterpret_cast<uint64_t>(call);  // NOLINT
  start_waiting(*thread, WaitKind::Waitable, false);
  park(store, *thread, finish_sync_lower, subtask);
  return 0;
}

void progress(Subtask& subtask) {
  // A sync waiter only wants the end; events before the handle is known are part of the first status.
  if (subtask.in_table || (subtask.has_sync_waiter && subtask.resolved())) set_pending(subtask);
}

void deliver_resolve(Subtask& subtask) {
  CHECK(subtask.resolved() && !subtask.resolve_delivered);
  subtask.resolve_delivered = true;
  while (Lender* lender = subtask.lenders) {
    --lender->handle->num_lends;
    subtask.lenders = lender->next;
    delete lender;
  }
}

// ---- the callee: `canon lift` ----

Task* new_task(ComponentInstance& instance, AdapterContext* adapter, Subtask* subtask) {
  Store& store = *instance.store;
  auto* task = new Task;
  task->id = store.next_task_id++;
  task->instance = &instance;
  task->adapter = adapter;
  task->subtask = subtask;
  if (subtask != nullptr) subtask->task = task;
  if (adapter != nullptr) {
    const AdapterSide& lift = adapter->spec->lift;
    task->is_async_type = adapter->async_type;
    task->is_async_lift = lift.is_async();
    task->is_callback = lift.kind == AdapterSide::Kind::Callback;
    task->needs_exclusive = task->is_async_type && (!task->is_async_lift || task->is_callback);
  }
  task->implicit.task = task;
  store.tasks.push_back(task);
  return task;
}

bool run_task(Task& task, ComponentInstance* caller, bool* has_resolved) {
  ComponentInstance& instance = *task.instance;
  Store& store = *instance.store;
  enter_from(instance, caller);
  bool async_type = task.is_async_type;
  bool resolved = false;  // the task may be gone once it has resolved
  task.resolved_flag = &resolved;
  bool ok = resume_thread(store, &task.implicit, false);
  if (!resolved && ok) {
    // A function that is not async resolves before its caller goes on; other threads of the instance may help it along.
    while (ok && !async_type && !resolved) {
      if (store.atomic != nullptr) {
        task.entered = true;
        task.entered_from = caller;
        task.resolved_flag = nullptr;
        return true;
      }
      Thread* other = store.pop_ready_of(instance);
      if (other == nullptr) {
        store.trap(TrapCode::Deadlock, "cannot block a synchronous task before returning");
        return false;
      }
      ok = resume_thread(store, other, false);
    }
    if (!resolved && ok) task.resolved_flag = nullptr;
  }
  if (ok) leave_to(instance, caller);
  if (has_resolved != nullptr) *has_resolved = resolved;
  return ok;
}

// A sync lift's core function has returned and `finish` has lowered its results; called by emitted `start`.
extern "C" uint64_t builtin_abi_resolve(AdapterContext* adapter, Call* call) {
  Store& store = Store::of(adapter->store);
  if (!resolve_task(*call->task, true)) store.propagate_trap();
  return 0;
}

bool resolve_task(Task& task, bool returned) {
  Store& store = *task.instance->store;
  if (task.state == TaskState::Resolved) {
    store.trap(TrapCode::CanonicalAbi, "task.return: the task has already returned or was cancelled");
    return false;
  }
  if (task.num_borrows > 0) {
    store.trap(TrapCode::CanonicalAbi, "borrow handles still remain at the end of the call");
    return false;
  }
  task.state = TaskState::Resolved;
  if (task.resolved_flag != nullptr) *task.resolved_flag = true;
  task.resolved_flag = nullptr;
  if (Subtask* subtask = task.subtask) {
    if (returned) {
      subtask->result = task.call.result;
      subtask->state = SubtaskState::Returned;
    } else {
      CHECK(subtask->cancellation_requested);
      subtask->state = subtask->state == SubtaskState::Started ? SubtaskState::CancelledBeforeReturned
                                                               : SubtaskState::CancelledBeforeStarted;
    }
    subtask->task = nullptr;
    task.subtask = nullptr;
    if (task.entered && subtask->has_sync_waiter) store.atomic = subtask->sync_waiter;
    progress(*subtask);
  } else if (task.on_resolve != nullptr) {
    task.on_resolve(task, returned);
  }
  return !store.locked_down();
}

// ---- cancellation ----

bool deliver_pending_cancel(Task& task, bool cancellable) {
  if (!cancellable || task.state != TaskState::PendingCancel) return false;
  task.state = TaskState::CancelDelivered;
  return true;
}

bool request_cancellation(Task& task, ComponentInstance* caller) {
  ComponentInstance& instance = *task.instance;
  Store& store = *instance.store;
  if (task.state == TaskState::Initial) {
    task.state = TaskState::CancelDelivered;
    return resume_thread(store, &task.implicit, true);
  }
  CHECK(task.state == TaskState::Started);
  Thread* candidate = nullptr;
  bool implicit_excluded = task.needs_exclusive && instance.exclusive_thread != nullptr &&
                           instance.exclusive_thread != &task.implicit;
  for (Thread* t = task.threads.front(); t != nullptr && candidate == nullptr; t = t->task_next) {
    if (t->cancellable && t->state != Thread::State::Running && !(t == &task.implicit && implicit_excluded)) candidate = t;
  }
  if (candidate == nullptr || !may_enter_from(instance, caller)) {
    task.state = TaskState::PendingCancel;
    return true;
  }
  task.state = TaskState::CancelDelivered;
  enter_from(instance, caller);
  bool ok = resume_thread(store, candidate, true);
  if (ok) leave_to(instance, caller);
  return ok;
}

// ---- the end ----

void free_task(Task* task) {
  Store& store = *task->instance->store;
  CHECK(task->threads.empty());
  store.tasks.remove(task);
  delete task->call.arena;
  delete task;
}

}  // namespace wjit
