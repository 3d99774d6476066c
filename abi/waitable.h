// Waitables and waitable sets. A waitable has at most one pending event; whoever waits (a set's waiter, or one
// synchronous waiter) is made ready when it gets one. Spec: CanonicalABI.md, "Waitable State"; Concurrency.md,
// "Waitables".
//
// The lists are intrusive so that joining, leaving and delivering cost O(1) and allocate nothing. Strand only.
// Tests: test/unit/waitable_test.cpp, the public component suite (async).
#pragma once

#include <cstdint>

#include "abi/handle_table.h"
#include "base/intrusive_list.h"

namespace wjit {

class Choices;
struct Thread;
struct WaitableSet;

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
  bool pending = false;  // has an event
  bool has_sync_waiter = false;
  uint32_t index = 0;             // own handle index
  Thread* sync_waiter = nullptr;  // has_sync_waiter: the thread that waits for the event
  WaitableSet* set = nullptr;
  Waitable* set_prev = nullptr;  // in the set's list: `ready` where it is pending, else `idle`
  Waitable* set_next = nullptr;
};

struct WaitableSet : HandleRecord {
  WaitableSet() : HandleRecord(HandleKind::WaitableSet) {}
  IntrusiveList<Waitable, &Waitable::set_prev, &Waitable::set_next> idle;   // members without an event
  IntrusiveList<Waitable, &Waitable::set_prev, &Waitable::set_next> ready;  // those with one, oldest first
  bool empty() const { return idle.empty() && ready.empty(); }
  uint32_t num_waiting = 0;        // threads that wait on it
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
