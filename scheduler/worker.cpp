// Workers and the scheduler: see worker.h. First what a thread inside run() does, then how strands get into queues and
// workers to sleep, then start and end.
//
// Sleeping without missing anything: a worker announces itself (parked_), then looks at all queues once more, then
// waits in its backend; who makes work visible does so first and looks at parked_ after. Both sides use sequentially
// consistent operations.
#include "scheduler/worker.h"

#include <signal.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "scheduler/blocking.h"

namespace wjit {

namespace {

__attribute__((tls_model("initial-exec"))) constinit thread_local Worker* current_worker = nullptr;

// Tuning, no effect on correctness: quanta between two looks at I/O and timers while strands are ready, and between
// looks at injected strands ahead of the own ones.
constexpr uint32_t kQuantaPerPoll = 8;
constexpr uint32_t kQuantaPerInjectedFirst = 16;

}  // namespace

Worker* Worker::current() { return current_worker; }

RunResult Scheduler::run(Strand& strand, const std::function<bool()>& done) {
  CHECK(!current_worker && "Scheduler::run from inside a strand");
  Worker* worker = options_.caller_is_worker ? &take_seat() : nullptr;
  Strand::Waiter waiter{&done, worker};
  {
    std::lock_guard lock(strand.waiter_mutex_);
    CHECK(strand.waiter_ == nullptr && "two threads run one strand");
    strand.waiter_ = &waiter;
  }
  wake(strand);  // at least one quantum, and with it one look at `done`
  if (worker) {
    while (!waiter.finished.load()) {
      if (Strand* next = worker->next_ready())
        worker->run_strand(*next);
      else
        worker->poll_events(true, &waiter.finished);
    }
    release_seat();
  } else {
    std::unique_lock lock(finished_mutex_);
    finished_.wait(lock, [&] { return waiter.finished.load(); });
  }
  return waiter.result;
}

Strand* Worker::next_ready() {
  if (Choices* choices = scheduler_.choices()) {
    while (Strand* strand = scheduler_.take_injected()) ready_.push(strand);
    if (ready_.empty()) return nullptr;
    for (uint32_t skip = choices->below(static_cast<uint32_t>(ready_.size())); skip > 0; --skip) {
      ready_.push(ready_.take_oldest());
    }
    return ready_.take_oldest();
  }
  if (quanta_ % kQuantaPerInjectedFirst == 0)
    if (Strand* strand = scheduler_.take_injected()) return strand;
  if (Strand* strand = ready_.take_oldest()) return strand;
  if (Strand* strand = scheduler_.take_injected()) return strand;
  size_t count = scheduler_.workers_.size();
  for (size_t i = 1; i < count; ++i)
    if (Strand* strand = scheduler_.workers_[(index_ + i) % count]->ready_.take_oldest()) return strand;
  return nullptr;
}

void Worker::run_strand(Strand& strand) {
  Strand::State before = strand.state_.exchange(Strand::State::Running);
  CHECK(before == Strand::State::Ready);
  if (strand.retired_.load()) {
    strand.state_.store(Strand::State::Idle);
    return;
  }
  in_quantum_ = true;
  strand.deliver_completions();
  bool more = strand.run_quantum(*this);
  in_quantum_ = false;
  scheduler_.settle(strand, more);
  Choices* choices = scheduler_.choices();
  if (choices != nullptr ? choices->coin() : ++quanta_ % kQuantaPerPoll == 0) poll_events(false);
}

// The strand is Running until the last line of either end; its owner may destroy it right after (retire waits for
// that).
void Scheduler::settle(Strand& strand, bool more) {
  if (strand.waiter_.load()) {
    std::lock_guard lock(strand.waiter_mutex_);
    if (Strand::Waiter* waiter = strand.waiter_.load()) {
      if ((*waiter->done)())
        finish_waiter(strand, *waiter, RunResult::Done);
      else if (!more && strand.outstanding() == 0 && strand.state_.load() == Strand::State::Running)
        finish_waiter(strand, *waiter, RunResult::Idle);
    }
  }
  Strand::State state = Strand::State::Running;
  if (!more && strand.state_.compare_exchange_strong(state, Strand::State::Idle)) return;
  strand.state_.store(Strand::State::Ready);
  enqueue(strand);
}

void Scheduler::finish_waiter(Strand& strand, Strand::Waiter& waiter, RunResult result) {
  strand.waiter_ = nullptr;
  waiter.result = result;
  if (Worker* worker = waiter.worker) {
    waiter.finished.store(true);  // the waiter may be gone from here on
    unpark(*worker);
  } else {
    std::lock_guard lock(finished_mutex_);
    waiter.finished.store(true);
    finished_.notify_all();
  }
}

void Scheduler::wake(Strand& strand) {
  if (Worker* worker = strand.waits_inside_.load()) {
    strand.woken_inside_.store(true);
    unpark(*worker);
    return;
  }
  Strand::State state = strand.state_.load();
  while (true) {
    switch (state) {
      case Strand::State::Ready:
      case Strand::State::RunningWoken: return;
      case Strand::State::Running:
        if (strand.state_.compare_exchange_weak(state, Strand::State::RunningWoken)) return;
        break;
      case Strand::State::Idle:
        if (!strand.state_.compare_exchange_weak(state, Strand::State::Ready)) break;
        enqueue(strand);
        return;
    }
  }
}

// Requires Ready, set by the caller, so nobody else enqueues it.
void Scheduler::enqueue(Strand& strand) {
  Worker* worker = current_worker;
  if (worker && &worker->scheduler_ == this) {
    // A worker that only reaps events runs the first strand itself; for any other it calls for help.
    bool help = worker->in_quantum_ || !worker->ready_.empty();
    worker->ready_.push(&strand);
    if (help) unpark_one();
    return;
  }
  {
    std::lock_guard lock(inject_mutex_);
    strand.next_injected_ = nullptr;
    (injected_last_ ? injected_last_->next_injected_ : injected_first_) = &strand;
    injected_last_ = &strand;
    injected_count_.fetch_add(1);
  }
  unpark_one();
}

Strand* Scheduler::take_injected() {
  if (injected_count_.load() == 0) return nullptr;
  std::lock_guard lock(inject_mutex_);
  Strand* strand = injected_first_;
  if (!strand) return nullptr;
  injected_first_ = strand->next_injected_;
  if (!injected_first_) injected_last_ = nullptr;
  injected_count_.fetch_sub(1);
  return strand;
}

// What is ready is nothing for a worker that waits inside of a quantum.
bool Worker::work_is_here() const { return !inside_.load() && scheduler_.work_is_visible(); }

bool Scheduler::work_is_visible() const {
  if (injected_count_.load() != 0) return true;
  for (const auto& worker : workers_)
    if (!worker->ready_.empty()) return true;
  return false;
}

void Worker::poll_events(bool may_sleep, const std::atomic<bool>* finished) {
  if (virtual_io_ != nullptr) return poll_virtual(may_sleep, finished);
  if (has_cancel_requests_.load()) serve_cancel_requests();
  int64_t realtime = timers_.earliest(ClockId::Realtime);
  timers_.fire(monotonic_now(), realtime == TimerQueue::kNever ? 0 : realtime_now());
  realtime = timers_.earliest(ClockId::Realtime);
  if (realtime != realtime_wake_) io_->set_realtime_wake(realtime_wake_ = realtime);
  if (!may_sleep) return io_->wait(0);
  sleep(timers_.earliest(ClockId::Monotonic), finished);
}

void Worker::poll_virtual(bool may_sleep, const std::atomic<bool>* finished) {
  VirtualClock& clock = scheduler_.clock_;
  auto fire = [&] { timers_.fire(clock.now(ClockId::Monotonic), clock.now(ClockId::Realtime)); };
  fire();
  if (!may_sleep || work_is_here() || (finished && finished->load())) {
    virtual_io_->run_one(false);
    return;
  }
  if (virtual_io_->run_one(false)) return;
  // Nothing can go on by itself: the outside, or time, or (operations that other threads finish) neither.
  int64_t next = std::min(timers_.earliest(ClockId::Monotonic, true),
                          clock.monotonic_of(timers_.earliest(ClockId::Realtime, true)));
  if (next > VirtualClock::kEnd) next = TimerQueue::kNever;
  if (!virtual_io_->empty() && (next == TimerQueue::kNever || scheduler_.choices_->coin())) {
    virtual_io_->run_one(true);
  } else if (next != TimerQueue::kNever) {
    clock.advance(next);
    fire();
  } else {
    sleep(next, finished);
  }
}

void Worker::sleep(int64_t deadline, const std::atomic<bool>* finished) {
  parked_.store(true);
  scheduler_.parked_count_.fetch_add(1);
  bool stay =
      work_is_here() || has_cancel_requests_.load() || scheduler_.stopping_.load() || (finished && finished->load());
  io_->wait(stay ? 0 : deadline);
  if (parked_.exchange(false)) scheduler_.parked_count_.fetch_sub(1);
}

void Worker::wait_inside(Strand& strand, const std::function<bool()>& done) {
  const bool inside = inside_.exchange(true);
  strand.waits_inside_.store(this);
  if (!ready_.empty()) scheduler_.unpark_one();
  poll_events(false);  // so that who asks again and again, and is answered in the next turn, sees the kernel's
  while (true) {
    strand.woken_inside_.store(false);
    strand.deliver_completions();
    if (done()) break;
    poll_events(true, &strand.woken_inside_);
  }
  if (!inside) strand.waits_inside_.store(nullptr);
  inside_.store(inside);
  // Who was about to wake it may have seen that it waits inside: it has a look at its inbox again.
  Strand::State state = Strand::State::Running;
  strand.state_.compare_exchange_strong(state, Strand::State::RunningWoken);
}

void Scheduler::unpark(Worker& worker) {
  if (!worker.parked_.exchange(false)) return;
  parked_count_.fetch_sub(1);
  worker.io_->wake();
}

void Scheduler::unpark_one() {
  if (parked_count_.load() == 0) return;
  for (auto& worker : workers_) {
    if (!worker->parked_.load() || worker->inside_.load()) continue;
    unpark(*worker);
    return;
  }
}

void Worker::ask_cancel(Completion* completion) {
  CompletionState state = CompletionState::Pending;
  if (!completion->state.compare_exchange_strong(state, CompletionState::CancelAsked)) return;
  {
    std::lock_guard lock(cancel_mutex_);
    cancel_requests_.push_back(completion);
    has_cancel_requests_.store(true);
  }
  scheduler_.unpark(*this);
}

void Worker::serve_cancel_requests() {
  std::vector<Completion*> requests;
  {
    std::lock_guard lock(cancel_mutex_);
    requests.swap(cancel_requests_);
    has_cancel_requests_.store(false);
  }
  for (Completion* completion : requests) {
    // While it is CancelAsked or Finished nobody but this worker hands it on, so the record is there.
    if (completion->state.load() == CompletionState::CancelAsked) io_->cancel(completion);
    CompletionState state = CompletionState::CancelAsked;
    if (completion->state.compare_exchange_strong(state, CompletionState::Pending)) continue;
    CHECK(state == CompletionState::Finished);
    completion->state.store(CompletionState::Pending);
    post(completion, completion->result);
  }
}

void Scheduler::retire(Strand& strand) {
  CHECK(strand.outstanding() == 0 && "a strand is destroyed while operations are outstanding");
  strand.retired_.store(true);
  while (strand.posters_.load() != 0) std::this_thread::yield();
  Worker* worker = current_worker;
  bool seated = false;
  while (strand.state_.load() != Strand::State::Idle) {
    if (!worker && options_.caller_is_worker && !seat_taken_.load()) {
      worker = &take_seat();
      seated = true;
    }
    // It stands in a queue (or some worker is just about to see that it is retired): turn the queues until it comes by.
    Strand* next = worker ? worker->next_ready() : nullptr;
    if (next && next->retired_.load())
      next->state_.store(Strand::State::Idle);
    else if (next)
      worker->ready_.push(next);
    else
      std::this_thread::yield();
    if (worker) ++worker->quanta_;
  }
  if (seated) release_seat();
}

int64_t Scheduler::now(ClockId clock) { return choices_ ? clock_.look(clock) : peek(clock); }

int64_t Scheduler::peek(ClockId clock) const {
  if (choices_) return clock_.now(clock);
  return clock == ClockId::Monotonic ? monotonic_now() : realtime_now();
}

Worker& Scheduler::take_seat() {
  CHECK(!seat_taken_.exchange(true) && "two threads inside Scheduler::run (see SchedulerOptions::caller_is_worker)");
  Worker& worker = *workers_[0];
  if (worker.bound_thread_ != std::this_thread::get_id()) {
    if (worker.io_) {
      CHECK(!worker.io_->bound_to_thread() &&
            "Scheduler::run from another thread while operations are outstanding (see SchedulerOptions)");
      worker.io_.reset();
    }
    open_io(worker);
    worker.bound_thread_ = std::this_thread::get_id();
  }
  current_worker = &worker;
  return worker;
}

void Scheduler::release_seat() {
  current_worker = nullptr;
  seat_taken_.store(false);
}

void Scheduler::open_io(Worker& worker) {
  if (choices_) {
    auto virtual_io = std::make_unique<VirtualIo>(*choices_);
    worker.virtual_io_ = virtual_io.get();
    worker.io_ = std::move(virtual_io);
    return;
  }
  IoKind kind = !use_uring_ ? IoKind::Epoll : options_.io;
  auto io = make_io_backend(kind, *pool_);
  CHECK(io && "neither io_uring nor epoll can be had");
  worker.io_ = std::move(*io);
  worker.realtime_wake_ = TimerQueue::kNever;
}

void Scheduler::worker_main(Worker& worker) {
  block_foreign_signals();
  open_io(worker);
  current_worker = &worker;
  while (!stopping_.load()) {
    if (Strand* next = worker.next_ready())
      worker.run_strand(*next);
    else
      worker.poll_events(true);
  }
  current_worker = nullptr;
}

Scheduler::Scheduler(SchedulerOptions options)
    : options_(options),
      choices_(options.seed ? std::optional<Choices>(std::in_place, *options.seed, options.steady_waits)
                            : std::nullopt),
      pool_(std::make_unique<BlockingPool>()),
      lookup_pool_(std::make_unique<BlockingPool>()),
      use_uring_(options.io != IoKind::Epoll && uring_available()) {
  CHECK(options_.workers > 0);
  CHECK(!choices_ || (options_.workers == 1 && options_.caller_is_worker));
  for (int number : {SIGPIPE, SIGXFSZ}) {  // a write has an error number of its own for each
    struct sigaction action{};
    if (sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_DFL) signal(number, SIG_IGN);
  }
  for (uint32_t i = 0; i < options_.workers; ++i) workers_.emplace_back(new Worker(*this, i));
  for (uint32_t i = options_.caller_is_worker ? 1 : 0; i < options_.workers; ++i)
    workers_[i]->thread_ = std::thread([this, i] { worker_main(*workers_[i]); });
}

Scheduler::~Scheduler() {
  CHECK(!seat_taken_.load());
  stopping_.store(true);
  for (auto& worker : workers_) unpark(*worker);
  for (auto& worker : workers_)
    if (worker->thread_.joinable()) worker->thread_.join();
  pool_.reset();
  lookup_pool_.reset();
}

}  // namespace wjit
