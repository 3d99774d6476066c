// Tasks, threads and subtasks: the state of one export call, of the green threads that run it, and the caller's view of it.
// Data first; the state machine is abi/call.cpp (create, backpressure, start, return, events) and abi/thread.cpp
// (ready queue, running). Spec: CanonicalABI.md, "Threads", "Tasks", "Subtask State".
//
//   Task      Initial ─start─▶ Started ─return/cancel─▶ Resolved        cancellation: Started ─▶ PendingCancel ─▶ CancelDelivered
//   Subtask   Starting ─▶ Started ─▶ Returned | CancelledBeforeStarted | CancelledBeforeReturned
//   Thread    Suspended ◀─▶ Waiting ─▶ Ready ─▶ Running ─▶ (gone)
#pragma once

#include <cstdint>
#include <string>

#include "abi/adapter.h"
#include "abi/resource.h"
#include "abi/waitable.h"
#include "scheduler/fiber.h"

namespace wjit {

class Store;
struct ComponentInstance;
struct Subtask;

enum class TaskState : uint8_t { Initial, Started, PendingCancel, CancelDelivered, Resolved };

// What a Waiting thread waits for: ready_now (abi/thread.cpp) decides whether it is there.
enum class WaitKind : uint8_t {
  None,
  Yield,       // nothing: just its turn. Callback tasks also need the instance's exclusive lock
  Enter,       // backpressure: to start its task
  Waitable,    // an event of `wait_waitable` (synchronous copies, cancels, sync lowers of blocked calls)
  Set,         // an event in `wait_set`; callback tasks also need the exclusive lock
  HostCall,    // a host function's completion (host_done)
};

struct Thread : HandleRecord {
  Thread() : HandleRecord(HandleKind::Thread) {}
  enum class State : uint8_t { Suspended, Waiting, Running } state = State::Suspended;
  WaitKind wait = WaitKind::None;
  bool cancellable = false;
  bool queued = false;             // stands in the store's ready queue
  bool cancelled = false;          // how it was resumed: the result of a cancellable suspension
  bool is_callback = false;        // between events it has no fiber: it waits for its next callback
  bool blocked = false;            // stands in its instance's list of blocked threads
  bool host_done = false;          // WaitKind::HostCall: the completion has come
  uint32_t index = 0;              // in the instance's thread table; 0 before it is registered
  uint64_t storage[2] = {0, 0};    // context.get/set
  Task* task = nullptr;
  Fiber* fiber = nullptr;          // null: not started, or a callback task between events
  Waitable* wait_waitable = nullptr;
  WaitableSet* wait_set = nullptr;
  Thread* wait_prev = nullptr;     // list of the set's waiters
  Thread* wait_next = nullptr;
  Thread* queue_prev = nullptr;    // the store's ready queue (queued), or the instance's blocked threads (blocked)
  Thread* queue_next = nullptr;
  Thread* task_prev = nullptr;     // threads of the task
  Thread* task_next = nullptr;
  Thread* switch_to = nullptr;     // set while it suspends in favour of another thread
  // Explicit threads (thread.new-indirect): what they run.
  CodePointer function;
  uint64_t argument = 0;
  bool is_explicit = false;
  // Builtins that suspend keep what their continuation needs here.
  uint64_t saved[4] = {0, 0, 0, 0};
  RegisterArgs registers;          // of a fiber that has not begun yet
};

// The task of a call. One allocation with its implicit thread and the call's record.
struct Task {
  TaskState state = TaskState::Initial;
  bool needs_exclusive = false;
  bool is_async_type = false;      // the function type is `async`
  bool is_async_lift = false;      // the lift has the `async` option
  bool is_callback = false;
  bool counted_waiting = false;    // counts in num_waiting_to_enter
  uint32_t num_borrows = 0;
  uint64_t id = 0;                 // for messages and traces
  // Function types that are not async: the task blocks in a host function of such a type, so its instance stays entered
  // (from `entered_from`) until the task is through (Store::atomic).
  bool entered = false;
  ComponentInstance* entered_from = nullptr;
  bool* resolved_flag = nullptr;   // set to true when the task resolves: run_task waits for it
  Task* store_prev = nullptr;      // the store's list of live tasks
  Task* store_next = nullptr;
  ComponentInstance* instance = nullptr;
  AdapterContext* adapter = nullptr;
  Subtask* subtask = nullptr;      // the caller's view; null when the host called
  IntrusiveList<Thread, &Thread::task_prev, &Thread::task_next> threads;  // registered ones
  Thread implicit;
  Call call;
  // The host as the caller: told when the task resolves; `returned` false when it was cancelled.
  void (*on_resolve)(Task& task, bool returned) = nullptr;
  void* on_resolve_argument = nullptr;
  CodePointer destructor;          // a resource's destructor instead of an adapter's `start`
};

using ThreadQueue = IntrusiveList<Thread, &Thread::queue_prev, &Thread::queue_next>;

enum class SubtaskState : uint8_t {
  Starting = 0,
  Started = 1,
  Returned = 2,
  CancelledBeforeStarted = 3,
  CancelledBeforeReturned = 4,
};

struct Lender {
  ResourceHandle* handle;
  Lender* next;
};

struct HostCall;

struct Subtask : Waitable {
  Subtask() : Waitable(HandleKind::Subtask) {}
  SubtaskState state = SubtaskState::Starting;
  bool cancellation_requested = false;
  bool resolve_delivered = false;
  bool in_table = false;           // the caller knows its handle
  Task* task = nullptr;            // the callee; null once it is gone, or for host callees
  HostCall* host_call = nullptr;   // the callee is a host function that is not done
  ComponentInstance* caller = nullptr;
  Lender* lenders = nullptr;
  uint64_t result = 0;             // flat result of a sync lower

  bool resolved() const { return state >= SubtaskState::Returned; }
};

}  // namespace wjit
