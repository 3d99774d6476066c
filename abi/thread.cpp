// Threads: starting, running, parking and waking them. A thread runs on a fiber; a callback task between two events has
// none. Waiting is event-driven: whoever makes a wait's condition true puts the thread into the store's ready queue,
// and the condition is looked at again when it is taken out (another thread may have been quicker). Spec:
// CanonicalABI.md, "Threads", "canon lift" (the callback loop).
#include <utility>

#include "abi/call.h"
#include "abi/choice.h"
#include "abi/trace.h"
#include "base/check.h"

namespace wjit {
namespace {

enum CallbackCode : uint32_t { kExit = 0, kYield = 1, kWait = 2 };

bool has_backpressure(const Task& task) {
  const ComponentInstance& instance = *task.instance;
  return instance.gate.backpressure > 0 || (task.needs_exclusive() && instance.exclusive_thread != nullptr);
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

// unregister_thread and exit_implicit_thread of the specification. False after a trap.
bool exit_thread(Store& store, Thread& thread) {
  Task& task = *thread.task;
  ComponentInstance& instance = *task.instance;
  task.threads.remove(&thread);
  if (task.threads.empty() && task.state != TaskState::Resolved) {
    store.trap(TrapCode::CanonicalAbi, "the task's last thread exited without `task.return` or `task.cancel`");
    return false;
  }
  if (thread.index != 0) instance.threads.remove(thread.index);
  thread.index = 0;
  if (instance.exclusive_thread == &thread) release_exclusive(instance);
  if (thread.fiber != nullptr) store.put_fiber(thread.fiber);
  thread.fiber = nullptr;
  if (store.tracer != nullptr) store.tracer->gone(thread);
  bool last = task.threads.empty();
  if (last && task.entered) {
    leave_to(instance, task.adapter != nullptr ? task.adapter->caller
                       : task.host != nullptr  ? task.host->caller
                                               : nullptr);
  }
  if (thread.is_explicit) delete static_cast<ExplicitThread*>(&thread);
  if (last) free_task(&task);
  return true;
}

// Gives the thread a fresh fiber for `function`; `registers` (`vectors`: not the integers only) are needed until it has
// been entered. False after a trap.
bool prepare_fiber(Store& store, Thread& thread, CodePointer function, RegisterArgs& registers, bool vectors = false) {
  if (thread.fiber == nullptr) thread.fiber = store.take_fiber();
  if (thread.fiber == nullptr) return false;
  registers.ints[0] = reinterpret_cast<uint64_t>(function.vmctx);  // NOLINT
  fiber_prepare(thread.fiber, function.code, &registers, vectors);
  return true;
}

// What became of a thread that was to run: it is about to, it has parked or returned, its task waits to be let in, its
// task is gone without having started, the store is in lockdown.
enum class Ran { Ready, Suspended, Finished, Blocked, Gone, Trapped };

// enter_implicit_thread and start: backpressure, the exclusive lock, registration; then a fiber for the callee.
Ran begin_task(Store& store, Thread& thread, bool cancelled, RegisterArgs& registers) {
  Task& task = *thread.task;
  ComponentInstance& instance = *task.instance;
  if (task.counted_waiting) {
    task.counted_waiting = false;
    --instance.gate.waiting;
    if (cancelled) {
      bool ok = resolve_task(task, false);
      free_task(&task);
      return ok ? Ran::Gone : Ran::Trapped;
    }
  } else if (task.is_async_type() &&
             (has_backpressure(task) || (instance.gate.waiting > 0 && !goes_on_at_once(store.choices, false)))) {
    task.counted_waiting = true;
    ++instance.gate.waiting;
    if (task.host == nullptr) {  // the parameters lie on the caller's stack
      task.call = new Call(*task.call);
      task.owns_call = true;
    }
    start_waiting(thread, WaitKind::Enter);
    if (!has_backpressure(task)) wake_blocked(instance);
    return Ran::Blocked;
  }
  if (task.needs_exclusive()) {
    CHECK(instance.exclusive_thread == nullptr);
    instance.exclusive_thread = &thread;
  }
  task.threads.push_back(&thread);
  if (instance.gate.waiting > 0 && !task.needs_exclusive()) wake_blocked(instance);
  task.state = TaskState::Started;
  if (task.subtask != nullptr) {
    task.subtask->subtask_state = SubtaskState::Started;
    progress(*task.subtask);
  }
  CodePointer function;
  if (task.adapter == nullptr) {
    function = task.host->function;
    task.host->place_arguments(registers);
  } else {
    function = {task.adapter->code->start, task.adapter};
    registers.ints[1] = reinterpret_cast<uint64_t>(&task);  // NOLINT
  }
  return prepare_fiber(store, thread, function, registers, task.adapter == nullptr) ? Ran::Ready : Ran::Trapped;
}

// A callback task's event has come: its callback gets a fresh fiber.
bool begin_callback(Store& store, Thread& thread, Event event, RegisterArgs& registers) {
  Task& task = *thread.task;
  CHECK(task.instance->exclusive_thread == nullptr);
  task.instance->exclusive_thread = &thread;
  thread.is_callback = false;
  registers.ints[1] = static_cast<uint32_t>(event.code);
  registers.ints[2] = event.index;
  registers.ints[3] = event.payload;
  return prepare_fiber(store, thread, task.adapter->callback, registers);
}

// A sync lift that an adapter began has ended after its caller's adapter was left: lifts the results, resolves the
// task.
bool complete(Store& store, Task& task) {
  const AdapterContext& adapter = *task.adapter;
  const FuncType& core = *adapter.callee_core;
  RegisterArgs registers;
  const RegisterResults& results = task.implicit.fiber->results;
  registers.ints[1] = reinterpret_cast<uint64_t>(&task);  // NOLINT
  if (!core.results.empty()) {
    ValKind kind = core.results[0].kind;
    if (kind == ValKind::F32 || kind == ValKind::F64) {
      __builtin_memcpy(&registers.ints[2], results.xmm0, kind == ValKind::F32 ? 4 : 8);
    } else {
      registers.ints[2] = kind == ValKind::I32 ? static_cast<uint32_t>(results.rax) : results.rax;
    }
  }
  return store.run_core({adapter.code->complete, task.adapter}, registers, nullptr);
}

Ran enter(Store& store, Thread& resumed, Thread& thread) {
  resumed.state = thread.state = Thread::State::Running;
  switch (fiber_enter(&store.context(), thread.fiber)) {
    case FiberExit::Abandoned:
      CHECK(store.locked_down());
      abandon_eager_tasks(store, thread);
      fiber_abandon(thread.fiber);
      return Ran::Trapped;
    case FiberExit::Suspended: return store.locked_down() ? Ran::Trapped : Ran::Suspended;
    case FiberExit::Finished: return Ran::Finished;
  }
  UNREACHABLE_CASE("a fiber that left in no known way");
}

// A thread without a fiber: it has not started, or it is a callback task whose event has come.
[[gnu::noinline]] Ran begin(Store& store, Thread& resumed, Thread& thread, bool cancelled) {
  RegisterArgs registers;
  if (thread.is_explicit) {
    auto& made = static_cast<ExplicitThread&>(thread);
    registers.ints[1] = made.argument;
    if (!prepare_fiber(store, thread, made.function, registers)) return Ran::Trapped;
  } else if (thread.is_callback) {
    Event event;
    if (cancelled) {
      event.code = EventCode::TaskCancelled;
    } else if (thread.wait_set != nullptr) {
      event = take_event(*thread.wait_set, store.choices);
    }
    thread.wait_set = nullptr;
    if (!begin_callback(store, thread, event, registers)) return Ran::Trapped;
  } else {
    Ran begun = begin_task(store, thread, cancelled, registers);
    if (begun != Ran::Ready) return begun;
  }
  return enter(store, resumed, thread);
}

// Runs `thread` until it parks or exits. The thread to switch to, if it asked for one. False after a trap.
bool run_once(Store& store, Thread& resumed, bool cancelled, Thread** switch_to) {
  Thread& thread = root_of(resumed);
  Task& task = *thread.task;
  switch (thread.fiber != nullptr ? enter(store, resumed, thread) : begin(store, resumed, thread, cancelled)) {
    case Ran::Suspended: *switch_to = std::exchange(store.switch_to, nullptr); return true;
    case Ran::Blocked:
    case Ran::Gone: return true;
    case Ran::Trapped: return false;
    case Ran::Ready: UNREACHABLE_CASE("a thread that was to run, and did not");
    case Ran::Finished: break;
  }
  if (&thread == &task.implicit && task.is_callback()) {
    auto packed = static_cast<uint32_t>(thread.fiber->results.rax);
    if ((packed & 0xF) == kExit) return exit_thread(store, thread);
    store.put_fiber(thread.fiber);  // no stack while it waits
    thread.fiber = nullptr;
    return wait_for_callback(store, task, packed);
  }
  if (&thread == &task.implicit && task.by_adapter && !task.is_async_lift() && !complete(store, task)) return false;
  if (task.adapter == nullptr && !resolve_task(task, true)) return false;
  return exit_thread(store, thread);
}

}  // namespace

Thread& root_of(Thread& thread) {
  Thread* root = &thread;
  while (root->fiber == nullptr && !root->task->detached) root = root->task->parent;
  return *root;
}

bool Store::stands_alone() const {
  return may_block_ && current() != nullptr && resume_frame->outer == nullptr && root_of(*current()).task->detached;
}

void release_exclusive(ComponentInstance& instance) {
  instance.exclusive_thread = nullptr;
  wake_blocked(instance);
}

bool wait_for_callback(Store& store, Task& task, uint32_t packed) {
  Thread& thread = task.implicit;
  ComponentInstance& instance = *task.instance;
  uint32_t code = packed & 0xF;
  if (code > kWait) {
    store.trap(TrapCode::CanonicalAbi, fmt::format("unsupported callback code {}", code));
    return false;
  }
  WaitableSet* set = nullptr;
  if (code == kWait) {
    set = instance.handles.get_as<WaitableSet>(packed >> 4, HandleKind::WaitableSet);
    if (set == nullptr) {
      store.trap(TrapCode::UnknownHandle, fmt::format("unknown waitable set {} in a callback's result", packed >> 4));
      return false;
    }
  }
  release_exclusive(instance);
  thread.state = Thread::State::Suspended;
  thread.is_callback = true;
  thread.wait_set = set;
  if (task.state == TaskState::PendingCancel) {
    // Due at once, and nobody else is to come first.
    task.state = TaskState::CancelDelivered;
    return resume_thread(store, &thread, true);
  }
  if ((set == nullptr || !set->ready.empty()) && goes_on_at_once(store.choices, false)) {
    return resume_thread(store, &thread, false);
  }
  start_waiting(thread, set != nullptr ? WaitKind::Set : WaitKind::Yield);
  return true;
}

bool resume_thread(Store& store, Thread* thread, bool cancelled) {
  ResumeFrame frame{store.current(), store.resume_frame};
  store.resume_frame = &frame;
  bool ok = true;
  while (ok && thread != nullptr) {
    CHECK(thread->state != Thread::State::Running);
    if (thread->state == Thread::State::Waiting) stop_waiting(*thread);
    store.set_current(thread);
    Thread* switch_to = nullptr;
    TraceRun traced(store, *thread);
    ok = run_once(store, *thread, cancelled, &switch_to);
    thread = switch_to;
    cancelled = false;
  }
  store.set_current(frame.previous);
  store.resume_frame = frame.outer;
  return ok;
}

// A function that is not async, on its caller's fiber: others of its instance run in here until its wait is over.
[[gnu::noinline]] static uint64_t wait_in_place(Store& store, Thread& thread, Continuation continuation,
                                                void* argument) {
  while (!ready_now(thread)) {
    Thread* other = store.pop_ready_of(*thread.task->instance);
    if (other == nullptr) {
      return store.trap(TrapCode::Deadlock, "cannot block a synchronous task before returning"), 0;
    }
    if (!resume_thread(store, other, false)) return store.propagate_trap(), 0;
  }
  stop_waiting(thread);
  thread.state = Thread::State::Running;
  return continuation(&store.context(), argument);
}

uint64_t park(Store& store, Thread& thread, Continuation continuation, void* argument) {
  CHECK(&thread == store.current());
  if (thread.state == Thread::State::Running) thread.state = Thread::State::Suspended;
  if (thread.fiber == nullptr && thread.wait != WaitKind::HostCall) {
    return wait_in_place(store, thread, continuation, argument);
  }
  if (thread.state == Thread::State::Waiting && store.may_run_others_in(thread)) {
    if (store.run_others_in(thread)) return continuation(&store.context(), argument);
    if (store.propagate_trap()) return 0;
  }
  request_suspend(&store.context(), continuation, argument);
  return 0;
}

static uint64_t gave_way(GuestContext* guest, void*) {
  Store& store = Store::of(guest);
  store.context().result = guest->fiber->saved[1];
  return guest->fiber->saved[0];
}

uint64_t give_way(Store& store, uint64_t result) {
  Thread* thread = store.current();
  if (!store.has_many_ready() || thread == nullptr || !store.at_top(*thread)) return result;
  Fiber& fiber = *store.context().fiber;
  fiber.saved[0] = result;
  fiber.saved[1] = store.context().result;
  start_waiting(*thread, WaitKind::Yield);
  return park(store, *thread, gave_way, nullptr);
}

void start_waiting(Thread& thread, WaitKind kind) {
  thread.state = Thread::State::Waiting;
  thread.wait = kind;
  if (kind == WaitKind::Set) thread.wait_set->add_waiter(thread);
  if (kind == WaitKind::Enter) {
    block_on_instance(thread, false);
  } else if (kind == WaitKind::Yield || ready_now(thread)) {
    thread.task->instance->store->make_ready(thread);
  }
}

void stop_waiting(Thread& thread) {
  Store& store = *thread.task->instance->store;
  if (thread.wait == WaitKind::Set) thread.wait_set->remove_waiter(thread);
  store.remove_from_queue(thread);
  thread.wait = WaitKind::None;
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

uint32_t thread_index(Thread& thread) {
  if (thread.index != 0) return thread.index;
  ComponentInstance& instance = *thread.task->instance;
  thread.index = instance.threads.add(&thread);
  if (thread.index == 0) instance.store->trap(TrapCode::CanonicalAbi, "the thread table is full");
  if (!thread.task->detached) {  // else it is in there
    thread.task->threads.push_back(&thread);
    thread.task->dirty = 1;
  }
  return thread.index;
}

void wake_blocked(ComponentInstance& instance) {
  Thread* thread = next_of(instance.store->choices, instance.blocked);
  if (thread != nullptr) instance.store->make_ready(*thread);
}

// ---- the store's ready queue ----

void Store::make_ready(Thread& thread) {
  if (thread.queued) return;
  if (tracer != nullptr) tracer->woken(thread);
  if (thread.blocked) {
    thread.blocked = false;
    thread.task->instance->blocked.remove(&thread);
  }
  thread.queued = true;
  ready_.push_back(&thread);
  ++ready_count_;
}

void Store::take_from_queue(Thread& thread) {
  ready_.remove(&thread);
  --ready_count_;
  thread.queued = false;
}

void Store::remove_from_queue(Thread& thread) {
  if (thread.queued) take_from_queue(thread);
  if (thread.blocked) thread.task->instance->blocked.remove(&thread);
  thread.queued = thread.blocked = false;
}

Thread* Store::pop_ready() {
  while (Thread* thread = next_of(choices, ready_)) {
    take_from_queue(*thread);
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

Thread* Store::find_ready_of(const ComponentInstance& instance) const {
  Thread* found = nullptr;
  Candidates candidates(choices);
  for (Thread* thread = ready_.front(); thread != nullptr && !candidates.settled(); thread = thread->queue_next) {
    // What needs the instance's stack to itself stays where it is: the call that waits for this is using it.
    const Task& task = *thread->task;
    bool exclusive = thread == instance.exclusive_thread || (task.needs_exclusive() && thread == &task.implicit);
    if (task.instance == &instance && !exclusive && ready_now(*thread) && candidates.take()) found = thread;
  }
  return found;
}

Thread* Store::pop_ready_of(const ComponentInstance& instance) {
  Thread* thread = find_ready_of(instance);
  if (thread != nullptr) take_from_queue(*thread);
  return thread;
}

}  // namespace wjit
