// The life of a call, told downwards: entering an instance, the caller's side (canon lower), the callee's task,
// resolution, cancellation. What the threads of the task do meanwhile is abi/thread.cpp; the code that moves values is
// the adapter's (abi/adapter.h). Spec: CanonicalABI.md, "Component Instances", "Tasks", "Subtask State", "canon lift",
// "canon lower".
#include "abi/call.h"

#include <utility>

#include "abi/choice.h"
#include "abi/trace.h"
#include "base/check.h"

namespace wjit {

// ---- entering: an instance runs one thing at a time, its parents included ----

static bool is_self_or_ancestor(const ComponentInstance* candidate, const ComponentInstance* instance) {
  for (; instance != nullptr; instance = instance->parent) {
    if (candidate == instance) return true;
  }
  return false;
}

bool are_related(const ComponentInstance& a, const ComponentInstance& b) {
  return is_self_or_ancestor(&a, &b) || is_self_or_ancestor(&b, &a);
}

bool enters_one(const ComponentInstance& instance, const ComponentInstance& caller) {
  return !are_related(instance, caller) && is_self_or_ancestor(instance.parent, &caller);
}

bool may_enter_from(const ComponentInstance& instance, const ComponentInstance* caller) {
  for (const ComponentInstance* i = &instance; i != nullptr; i = i->parent) {
    if (!is_self_or_ancestor(i, caller) && i->gate.entered != 0) return false;
  }
  return true;
}

void enter_from(ComponentInstance& instance, const ComponentInstance* caller) {
  for (ComponentInstance* i = &instance; i != nullptr; i = i->parent) {
    if (is_self_or_ancestor(i, caller)) continue;
    CHECK(i->gate.entered == 0);
    i->gate.entered = 1;
  }
}

void leave_to(ComponentInstance& instance, const ComponentInstance* caller) {
  for (ComponentInstance* i = &instance; i != nullptr; i = i->parent) {
    if (is_self_or_ancestor(i, caller)) continue;
    CHECK(i->gate.entered != 0);
    i->gate.entered = 0;
  }
}

// ---- may a call block? ----

// The instance of the innermost call in progress whose function type is not async and that has not returned: until then
// only threads of that instance may run. Null: there is none. `start`: guest code runs without a task (a core start
// function).
static const ComponentInstance* sync_scope(const Store& store, bool* start) {
  const Thread* thread = store.current();
  *start = thread == nullptr;
  const ResumeFrame* frame = store.resume_frame;
  while (thread != nullptr) {
    const Task& task = *thread->task;
    if (!task.is_async_type() && task.state != TaskState::Resolved) return task.instance;
    if (!task.detached) {
      thread = task.parent;
    } else {
      thread = frame->previous;
      frame = frame->outer;
    }
  }
  return nullptr;
}

bool check_may_block(Store& store) {
  bool start = false;
  const ComponentInstance* instance = sync_scope(store, &start);
  if (!start && (instance == nullptr || store.find_ready_of(*instance) != nullptr)) return true;
  store.trap(TrapCode::CanonicalAbi, "cannot block a synchronous task before returning");
  return false;
}

// ---- the caller: `canon lower` of a function of another component ----

// A subtask that its caller never gets a handle of ends: its flat result.
static uint64_t end_subtask(Store& store, Subtask& subtask) {
  deliver_resolve(subtask);
  uint64_t result = subtask.result;
  store.subtasks.free(&subtask);
  return result;
}

// What an async lower returns: RETURNED, or the state and a new handle.
static uint64_t status_of(Store& store, Subtask& subtask) {
  if (subtask.resolved()) {
    auto state = static_cast<uint64_t>(subtask.subtask_state);
    end_subtask(store, subtask);
    return state;
  }
  subtask.index = subtask.caller->handles.add(&subtask);
  if (subtask.index == 0) return store.trap(TrapCode::CanonicalAbi, "the handle table is full"), 0;
  subtask.in_table = true;
  return static_cast<uint64_t>(subtask.subtask_state) | uint64_t{subtask.index} << 4;
}

static uint64_t await_resumed(GuestContext* guest, void* argument) {
  auto* subtask = static_cast<Subtask*>(argument);
  subtask->wait_synchronously(nullptr);
  clear_pending(*subtask);
  return end_subtask(Store::of(guest), *subtask);
}

uint64_t await_subtask(Store& store, Subtask& subtask) {
  if (subtask.resolved()) return end_subtask(store, subtask);
  Thread* thread = store.current();
  if (thread == nullptr) {
    return store.trap(TrapCode::CanonicalAbi, "cannot block a synchronous task before returning"), 0;
  }
  subtask.wait_synchronously(thread);
  thread->wait_waitable = &subtask;
  start_waiting(*thread, WaitKind::Waitable);
  return park(store, *thread, await_resumed, &subtask);
}

extern "C" uint64_t builtin_abi_await(AdapterContext* adapter, uint64_t subtask) {
  return await_subtask(Store::of(adapter->store), *reinterpret_cast<Subtask*>(subtask));  // NOLINT
}

// The instance's exclusive lock is held by a thread that could go on: lets it, before a call of the instance is made to
// wait.
static bool let_exclusive_thread_go_on(Store& store, ComponentInstance& callee, const ComponentInstance& caller) {
  Thread* holder = callee.exclusive_thread;
  if (holder == nullptr || holder->state != Thread::State::Waiting || !holder->queued || !ready_now(*holder))
    return true;
  enter_from(callee, &caller);
  if (!resume_thread(store, holder, false)) return false;
  leave_to(callee, &caller);
  return true;
}

extern "C" uint64_t builtin_abi_call(AdapterContext* adapter, Call* call) {
  Store& store = Store::of(adapter->store);
  ComponentInstance& caller = *adapter->caller;
  ComponentInstance& callee = *adapter->callee;
  if (!caller.may_leave) return store.trap(TrapCode::CannotLeave), 0;
  if (are_related(caller, callee) || !may_enter_from(callee, &caller)) return store.trap(TrapCode::CannotEnter), 0;
  bool async_lower = adapter->spec->lower.is_async();
  if (adapter->async_type && !async_lower && !check_may_block(store)) return 0;
  if (!let_exclusive_thread_go_on(store, callee, caller)) return store.propagate_trap(), 0;
  store.provide_records(callee);
  Subtask* subtask = store.subtasks.make();
  subtask->caller = &caller;
  Task* task = new_task(callee, adapter, subtask);
  task->call = call;
  task->result = call->result;
  TraceSlice traced(store, *task);
  if (!run_task(*task, &caller)) return store.propagate_trap(), 0;
  return async_lower ? status_of(store, *subtask) : await_subtask(store, *subtask);
}

void progress(Subtask& subtask) {
  // A sync waiter only wants the end; events before the handle is known are part of the first status.
  if (subtask.in_table || (subtask.has_sync_waiter && subtask.resolved())) set_pending(subtask);
}

static void release_lenders(Lender*& lenders) {
  while (Lender* lender = lenders) {
    --lender->handle->num_lends;
    lenders = lender->next;
    delete lender;
  }
}

void deliver_resolve(Subtask& subtask) {
  CHECK(subtask.resolved() && !subtask.resolve_delivered);
  subtask.resolve_delivered = true;
  release_lenders(subtask.lenders);
}

// ---- eager tasks that are not through at once (abi/adapter_enter.cpp) ----

// Its instance needs another record for the next eager call.
static void forget_record(const Task& task) {
  ComponentInstance& instance = *task.instance;
  (task.is_async_type() ? instance.async_task : instance.sync_task) = nullptr;
  instance.gate.set_no_eager_calls(instance.gate.no_eager_calls | kNoRecords);
}

// The task is one like any other from now on. Its caller's view of it; null if it has resolved.
static Subtask* detach(Store& store, Task& task) {
  CHECK(!task.detached);
  task.detached = task.by_adapter = true;
  ComponentInstance& instance = *task.instance;
  forget_record(task);
  if (task.needs_exclusive()) {
    CHECK(instance.exclusive_thread == nullptr);
    instance.exclusive_thread = &task.implicit;
  }
  task.id = store.next_task_id++;
  store.tasks.push_back(&task);
  if (task.implicit.index == 0) task.threads.push_back(&task.implicit);
  if (task.state == TaskState::Resolved) {
    release_lenders(task.lenders);
    return nullptr;
  }
  Subtask* subtask = store.subtasks.make();
  subtask->subtask_state = SubtaskState::Started;
  subtask->caller = task.adapter->caller;
  subtask->task = &task;
  subtask->lenders = task.lenders;
  task.lenders = nullptr;
  return task.subtask = subtask;
}

// Back to the caller of an eager task: what its adapter goes on with (the status, or what to await; 0: nothing).
static uint64_t leave_eager(Store& store, Task& task, Subtask* subtask) {
  bool async_lower = task.adapter->spec->lower.is_async();
  store.set_current(task.parent);
  store.provide_records(*task.instance);
  task.parent = nullptr;
  task.instance->gate.entered = 0;
  store.context().result = task.result;
  if (subtask == nullptr) return async_lower ? static_cast<uint64_t>(SubtaskState::Returned) : 0;
  return async_lower ? status_of(store, *subtask) : reinterpret_cast<uint64_t>(subtask);  // NOLINT
}

uint64_t eager_task_parked(GuestContext* context, Fiber* fiber) {
  Store& store = Store::of(context);
  Thread& thread = root_of(*store.current());
  CHECK(thread.fiber == fiber && store.switch_to == nullptr);
  return leave_eager(store, *thread.task, detach(store, *thread.task));
}

extern "C" uint64_t builtin_abi_callback_waits(AdapterContext* adapter, Task* task, uint32_t packed) {
  Store& store = Store::of(adapter->store);
  store.put_fiber(std::exchange(task->implicit.fiber, nullptr));
  Subtask* subtask = detach(store, *task);
  if (!wait_for_callback(store, *task, packed)) return store.propagate_trap(), 0;
  uint64_t word = leave_eager(store, *task, subtask);
  return subtask != nullptr || adapter->spec->lower.is_async() ? word : give_way(store, word);
}

extern "C" uint64_t builtin_abi_finish_task(AdapterContext* adapter, Task* task) {
  Store& store = Store::of(adapter->store);
  ComponentInstance& instance = *task->instance;
  if (task->is_async_lift() && task->state != TaskState::Resolved) {
    return store.trap(TrapCode::CanonicalAbi, "the task's last thread exited without `task.return` or `task.cancel`"),
           0;
  }
  if (task->num_borrows > 0) {
    return store.trap(TrapCode::CanonicalAbi, "borrow handles still remain at the end of the call"), 0;
  }
  if (task->implicit.index != 0) {
    instance.threads.remove(task->implicit.index);
    task->threads.remove(&task->implicit);
  }
  CHECK(task->threads.empty());
  release_lenders(task->lenders);
  instance.gate.entered = 0;
  store.set_current(task->parent);
  store.context().result = task->result;
  store.renew(*task);
  return adapter->spec->lower.is_async() ? static_cast<uint64_t>(SubtaskState::Returned) : 0;
}

void abandon_eager_tasks(Store& store, const Thread& until) {
  for (Thread* thread = store.current(); thread != &until && !thread->task->detached;) {
    Task& task = *thread->task;
    thread = task.parent;
    task.detached = true;
    task.call = nullptr;
    forget_record(task);
    store.tasks.push_back(&task);
    if (task.implicit.index == 0) task.threads.push_back(&task.implicit);
    if (task.implicit.fiber != nullptr) fiber_abandon(task.implicit.fiber);
  }
}

// ---- the callee: `canon lift` ----

Task* new_task(ComponentInstance& instance, AdapterContext* adapter, Subtask* subtask) {
  Store& store = *instance.store;
  Task* task = store.make_task();
  task->detached = true;
  task->id = store.next_task_id++;
  task->instance = &instance;
  task->adapter = adapter;
  task->subtask = subtask;
  if (subtask != nullptr) subtask->task = task;
  if (adapter != nullptr) {
    const AdapterSide& lift = adapter->spec->lift;
    bool callback = lift.kind == AdapterSide::Kind::Callback;
    if (adapter->async_type) task->kind |= kTaskAsyncType;
    if (lift.is_async()) task->kind |= kTaskAsyncLift;
    if (callback) task->kind |= kTaskCallback;
    if (adapter->async_type && (!lift.is_async() || callback)) task->kind |= kTaskExclusive;
  }
  store.tasks.push_back(task);
  return task;
}

bool run_task(Task& task, ComponentInstance* caller, bool* has_resolved) {
  ComponentInstance& instance = *task.instance;
  Store& store = *instance.store;
  enter_from(instance, caller);
  bool async_type = task.is_async_type();
  task.pinned = true;
  bool ok = resume_thread(store, &task.implicit, false);
  // A function that is not async resolves before its caller goes on; other threads of the instance may help it along.
  while (ok && !async_type && task.state != TaskState::Resolved) {
    if (store.atomic != nullptr) {
      task.entered = true;
      task.pinned = false;
      return true;
    }
    Thread* other = store.pop_ready_of(instance);
    if (other == nullptr) {
      store.trap(TrapCode::Deadlock, "cannot block a synchronous task before returning");
      return false;
    }
    ok = resume_thread(store, other, false);
  }
  if (has_resolved != nullptr) *has_resolved = task.state == TaskState::Resolved;
  task.pinned = false;
  if (task.gone) free_task(&task);
  if (ok) leave_to(instance, caller);
  return ok;
}

extern "C" uint64_t builtin_abi_check_return(AdapterContext* adapter, Task* task) {
  Store& store = Store::of(adapter->store);
  check_return(store, *task);
  return 0;
}

// A sync lift's core function has returned, or task.return was called, and the results have arrived in the caller.
extern "C" uint64_t builtin_abi_resolve(AdapterContext* adapter, Task* task) {
  Store& store = Store::of(adapter->store);
  if (!resolve_task(*task, true)) store.propagate_trap();
  return 0;
}

bool check_return(Store& store, const Task& task) {
  if (task.state == TaskState::Resolved) {
    store.trap(TrapCode::CanonicalAbi, "`task.return` or `task.cancel` called more than once for current task");
    return false;
  }
  if (task.num_borrows > 0) {
    store.trap(TrapCode::CanonicalAbi, "borrow handles still remain at the end of the call");
    return false;
  }
  return true;
}

bool resolve_task(Task& task, bool returned) {
  Store& store = *task.instance->store;
  if (!check_return(store, task)) return false;
  task.state = TaskState::Resolved;
  if (store.tracer != nullptr) store.tracer->resolved(task, returned);
  if (!task.detached) return true;
  if (Subtask* subtask = task.subtask) {
    if (returned) {
      subtask->result = task.result;
      subtask->subtask_state = SubtaskState::Returned;
    } else {
      CHECK(subtask->cancellation_requested);
      subtask->subtask_state = subtask->subtask_state == SubtaskState::Started ? SubtaskState::CancelledBeforeReturned
                                                                               : SubtaskState::CancelledBeforeStarted;
    }
    subtask->task = nullptr;
    task.subtask = nullptr;
    progress(*subtask);
  } else if (task.host != nullptr) {
    std::unique_ptr<HostCaller> host(std::exchange(task.host, nullptr));
    task.call = nullptr;
    host->resolved(returned);
  }
  return !store.locked_down();
}

// ---- cancellation ----

bool request_cancellation(Task& task, ComponentInstance* caller) {
  ComponentInstance& instance = *task.instance;
  Store& store = *instance.store;
  if (task.state == TaskState::Initial) {
    task.state = TaskState::CancelDelivered;
    return resume_thread(store, &task.implicit, true);
  }
  CHECK(task.state == TaskState::Started);
  Thread* candidate = nullptr;
  bool implicit_excluded =
      task.needs_exclusive() && instance.exclusive_thread != nullptr && instance.exclusive_thread != &task.implicit;
  Candidates candidates(store.choices);
  for (Thread* t = task.threads.front(); t != nullptr && !candidates.settled(); t = t->task_next) {
    if (!t->cancellable() || (t == &task.implicit && implicit_excluded)) continue;
    if (candidates.take()) candidate = t;
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
  if (task->pinned) {
    task->gone = true;
    return;
  }
  Store& store = *task->instance->store;
  CHECK(task->threads.empty());
  if (store.tracer != nullptr) store.tracer->gone(task->implicit);
  store.tasks.remove(task);
  if (task->owns_call) delete task->call;
  delete task->host;
  store.recycle(task);
}

}  // namespace wjit
