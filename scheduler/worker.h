// The scheduler: workers (OS threads) with a deque of ready strands each. A worker takes the oldest of its own, else
// one that another thread injected, else steals another worker's oldest; with nothing to do it waits in its I/O
// backend.
//
//   Scheduler scheduler(SchedulerOptions{});
//   MyStrand strand(scheduler);
//   RunResult r = scheduler.run(strand, [&] { return strand.finished; });
//
// By default there is one worker and the thread that calls run() is it: no other thread exists. Tests:
// test/unit/worker_test.cpp.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/error.h"
#include "scheduler/deque.h"
#include "scheduler/io.h"
#include "scheduler/strand.h"
#include "scheduler/timer.h"
#include "scheduler/virtual_io.h"

namespace wjit {

struct SchedulerOptions {
  uint32_t workers = 1;
  IoKind io = IoKind::Auto;
  // true: the thread inside run() is worker 0 (calls of run come one at a time, and from the same thread while
  // operations are outstanding; between two calls nobody reaps its operations and timers). false: every worker is a
  // thread of its own and any number of threads may be inside run(); for embedders.
  bool caller_is_worker = true;
  // Draws every choice from this seed, on a clock of its own (scheduler/virtual_io.h): the same seed, the same run.
  // Requires one worker, the caller.
  std::optional<uint64_t> seed = {};
  bool steady_waits = false;  // with a seed: Choices::steady_waits
};

class Worker {
 public:
  // The worker that this thread is at the moment; null outside of run() and of the scheduler's own threads.
  static Worker* current();

  Scheduler& scheduler() const { return scheduler_; }
  uint32_t index() const { return index_; }
  IoBackend& io() { return *io_; }
  TimerQueue& timers() { return timers_; }

  // Waits inside of the quantum of `strand` until `done` holds, which the strand's completions bring about: for what
  // cannot leave the worker's stack. Nothing else runs on this worker meanwhile; ready strands are for the other
  // workers.
  void wait_inside(Strand& strand, const std::function<bool()>& done);

 private:
  friend class Scheduler;
  friend bool cancel(Completion* completion);

  Worker(Scheduler& scheduler, uint32_t index) : scheduler_(scheduler), index_(index) {}

  // The one place where a ready strand is chosen, drawn if there is a seed; null if there is none.
  Strand* next_ready();
  void run_strand(Strand& strand);
  // Fires timers and reaps I/O; sleeps if `may_sleep` and nothing is ready. `finished`: what makes sleeping
  // pointless, for a thread inside run().
  void poll_events(bool may_sleep, const std::atomic<bool>* finished = nullptr);
  // The same with a seed: carries out an operation, or lets time go on to the next timer.
  void poll_virtual(bool may_sleep, const std::atomic<bool>* finished);
  bool work_is_here() const;
  // Waits in the backend until `deadline` unless there is work or `finished`.
  void sleep(int64_t deadline, const std::atomic<bool>* finished);
  // Another thread asks for the end of an operation that this worker owns; the worker then sees to it.
  void ask_cancel(Completion* completion);
  void serve_cancel_requests();

  Scheduler& scheduler_;
  uint32_t index_;
  std::unique_ptr<IoBackend> io_;
  VirtualIo* virtual_io_ = nullptr;  // io_, if there is a seed
  TimerQueue timers_;
  StrandDeque ready_;                // pushed by this worker, taken by all
  std::atomic<bool> parked_{false};  // sleeps, or is about to; whoever clears it must wake io_
  std::mutex cancel_mutex_;
  std::vector<Completion*> cancel_requests_;  // guarded by cancel_mutex_
  std::atomic<bool> has_cancel_requests_{false};
  int64_t realtime_wake_ = TimerQueue::kNever;  // what io_ was told last
  uint32_t quanta_ = 0;                         // run so far
  bool in_quantum_ = false;                     // this worker's thread only
  std::atomic<bool> inside_{false};             // in wait_inside; this worker's thread sets it
  std::thread thread_;
  std::thread::id bound_thread_;  // worker 0 with caller_is_worker: whose backend it is
};

class Scheduler {
 public:
  // Falls back from io_uring to epoll when options.io is Auto; aborts only if the system has neither.
  explicit Scheduler(SchedulerOptions options = {});
  ~Scheduler();  // requires: no strand is left; joins all threads
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Makes the strand run soon; a strand that stands in a queue stays there once. Any thread.
  void wake(Strand& strand);

  // Runs until `done` holds, or nothing can make the strand go on (Idle: nothing ready, nothing outstanding; the caller
  // reports a deadlock). `done` is evaluated after each quantum of the strand, on the strand. At least one quantum is
  // run. Not from inside a strand.
  RunResult run(Strand& strand, const std::function<bool()>& done);

  // Takes a strand out of use: afterwards nothing of the scheduler points to it. Requires nothing outstanding. The
  // first thing that a derived class's destructor does; not from inside the same strand.
  void retire(Strand& strand);

  BlockingPool& blocking_pool() { return *pool_; }
  BlockingPool& lookup_pool() { return *lookup_pool_; }
  const char* io_name() const { return use_uring_ ? "io_uring" : "epoll"; }  // for `wjit --version -v`

  // Where choices are drawn from; null without a seed. On the worker.
  Choices* choices() { return choices_ ? &*choices_ : nullptr; }
  // What guests see of the time: monotonic_now, realtime_now, or the virtual clock. On a worker.
  int64_t now(ClockId clock);
  // The same, without taking (virtual) time for it.
  int64_t peek(ClockId clock) const;

 private:
  friend class Worker;

  void worker_main(Worker& worker);
  // Makes the calling thread worker 0 until release_seat.
  Worker& take_seat();
  void release_seat();
  void open_io(Worker& worker);
  void enqueue(Strand& strand);
  bool work_is_visible() const;
  void unpark_one();
  void unpark(Worker& worker);
  // After a quantum: puts the strand back, or lets it go idle; finishes its waiter.
  void settle(Strand& strand, bool more);
  void finish_waiter(Strand& strand, Strand::Waiter& waiter, RunResult result);
  Strand* take_injected();

  SchedulerOptions options_;
  std::optional<Choices> choices_;  // with a seed
  VirtualClock clock_;              // with a seed
  std::unique_ptr<BlockingPool> pool_, lookup_pool_;
  std::vector<std::unique_ptr<Worker>> workers_;
  bool use_uring_;
  std::atomic<uint32_t> parked_count_{0};
  std::atomic<bool> stopping_{false};

  std::mutex inject_mutex_;
  Strand* injected_first_ = nullptr;  // guarded by inject_mutex_
  Strand* injected_last_ = nullptr;   // guarded by inject_mutex_
  std::atomic<uint32_t> injected_count_{0};

  std::mutex finished_mutex_;  // caller_is_worker == false: threads inside run() wait here
  std::condition_variable finished_;
  std::atomic<bool> seat_taken_{false};  // caller_is_worker: somebody is inside run()
};

}  // namespace wjit
