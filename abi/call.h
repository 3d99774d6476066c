// Calls between components, step by step: how a call becomes a task, starts (or waits for backpressure), blocks,
// resolves and ends. Internal to abi/. Spec: CanonicalABI.md, "canon lift", "canon lower", "Tasks". abi/call.cpp,
// abi/thread.cpp.
#pragma once

#include "abi/store.h"
#include "abi/task.h"

namespace wjit {

// ---- abi/call.cpp ----

// One is the other, or encloses it.
bool are_related(const ComponentInstance& a, const ComponentInstance& b);
// Calling `instance` from `caller` enters it alone: no instance around it, and neither encloses the other.
bool enters_one(const ComponentInstance& instance, const ComponentInstance& caller);
// May `caller` (null: the host) call into `instance` now? False when that would re-enter a running instance.
bool may_enter_from(const ComponentInstance& instance, const ComponentInstance* caller);
void enter_from(ComponentInstance& instance, const ComponentInstance* caller);
void leave_to(ComponentInstance& instance, const ComponentInstance* caller);

// May the thread that runs block? Not while a call of a function type that is not async is in progress, unless another
// thread of its instance can go on. False: a trap.
bool check_may_block(Store& store);
// GuestContext::guest_entry_parked: an eager task that runs on its own fiber has parked.
uint64_t eager_task_parked(GuestContext* context, Fiber* fiber);
// After a trap: the eager tasks from the running thread up to `until` belong to the store, which frees them.
void abandon_eager_tasks(Store& store, const Thread& until);
// A task for a call of `instance`, detached, not yet started.
Task* new_task(ComponentInstance& instance, AdapterContext* adapter, Subtask* subtask);
// May the task return now? False: a trap.
bool check_return(Store& store, const Task& task);
// Enters the instance and runs the task until it blocks or is through (for a function type that is not async: until it
// has resolved). False after a trap.
// `*has_resolved` (may be null) says whether the task has resolved.
bool run_task(Task& task, ComponentInstance* caller, bool* has_resolved = nullptr);
// The task's results have been lowered (`returned`), or it was cancelled: tells the caller. False after a trap.
bool resolve_task(Task& task, bool returned);
// A synchronous call goes on when its callee has resolved: the flat result. The subtask, whose handle nobody has, ends. Built-ins
// return its value at once (park).
uint64_t await_subtask(Store& store, Subtask& subtask);
// Subtask: takes back what was lent, once its resolution has been seen.
void deliver_resolve(Subtask& subtask);
// subtask.cancel's request to the callee. False after a trap.
bool request_cancellation(Task& task, ComponentInstance* caller);
// Progress of a subtask whose handle the caller has: gives it an event.
void progress(Subtask& subtask);

// ---- abi/thread.cpp ----

// Resumes a thread that is suspended or waiting, and then each one that it switches to. False after a trap.
bool resume_thread(Store& store, Thread* thread, bool cancelled);
// The thread on whose fiber `thread`, which has begun, runs: itself, unless it is an eager task's on its caller's
// fiber.
Thread& root_of(Thread& thread);
// Parks the running thread: `state` Suspended or Waiting with its `wait` set. Built-ins return its value at once.
uint64_t park(Store& store, Thread& thread, Continuation continuation, void* argument);
// A built-in or a call that may block has its result at once: returns it. If many are ready they run first, so that one
// that never has to wait does not keep them waiting while it makes more of them. The last thing that a built-in does.
uint64_t give_way(Store& store, uint64_t result);
void start_waiting(Thread& thread, WaitKind kind);
// Takes a thread out of whatever it waits for.
void stop_waiting(Thread& thread);
bool ready_now(const Thread& thread);
// The thread's number in its instance's table, given on first use. 0 when the table is full: a trap.
uint32_t thread_index(Thread& thread);
// A callback task's core function or callback returned a code other than EXIT: it waits. False: a trap.
bool wait_for_callback(Store& store, Task& task, uint32_t packed);
void release_exclusive(ComponentInstance& instance);
// The instance's exclusive lock is free, or its backpressure has gone: lets the oldest blocked thread try.
void wake_blocked(ComponentInstance& instance);
// Frees a task whose threads are gone.
void free_task(Task* task);

}  // namespace wjit
