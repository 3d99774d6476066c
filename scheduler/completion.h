// Completions: the end of one host operation (a read, a timer, work on a helper thread). An operation is started with a
// record that its owner provides and embeds where it likes; nothing is allocated. Whoever starts it sets `done`; the
// record and all memory that the operation was given (buffers, guest memory included) stay valid and in place until
// `done` is called. `done` is called exactly once for each start, also after cancel (then mostly with -ECANCELED),
// always on the record's strand: with exclusive access to all that the strand guards. It may start the same record
// again, or free it.
//
//   Idle ──start──▶ Pending ──kernel, timer or helper thread──▶ Posted (in the strand's inbox) ──strand runs──▶ Idle,
//   done()
//
// Starting operations: scheduler/io.h, scheduler/timer.h. Tests: test/unit/completion_test.cpp.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace wjit {

class Strand;
class Worker;

enum class OperationKind : uint8_t {
  None,
  Read,
  Write,
  Poll,
  Receive,
  Send,
  Accept,
  Connect,
  Timer,
  Blocking,
  External,
};

// A field of every Completion. CancelAsked: a worker that does not own the operation asked its owner to cancel it;
// Finished: the operation ended before the owner saw that. The record is posted once the owner has
// (Worker::serve_cancel_requests).
enum class CompletionState : uint8_t { Idle, Pending, CancelAsked, Finished, Posted };

struct Completion {
  // result: bytes, a poll mask, or what the operation says; failure: -errno.
  using Done = void (*)(Completion* completion, int64_t result);

  Done done = nullptr;
  Strand* strand = nullptr;  // set by the owner before the first start; counts this operation as outstanding until done

  bool idle() const { return state.load(std::memory_order_relaxed) == CompletionState::Idle; }

  // ---- the scheduler's part from here on ----
  Completion* next = nullptr;  // inbox of the strand; a backend's or the timers' lists while Pending
  Completion* previous = nullptr;
  Worker* owner = nullptr;  // the worker whose backend or timers have it
  int64_t result = 0;
  void* buffer = nullptr;  // Read, Write, Receive, Send; Connect: the sockaddr
  size_t length = 0;       // bytes of the buffer or sockaddr; Poll: events
  int64_t offset = -1;     // Read, Write: file offset, or kCurrentPosition, kAtEnd (scheduler/io.h); Timer: the deadline
  int fd = -1;
  OperationKind kind = OperationKind::None;
  std::atomic<CompletionState> state{CompletionState::Idle};
  uint8_t backend_bits = 0;     // the owner's backend
  bool wait_first = false;      // Receive: a try at once would be in vain
  bool queued_in_pool = false;  // guarded by BlockingPool's mutex

  Completion() = default;
  Completion(Done on_done, Strand* on) : done(on_done), strand(on) {}
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;
};

// Whoever wants to see a strand's operations (Strand::observe). On the strand.
class OperationObserver {
 public:
  virtual ~OperationObserver() = default;
  virtual void operation_began(const Completion& completion) = 0;  // only `kind` is filled in
  virtual void operation_ended(const Completion& completion, int64_t result) = 0;  // its `done` comes next
  virtual void operation_delivered() = 0;                                          // its `done` has returned
};

// An operation that something outside of the scheduler finishes (an embedder's thread, another strand). begin_external:
// on the strand. finish_external: any thread, exactly once after begin; the result reaches `done` on the strand.
void begin_external(Completion* completion);
void finish_external(Completion* completion, int64_t result);

}  // namespace wjit
