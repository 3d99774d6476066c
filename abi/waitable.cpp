// Waitables and sets: see abi/waitable.h.
#include "abi/waitable.h"

#include "abi/call.h"
#include "abi/choice.h"
#include "abi/store.h"
#include "abi/stream.h"
#include "abi/task.h"
#include "base/check.h"

namespace wjit {

// Of several waiters one that can go on is woken: one that needs its instance's exclusive lock may have to wait for another
// of them.
static void wake_waiter(WaitableSet& set) {
  Thread* woken = set.first_waiter;
  if (woken == nullptr) return;
  Store& store = *woken->task->instance->store;
  if (woken->wait_next == nullptr) return store.make_ready(*woken);
  Candidates candidates(store.choices);
  for (Thread* thread = woken; thread != nullptr && !candidates.settled(); thread = thread->wait_next) {
    if (!thread->queued && ready_now(*thread) && candidates.take()) woken = thread;
  }
  store.make_ready(*woken);
}

void WaitableSet::add_waiter(Thread& thread) {
  Thread** link = &first_waiter;
  while (*link != nullptr) link = &(*link)->wait_next;
  *link = &thread;
  thread.wait_next = nullptr;
  ++num_waiting;
}

void WaitableSet::remove_waiter(Thread& thread) {
  Thread** link = &first_waiter;
  while (*link != &thread) link = &(*link)->wait_next;
  *link = thread.wait_next;
  thread.wait_next = nullptr;
  --num_waiting;
}

void set_pending(Waitable& waitable) {
  if (waitable.pending) return;
  waitable.pending = true;
  if (Thread* waiter = waitable.sync_waiter()) {
    waiter->task->instance->store->make_ready(*waiter);
  } else if (WaitableSet* set = waitable.set()) {
    set->idle.remove(&waitable);
    set->ready.push_back(&waitable);
    wake_waiter(*set);
  }
}

void clear_pending(Waitable& waitable) {
  if (!waitable.pending) return;
  waitable.pending = false;
  if (WaitableSet* set = waitable.set()) {
    set->ready.remove(&waitable);
    set->idle.push_back(&waitable);
  }
}

Event take_event(Waitable& waitable) {
  CHECK(waitable.pending);
  clear_pending(waitable);
  switch (waitable.kind) {
    case HandleKind::Subtask: {
      auto& subtask = static_cast<Subtask&>(waitable);
      if (subtask.resolved()) deliver_resolve(subtask);
      return {EventCode::Subtask, waitable.index, static_cast<uint32_t>(subtask.subtask_state)};
    }
    case HandleKind::StreamEnd:
    case HandleKind::FutureEnd: {
      auto& end = static_cast<CopyEnd&>(waitable);
      EventCode code = end.is_future() ? (end.writable ? EventCode::FutureWrite : EventCode::FutureRead)
                                       : (end.writable ? EventCode::StreamWrite : EventCode::StreamRead);
      return {code, waitable.index, finish_copy(end)};
    }
    default: UNREACHABLE_CASE("a handle that is no waitable");
  }
}

void join(Waitable& waitable, WaitableSet* set) {
  CHECK(!waitable.has_sync_waiter);
  if (WaitableSet* old = waitable.set_) (waitable.pending ? old->ready : old->idle).remove(&waitable);
  waitable.set_ = set;
  if (set == nullptr) return;
  (waitable.pending ? set->ready : set->idle).push_back(&waitable);
  if (waitable.pending) wake_waiter(*set);
}

Event take_event(WaitableSet& set, Choices* choices) {
  Event event = take_event(*next_of(choices, set.ready));
  if (!set.ready.empty()) wake_waiter(set);
  return event;
}

}  // namespace wjit
