// Threads: starting, running, parking and waking them. A thread runs on a fiber; a callback task between two events has none.
// Waiting is event-driven: whoever makes a wait's condition true puts the thread into the store's ready queue, and the
// condition is looked at again when it is taken out (another thread may have been quicker).
// Spec: CanonicalABI.md, "Threads", "canon lift" (the callback loop).
#include "abi/call.h"
#include "base/check.h"

namespace wjit {
namespace {

enum CallbackCode : uint32_t { kExit = 0, kYield = 1, kWait = 2 };

bool has_backpressure(const Task& task) {
  const ComponentInstance& instance = *task.instance;
  return instance.backpressure > 0 || (task.needs_exclusive && instance.exclusive_thread != nullptr);
}

void block_on_instance(Thread& thread, bool front) {
  if (thread.blocked) return;
  thread.blocked = true;
  ThreadQueue& queue = thread.task->instance->blocked;
  if (front) {
    queue.push_front(&thread);
  } else {
    queue.push_back(&thread);
  }
}

void release_exclusive(ComponentInstance& instance) {
  instance.exclusive_thread = nullptr;
  wake_blocked(instance);
}

// unregister_thread and exit_implicit_thread of the specification. False after a trap.
bool exit_thread(Store& store, Thread& thread) {
  Task& task = *thread.task;
  ComponentInstance& instance = *task.instance;
  task.threads.remove(&thread);
  if (task.threads.empty() && task.state != TaskState::Resolved) {
    store.trap(TrapCode::CanonicalAbi, "the task's last thread exited without `task.return` or `task.cancel`");
    return false;
  }
  instance.threads.remove(thread.index);
  thread.index = 0;
  if (instance.exclusive_thread == &thread) release_exclusive(instance);
  if (thread.fiber != nullptr) fiber_destroy(thread.fiber);
  thread.fiber = nullptr;
  bool last = task.threads.empty();
  if (last && task.entered) leave_to(instance, task.entered_from);
  if (&thread != &task.implicit) delete &thread;
  if (last) free_task(&task);
  return true;
}

// Gives the thread a fresh fiber for `function` with thread.registers. False after a trap.
bool prepare_fiber(Store& store, Thread& thread, CodePointer function) {
  if (thread.fiber == nullptr) thread.fiber = fiber_create(store.options().stack_limit);
  if (thread.fiber == nullptr) {
    store.trap(TrapCode::AllocationFailure, "no memory for a stack");
    return false;
  }
  thread.registers.ints[0] = reinterpret_cast<uint64_t>(function.vmctx);  // NOLINT
  fiber_prepare(thread.fiber, function.code, &thread.registers);
  return true;
}

enum class Begun { Running, Blocked, Gone, Trapped };

// enter_implicit_thread and start: backpressure, the exclusive lock, registration; then a fiber for the callee.
Begun begin_task(Store& store, Thread& thread, bool cancelled) {
  Task& task = *thread.task;
  ComponentInstance& instance = *task.instance;
  if (task.counted_waiting) {
    task.counted_waiting = false;
    --instance.num_waiting_to_enter;
    if (cancelled) {
      bool ok = resolve_task(task, false);
      free_task(&task);
      return ok ? Begun::Gone : Begun::Trapped;
    }
  } else if (task.is_async_type && (has_backpressure(task) || instance.num_waiting_to_enter > 0)) {
    task.counted_waiting = true;
    ++instance.num_waiting_to_enter;
    start_waiting(thread, WaitKind::Enter, true);
    if (!has_backpressure(task)) wake_blocked(instance);
    return Begun::Blocked;
  }
  if (task.needs_exclusive) {
    CHECK(instance.exclusive_thread == nullptr);
    instance.exclusive_thread = &thread;
  }
  if (register_thread(thread) == 0) return Begun::Trapped;
  if (instance.num_waiting_to_enter > 0 && !task.needs_exclusive) wake_blocked(instance);
  task.state = TaskState::Started;
  if (task.subtask != nullptr) {
    task.subtask->state = SubtaskState::Started;
    progress(*task.subtask);
  }
  thread.registers = {};
  if (task.adapter == nullptr) {  // a resource's destructor: one i32
    thread.registers.ints[1] = task.call.params[0];
    return prepare_fiber(store, thread, task.destructor) ? Begun::Running : Begun::Trapped;
  }
  thread.registers.ints[1] = reinterpret_cast<uint64_t>(&task.call);  // NOLINT
  return prepare_fiber(store, thread, {task.adapter->code->start, task.adapter}) ? Begun::Running : Begun::Trapped;
}

// A callback task's event has come: its callback gets a fresh fiber.
bool begin_callback(Store& store, Thread& thread, Event event) {
  Task& task = *thread.task;
  CHECK(task.instance->exclusive_thread == nullptr);
  task.instance->exclusive_thread = &thread;
  thread.is_callback = false;
  thread.registers = {};
  thread.registers.ints[1] = static_cast<uint32_t>(event.code);
  thread.registers.ints[2] = event.index;
  thread.registers.ints[3] = event.payload;
  return prepare_fiber(store, thread, task.adapter->callback);
}

// What a callback task's core function or callback returned. Sets `event` if the next callback is due at once.
enum class Next { Exited, Waits, Again, Trapped };
Next after_callback(Store& store, Thread& thread, uint32_t packed, Event* event) {
  Task& task = *thread.task;
  ComponentInstance& instance = *task.instance;
  uint32_t code = packed & 0xF;
  if (code == kExit) return exit_thread(store, thread) ? Next::Exited : Next::Trapped;
  if (code > kWait) {
    store.trap(TrapCode::CanonicalAbi, fmt::format("unsupported callback code {}", code));
    return Next::Trapped;
  }
  WaitableSet* set = nullptr;
  if (code == kWait) {
    set = instance.handles.get_as<WaitableSet>(packed >> 4, HandleKind::WaitableSet);
    if (set == nullptr) {
      store.trap(TrapCode::UnknownHandle, fmt::format("unknown waitable set {} in a callback's result", packed >> 4));
      return Next::Trapped;
    }
  }
  fiber_destroy(thread.fiber);  // no stack while it waits
  thread.fiber = nullptr;
  if (deliver_pending_cancel(task, true)) {
    instance.exclusive_thread = nullptr;
    *event = {EventCode::TaskCancelled, 0, 0};
    return Next::Again;
  }
  release_exclusive(instance);
  thread.is_callback = true;
  thread.wait_set = set;
  start_waiting(thread, set != nullptr ? WaitKind::Set : WaitKind::Yield, true);
  return Next::Waits;
}

// Runs `thread` until it parks or exits. The thread to switch to, if it asked for one. False after a trap.
bool run_once(Store& store, Thread& thread, bool cancelled, Thread** switch_to) {
  Task& task = *thread.task;
  thread.cancelled = cancelled;
  if (thread.fiber == nullptr && thread.is_explicit) {
    thread.registers = {};
    thread.registers.ints[1] = thread.argument;
    if (!prepare_fiber(store, thread, thread.function)) return false;
  } else if (thread.fiber == nullptr && thread.is_callback) {
    Event event;
    if (cancelled) {
      event.code = EventCode::TaskCancelled;
    } else if (thread.wait_set != nullptr) {
      event = take_event(*thread.wait_set);
    }
    thread.wait_set = nullptr;
    if (!begin_callback(store, thread, event)) return false;
  } else if (thread.fiber == nullptr) {
    switch (begin_task(store, thread, cancelled)) {
      case Begun::Running: break;
      case Begun::Blocked: return true;
      case Begun::Gone: return true;
      case Begun::Trapped: return false;
    }
  }
  for (;;) {
    thread.state = Thread::State::Running;
    switch (fiber_enter(&store.context(), thread.fiber)) {
      case FiberExit::Abandoned:
        CHECK(store.locked_down());
        return false;
      case FiberExit::Suspended:
        if (store.locked_down()) return false;
        *switch_to = thread.switch_to;
        thread.switch_to = nullptr;
        return true;
      case FiberExit::Finished: break;
    }
    if (&thread == &task.implicit && task.is_callback) {
      Event event;
      switch (after_callback(store, thread, static_cast<uint32_t>(thread.fiber->results.rax), &event)) {
        case Next::Exited:
        case Next::Waits: return true;
        case Next::Trapped: return false;
        case Next::Again:
          if (!begin_callback(store, thread, event)) return false;
          continue;
      }
    }
    if (task.adapter == nullptr && !resolve_task(task, true)) return false;
    return exit_thread(store, thread);
  }
}

}  // namespace

bool resume_thread(Store& store, Thread* thread, bool cancelled) {
  while (thread != nullptr) {
    CHECK(thread->state != Thread::State::Running);
    if (thread->state == Thread::State::Waiting) stop_waiting(*thread);
    Thread* previous = store.current;
    store.current = thread;
    Thread* switch_to = nullptr;
    bool ok = run_once(store, *thread, cancelled, &switch_to);
    store.current = previous;
    if (!ok) return false;
    thread = switch_to;
    cancelled = false;
  }
  return true;
}

void park(Store& store, Thread& thread, Continuation continuation, void* argument) {
  CHECK(&thread == store.current);
  if (thread.state == Thread::State::Running) thread.state = Thread::State::Suspended;
  request_suspend(&store.context(), continuation, argument);
}

void start_waiting(Thread& thread, WaitKind kind, bool cancellable) {
  thread.state = Thread::State::Waiting;
  thread.wait = kind;
  thread.cancellable = cancellable;
  if (kind == WaitKind::Set) {
    WaitableSet& set = *thread.wait_set;
    ++set.num_waiting;
    thread.wait_prev = set.last_waiter;
    thread.wait_next = nullptr;
    (set.last_waiter != nullptr ? set.last_waiter->wait_next : set.first_waiter) = &thread;
    set.last_waiter = &thread;
  }
  if (kind == WaitKind::Enter) {
    block_on_instance(thread, false);
  } else if (kind == WaitKind::Yield || ready_now(thread)) {
    thread.task->instance->store->make_ready(thread);
  }
}

void stop_waiting(Thread& thread) {
  Store& store = *thread.task->instance->store;
  if (thread.wait == WaitKind::Set) {
    WaitableSet& set = *thread.wait_set;
    --set.num_waiting;
    (thread.wait_prev != nullptr ? thread.wait_prev->wait_next : set.first_waiter) = thread.wait_next;
    (thread.wait_next != nullptr ? thread.wait_next->wait_prev : set.last_waiter) = thread.wait_prev;
    thread.wait_prev = thread.wait_next = nullptr;
  }
  store.remove_from_queue(thread);
  thread.wait = WaitKind::None;
  thread.cancellable = false;
  thread.state = Thread::State::Suspended;
}

bool ready_now(const Thread& thread) {
  const ComponentInstance& instance = *thread.task->instance;
  switch (thread.wait) {
    case WaitKind::None: return false;
    case WaitKind::Yield: return !thread.is_callback || instance.exclusive_thread == nullptr;
    case WaitKind::Enter: return !has_backpressure(*thread.task);
    case WaitKind::Waitable:
      return thread.wait_waitable->kind == HandleKind::Subtask && !static_cast<Subtask*>(thread.wait_waitable)->in_table
                 ? static_cast<Subtask*>(thread.wait_waitable)->resolved()
                 : thread.wait_waitable->pending;
    case WaitKind::Set:
      return !thread.wait_set->ready.empty() && (!thread.is_callback || instance.exclusive_thread == nullptr);
    case WaitKind::HostCall: return thread.host_done;
  }
  return false;
}

uint32_t register_thread(Thread& thread) {
  ComponentInstance& instance = *thread.task->instance;
  thread.index = instance.threads.add(&thread);
  if (thread.index == 0) {
    instance.store->trap(TrapCode::CanonicalAbi, "the thread table is full");
    return 0;
  }
  thread.task->threads.push_back(&thread);
  return thread.index;
}

void wake_blocked(ComponentInstance& instance) {
  Thread* thread = instance.blocked.front();
  if (thread != nullptr) instance.store->make_ready(*thread);
}

// ---- the store's ready queue ----

void Store::make_ready(Thread& thread) {
  if (thread.queued) return;
  if (thread.blocked) {
    thread.blocked = false;
    thread.task->instance->blocked.remove(&thread);
  }
  thread.queued = true;
  ready_.push_back(&thread);
}

void Store::remove_from_queue(Thread& thread) {
  if (thread.queued) ready_.remove(&thread);
  if (thread.blocked) thread.task->instance->blocked.remove(&thread);
  thread.queued = thread.blocked = false;
}

Thread* Store::pop_ready() {
  while (Thread* thread = ready_.pop_front()) {
    thread->queued = false;
    if (ready_now(*thread)) return thread;
    bool only_instance = thread->wait == WaitKind::Enter || thread->wait == WaitKind::Yield ||
                         (thread->wait == WaitKind::Set && !thread->wait_set->ready.empty());
    if (only_instance) {
      block_on_instance(*thread, true);
    } else if (thread->task->instance->exclusive_thread == nullptr) {
      wake_blocked(*thread->task->instance);  // it was woken in vain: pass the turn on
    }
  }
  return nullptr;
}

Thread* Store::pop_ready_of(const ComponentInstance& instance) {
  for (Thread* thread = ready_.front(); thread != nullptr; thread = thread->queue_next) {
    // What needs the instance's stack to itself stays where it is: the call that waits for this is using it.
    const Task& task = *thread->task;
    bool exclusive = thread == instance.exclusive_thread || (task.needs_exclusive && thread == &task.implicit);
    if (task.instance == &instance && !exclusive && ready_now(*thread)) {
      ready_.remove(thread);
      thread->queued = false;
      return thread;
    }
  }
  return nullptr;
}

}  // namespace wjit
