// Tasks, threads and subtasks: the state of one export call, of the green threads that run it, and the caller's view of
// it. Data first; the state machine is abi/call.cpp (create, backpressure, start, return, events) and abi/thread.cpp
// (ready queue, running). Spec: CanonicalABI.md, "Threads", "Tasks", "Subtask State".
//
//   Task      Initial ─start─▶ Started ─return/cancel─▶ Resolved        cancellation: Started ─▶ PendingCancel ─▶
//   CancelDelivered Subtask   Starting ─▶ Started ─▶ Returned | CancelledBeforeStarted | CancelledBeforeReturned Thread
//   Suspended ◀─▶ Waiting ─▶ Ready ─▶ Running ─▶ (gone)
//
// A task that an adapter starts (abi/adapter_enter.cpp) is *eager* while its caller waits inside the adapter: its
// record is one that its instance keeps ready, it has no subtask, no entry in any table or list, and most of its fields
// are as in a fresh record. Whatever changes one of them sets `dirty`, so that the adapter calls the run time at the
// end instead of leaving the record as it is for the next call. If it blocks, it is *detached* (detach in
// abi/call.cpp): then it is a task like any other, and its instance gets another record. A task that the run time made
// is detached from the start.
#pragma once

#include <cstdint>
#include <string>

#include "abi/adapter.h"
#include "abi/host.h"
#include "abi/resource.h"
#include "abi/waitable.h"
#include "scheduler/fiber.h"

namespace wjit {

class Store;
struct ComponentInstance;
struct Lender;
struct Subtask;

enum class TaskState : uint8_t { Initial, Started, PendingCancel, CancelDelivered, Resolved };

// What a Waiting thread waits for: ready_now (abi/thread.cpp) decides whether it is there.
enum class WaitKind : uint8_t {
  None,
  Yield,     // nothing: just its turn. Callback tasks also need the instance's exclusive lock
  Enter,     // backpressure: to start its task
  Waitable,  // an event of `wait_waitable` (synchronous copies, cancels, sync lowers of blocked calls)
  Set,       // an event in `wait_set`; callback tasks also need the exclusive lock
  HostCall,  // a host function's completion (host_done)
};

struct Thread : HandleRecord {
  Thread() : HandleRecord(HandleKind::Thread) {}
  enum class State : uint8_t { Suspended, Waiting, Running } state = State::Suspended;
  WaitKind wait = WaitKind::None;
  bool queued = false;       // stands in the store's ready queue
  bool is_callback = false;  // between events it has no fiber: it waits for its next callback
  bool blocked = false;      // stands in its instance's list of blocked threads
  bool host_done = false;    // WaitKind::HostCall: the completion has come
  bool is_explicit = false;  // an ExplicitThread
  uint32_t index = 0;        // in the instance's thread table; 0 before it is registered
  Task* task = nullptr;
  // Null: not started, or a callback task between events, or it runs on its caller's fiber (an eager task whose
  // function type is not async).
  Fiber* fiber = nullptr;
  uint64_t storage[2] = {0, 0};  // context.get/set
  union {
    Waitable* wait_waitable = nullptr;  // WaitKind::Waitable
    WaitableSet* wait_set;              // WaitKind::Set; of a callback task also while it is Ready (null: it yielded)
  };
  Thread* wait_next = nullptr;   // list of the set's waiters, oldest first
  Thread* queue_prev = nullptr;  // the store's ready queue (queued), or the instance's blocked threads (blocked)
  Thread* queue_next = nullptr;
  Thread* task_prev = nullptr;  // threads of the task
  Thread* task_next = nullptr;

