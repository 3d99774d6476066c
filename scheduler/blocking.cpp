// The helper threads: see blocking.h.
#include "scheduler/blocking.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "base/check.h"
#include "scheduler/io.h"

namespace wjit {

int64_t read_or_write(Completion* c) {
  while (true) {
    ssize_t n;
    if (c->kind == OperationKind::Read) {
      n = c->offset < 0 ? ::read(c->fd, c->buffer, c->length) : ::pread(c->fd, c->buffer, c->length, c->offset);
    } else {
      n = c->offset < 0 ? ::write(c->fd, c->buffer, c->length) : ::pwrite(c->fd, c->buffer, c->length, c->offset);
    }
    if (n >= 0) return n;
    if (errno != EINTR) return -errno;
  }
}

void block_foreign_signals() {
  sigset_t set;
  sigfillset(&set);
  for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF}) sigdelset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void BlockingPool::submit(Completion* completion) {
  std::lock_guard lock(mutex_);
  completion->queued_in_pool = true;
  completion->next = nullptr;
  completion->previous = last_;
  (last_ ? last_->next : first_) = completion;
  last_ = completion;
  ++queued_;
  if (idle_ < queued_ && threads_.size() < kThreads) threads_.emplace_back([this] { thread_main(); });
  work_.notify_one();
}

bool BlockingPool::cancel(Completion* completion) {
  std::lock_guard lock(mutex_);
  if (!completion->queued_in_pool) return false;
  completion->queued_in_pool = false;
  (completion->previous ? completion->previous->next : first_) = completion->next;
  (completion->next ? completion->next->previous : last_) = completion->previous;
  --queued_;
  return true;
}

void BlockingPool::thread_main() {
  block_foreign_signals();
  std::unique_lock lock(mutex_);
  while (true) {
    while (!first_ && !stopping_) {
      ++idle_;
      work_.wait(lock);
      --idle_;
    }
    if (!first_) return;
    Completion* completion = first_;
    first_ = completion->next;
    (first_ ? first_->previous : last_) = nullptr;
    --queued_;
    completion->queued_in_pool = false;
    lock.unlock();
    int64_t result;
    if (completion->kind == OperationKind::Blocking) {
      auto* work = static_cast<BlockingWork*>(completion);
      result = work->work(work);
    } else {
      result = read_or_write(completion);
    }
    post(completion, result);
    lock.lock();
  }
}

BlockingPool::~BlockingPool() {
  {
    std::lock_guard lock(mutex_);
    CHECK(!first_ && "work is queued whose strand is gone");
    stopping_ = true;
  }
  work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

}  // namespace wjit
