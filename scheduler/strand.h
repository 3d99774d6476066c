// A strand: what may run only one thing at a time (today one per store). The scheduler runs it for quanta on any
// worker, never on two at once; completions reach it through its inbox. abi::Store derives from it.
//
//   Idle ──wake──▶ Ready (stands in exactly one queue) ──a worker takes it──▶ Running ──▶ Idle | Ready
//                                                        wake ──▶ RunningWoken ──▶ Ready
//
// Everything that a derived class guards is touched only in run_quantum, in Completion::done, and by a thread that
// knows that no run() of the scheduler is under way. Tests: test/unit/worker_test.cpp.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>

#include "scheduler/completion.h"

namespace wjit {

class Scheduler;
class Worker;

// How Scheduler::run ended.
enum class RunResult : uint8_t {
  Done,  // the predicate holds
  Idle,  // it does not, and nothing is ready or outstanding: the strand can never go on (a deadlock)
};

class Strand {
 public:
  explicit Strand(Scheduler& scheduler) : scheduler_(scheduler) {}
  // Requires Idle with nothing outstanding; so a derived class's destructor begins with scheduler().retire(*this).
  virtual ~Strand();
  Strand(const Strand&) = delete;
  Strand& operator=(const Strand&) = delete;

  // Runs what is ready, for about a quantum (some 100 µs or some hundred events; the derived class measures); true if
  // more is ready. Called on a worker with exclusive access, after what was in the inbox has been delivered.
  virtual bool run_quantum(Worker& worker) = 0;

  Scheduler& scheduler() const { return scheduler_; }
  // Operations started and not yet done: completions, timers, helper threads, external ones.
  uint32_t outstanding() const { return outstanding_.load(std::memory_order_acquire); }
  // Who is told of its operations; null: nobody. On the strand, or while it has none.
  void observe(OperationObserver* observer) { observer_ = observer; }

 private:
  friend class Scheduler;
  friend class Worker;
  friend void begin_operation(Completion* completion, OperationKind kind, Worker* owner);
  friend void post(Completion* completion, int64_t result);

  enum class State : uint8_t { Idle, Ready, Running, RunningWoken };
  // One thread inside Scheduler::run that waits for this strand; guarded by waiter_mutex_.
  struct Waiter {
    const std::function<bool()>* done;
    Worker* worker;  // to unpark when finished; null: waits on `finished`
    std::atomic<bool> finished{false};
    RunResult result = RunResult::Idle;
  };

  // What is in the inbox now, oldest first, into done(). On the strand; also from inside of a done().
  void deliver_completions();

  Scheduler& scheduler_;
  OperationObserver* observer_ = nullptr;
  std::atomic<State> state_{State::Idle};
  std::atomic<uint32_t> outstanding_{0};
  std::atomic<uint32_t> posters_{0};            // threads inside post(); the strand outlives them
  std::atomic<bool> retired_{false};            // nobody calls run_quantum any more
  std::atomic<Completion*> inbox_{nullptr};     // pushed by any thread, newest first
  Completion* due_ = nullptr;                   // taken out of the inbox, oldest first; on the strand
  std::atomic<Worker*> waits_inside_{nullptr};  // Worker::wait_inside
  std::atomic<bool> woken_inside_{false};       // something has come since it looked
  Strand* next_injected_ = nullptr;             // guarded by Scheduler's inject mutex
  std::atomic<Waiter*> waiter_{nullptr};        // written under waiter_mutex_
  std::mutex waiter_mutex_;
};

}  // namespace wjit
