// A strand's inbox and the life of an operation: begin, post, done. See strand.h and completion.h.
#include "scheduler/strand.h"

#include "base/check.h"
#include "scheduler/io.h"
#include "scheduler/worker.h"

namespace wjit {

void begin_operation(Completion* completion, OperationKind kind, Worker* owner) {
  CHECK(completion->idle() && completion->done && completion->strand);
  completion->kind = kind;
  completion->owner = owner;
  completion->next = completion->previous = nullptr;
  completion->backend_bits = 0;
  completion->queued_in_pool = false;
  completion->strand->outstanding_.fetch_add(1, std::memory_order_relaxed);
  completion->state.store(CompletionState::Pending);
  if (OperationObserver* observer = completion->strand->observer_) observer->operation_began(*completion);
}

void begin_external(Completion* completion) { begin_operation(completion, OperationKind::External, nullptr); }

void finish_external(Completion* completion, int64_t result) { post(completion, result); }

void post(Completion* completion, int64_t result) {
  completion->result = result;
  CompletionState state = CompletionState::Pending;
  while (!completion->state.compare_exchange_strong(state, CompletionState::Posted)) {
    if (state == CompletionState::CancelAsked) {
      // Its owner holds a pointer to it; the owner posts it again when it comes across that.
      if (completion->state.compare_exchange_strong(state, CompletionState::Finished)) return;
    }
    CHECK(state == CompletionState::Pending || state == CompletionState::CancelAsked);
    state = CompletionState::Pending;
  }
  Strand& strand = *completion->strand;
  strand.posters_.fetch_add(1);
  Completion* first = strand.inbox_.load(std::memory_order_relaxed);
  do completion->next = first;
  while (!strand.inbox_.compare_exchange_weak(first, completion));
  // The record belongs to the strand from here on and may be gone; the strand waits for posters_ (Scheduler::retire).
  strand.scheduler_.wake(strand);
  strand.posters_.fetch_sub(1);
}

// Once through: what these lead to comes in the next turn, so that all else gets its own.
void Strand::deliver_completions() {
  Completion* newest = inbox_.exchange(nullptr);
  Completion* oldest = nullptr;
  size_t count = 0;
  for (; newest; ++count) {
    Completion* next = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = next;
  }
  Completion** end = &due_;
  for (; *end; end = &(*end)->next) ++count;  // inside of a done()
  *end = oldest;
  for (; count > 0 && due_; --count) {
    Completion* completion = due_;
    due_ = completion->next;
    int64_t result = completion->result;
    outstanding_.fetch_sub(1, std::memory_order_relaxed);
    completion->state.store(CompletionState::Idle);
    if (observer_ != nullptr) observer_->operation_ended(*completion, result);
    completion->done(completion, result);
    if (observer_ != nullptr) observer_->operation_delivered();
  }
}

Strand::~Strand() {
  CHECK(outstanding_ == 0 && inbox_ == nullptr && due_ == nullptr && posters_ == 0);
  CHECK(state_ == State::Idle);
  CHECK(waiter_ == nullptr);
}

}  // namespace wjit