  // Whether it can be told of a cancellation where it is: before its task has started, and between two callbacks.
  bool cancellable() const { return state == State::Waiting && (is_callback || wait == WaitKind::Enter); }
};

// thread.new-indirect: what it runs.
struct ExplicitThread : Thread {
  CodePointer function;
  uint64_t argument = 0;
};

// The caller of a task that is not a guest's subtask.
struct HostCaller {
  virtual ~HostCaller() { delete call.arena; }
  // The task has resolved; `returned` false when it was cancelled, or will never return. Called once, then deleted.
  virtual void resolved(bool returned) = 0;
  // Of `function`; it is entered right behind.
  virtual void place_arguments(RegisterArgs& registers) { registers.ints[1] = call.params[0]; }
  Call call;                            // of the task
  CodePointer function;                 // without an adapter: a core function
  ComponentInstance* caller = nullptr;  // a destructor's: who dropped the resource
};

// Bits of Task::kind.
constexpr uint8_t kTaskExclusive = 1;  // needs the instance's exclusive lock
constexpr uint8_t kTaskAsyncType = 2;  // the function type is `async`
constexpr uint8_t kTaskAsyncLift = 4;  // the lift has the `async` option
constexpr uint8_t kTaskCallback = 8;

// The task of a call, with its implicit thread.
struct Task {
  Thread implicit;                       // 0: a Thread* of an implicit thread is its Task*
  TaskState state = TaskState::Initial;  // 96; this and the next three are one word for adapters
  uint8_t dirty = 0;
  bool detached = false;
  uint8_t kind = 0;
  uint32_t num_borrows = 0;
  AdapterContext* adapter = nullptr;      // 104
  ComponentInstance* instance = nullptr;  // 112
  union {
    Thread* parent = nullptr;  // 120: eager: the thread that called; null: host code
    Call* call;                // detached: until its start has read the parameters; owned if owns_call
  };
  uint64_t result = 0;  // 128: guest caller: where results go in its memory, or (sync lower) the flat result itself
  union {
    Task* next_free = nullptr;  // among the store's free records
    Subtask* subtask;           // detached: the caller's view; null when the host called, or it has resolved
  };
  HostCaller* host = nullptr;  // owned
  Lender* lenders = nullptr;   // what the caller lent, until there is a subtask
  Task* store_prev = nullptr;  // the store's list of detached tasks
  Task* store_next = nullptr;
  IntrusiveList<Thread, &Thread::task_prev, &Thread::task_next> threads;  // registered ones
  uint32_t id = 0;                                                        // for messages and traces
  bool owns_call : 1 = false;
  bool counted_waiting : 1 = false;  // counts in EntryGate::waiting
  bool pinned : 1 = false;           // run_task looks at it once more: not freed before
  bool gone : 1 = false;             // pinned, and its last thread has exited
  bool by_adapter : 1 = false;       // was eager
  // Function types that are not async: the task blocks in a host function of such a type, so its instance stays entered
  // until the task is through (Store::atomic).
  bool entered : 1 = false;

  bool needs_exclusive() const { return (kind & kTaskExclusive) != 0; }
  bool is_async_type() const { return (kind & kTaskAsyncType) != 0; }
  bool is_async_lift() const { return (kind & kTaskAsyncLift) != 0; }
  bool is_callback() const { return (kind & kTaskCallback) != 0; }
};

namespace task_offset {
constexpr size_t task = 16, fiber = 24, state = 96, adapter = 104, instance = 112, parent = 120, result = 128;
}
static_assert(offsetof(Task, implicit) == 0 && sizeof(Thread) == task_offset::state);
static_assert(offsetof(Task, state) == task_offset::state && offsetof(Task, kind) == task_offset::state + 3);
static_assert(offsetof(Task, adapter) == task_offset::adapter && offsetof(Task, instance) == task_offset::instance);
static_assert(offsetof(Task, parent) == task_offset::parent && offsetof(Task, result) == task_offset::result);

using ThreadQueue = IntrusiveList<Thread, &Thread::queue_prev, &Thread::queue_next>;

struct Lender {
  ResourceHandle* handle;
  Lender* next;
};

struct HostCall;

struct Subtask : Waitable {
  Subtask() : Waitable(HandleKind::Subtask) {}
  Task* task = nullptr;  // the callee; null once it is gone, or for host callees
  union {
    HostCall* host_call = nullptr;  // not resolved: the callee is a host function that is not done
    uint64_t result;                // resolved: flat result of a sync lower
  };
  ComponentInstance* caller = nullptr;
  Lender* lenders = nullptr;

  bool resolved() const { return subtask_state >= SubtaskState::Returned; }
};

}  // namespace wjit
