// Waitables and waitable sets. A waitable has at most one pending event; whoever waits (a set's waiter, or one
// synchronous waiter) is made ready when it gets one. Spec: CanonicalABI.md, "Waitable State"; Concurrency.md,
// "Waitables".
//
// The lists are intrusive so that joining, leaving and delivering cost O(1) and allocate nothing. Strand only.
// Tests: test/unit/waitable_test.cpp, the public component suite (async).
#pragma once

#include <cstdint>

#include "abi/handle_table.h"
#include "base/check.h"
#include "base/intrusive_list.h"

namespace wjit {

class Choices;
struct Thread;
struct WaitableSet;
enum class CopyState : uint8_t { Idle, Copying, Cancelling, Done };
enum class CopyResult : uint8_t { Completed = 0, Dropped = 1, Cancelled = 2 };
enum class SubtaskState : uint8_t {
  Starting = 0,
  Started = 1,
  Returned = 2,
  CancelledBeforeStarted = 3,
  CancelledBeforeReturned = 4,
};

enum class EventCode : uint32_t {
  None = 0,
  Subtask = 1,
  StreamRead = 2,
  StreamWrite = 3,
  FutureRead = 4,
  FutureWrite = 5,
  TaskCancelled = 6,
};

struct Event {
  EventCode code = EventCode::None;
  uint32_t index = 0;
  uint32_t payload = 0;
};

// Base of subtasks and stream and future ends. The event itself is computed when it is delivered (it may say more then
// than when it became pending), by take_event (abi/waitable.cpp), which switches on the kind.
struct Waitable : HandleRecord {
  explicit Waitable(HandleKind k) : HandleRecord(k) {}
  bool pending : 1 = false;  // has an event
  bool has_sync_waiter : 1 = false;
  // Of a subtask (abi/task.h) and of an end (abi/stream.h), here because here is room: a million of them may wait.
  bool cancellation_requested : 1 = false;
  bool resolve_delivered : 1 = false;
  bool in_table : 1 = false;  // the caller knows its handle
  bool writable : 1 = false;
  union {
    SubtaskState subtask_state = SubtaskState::Starting;
    CopyState copy_state;
  };
  CopyResult copy_result = CopyResult::Completed;
  uint32_t index = 0;  // own handle index
  // One or the other: what is in a set is not waited for synchronously.
  WaitableSet* set() const { return has_sync_waiter ? nullptr : set_; }
  Thread* sync_waiter() const { return has_sync_waiter ? sync_waiter_ : nullptr; }
  // Requires that it is in no set (null: nobody waits any more).
  void wait_synchronously(Thread* waiter) {
    CHECK(set() == nullptr);
    sync_waiter_ = waiter;
    has_sync_waiter = waiter != nullptr;
  }
  Waitable* set_prev = nullptr;  // in the set's list: `ready` where it is pending, else `idle`
  Waitable* set_next = nullptr;

 private:
  friend void join(Waitable& waitable, WaitableSet* set);
  union {
    WaitableSet* set_ = nullptr;
    Thread* sync_waiter_;  // has_sync_waiter: the thread that waits for the event
  };
};
static_assert(sizeof(Waitable) == 32);

struct WaitableSet : HandleRecord {
  WaitableSet() : HandleRecord(HandleKind::WaitableSet) {}
  uint32_t num_waiting = 0;  // threads that wait on it
  IntrusiveList<Waitable, &Waitable::set_prev, &Waitable::set_next> idle;   // members without an event
  IntrusiveList<Waitable, &Waitable::set_prev, &Waitable::set_next> ready;  // those with one, oldest first
  bool empty() const { return idle.empty() && ready.empty(); }
  Thread* first_waiter = nullptr;  // list through Thread::wait_next, oldest first
  // Linear in the number of waiters: there is hardly ever more than one.
  void add_waiter(Thread& thread);
  void remove_waiter(Thread& thread);
};

// Gives the waitable an event and makes its waiter ready. Idempotent while one is pending.
void set_pending(Waitable& waitable);
// Takes the event of a waitable that has one. Requires pending.
Event take_event(Waitable& waitable);
void clear_pending(Waitable& waitable);
// Moves it into `set`, or out of any when null. Requires no synchronous waiter.
void join(Waitable& waitable, WaitableSet* set);
// An event of the set, the oldest unless it is drawn (Store::choices); requires that there is one.
Event take_event(WaitableSet& set, Choices* choices);

}  // namespace wjit
