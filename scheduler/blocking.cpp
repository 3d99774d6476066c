// The helper threads: see blocking.h.
#include "scheduler/blocking.h"

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/uio.h>
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
      iovec piece{c->buffer, c->length};
      n = c->offset >= 0        ? ::pwrite(c->fd, c->buffer, c->length, c->offset)
          : c->offset == kAtEnd ? ::pwritev2(c->fd, &piece, 1, -1, RWF_APPEND)
                                : ::write(c->fd, c->buffer, c->length);
    }
    if (n >= 0) return n;
    if (errno != EINTR) return -errno;
  }
}

bool is_socket_kind(OperationKind kind) {
  return kind == OperationKind::Receive || kind == OperationKind::Send || kind == OperationKind::Accept ||
         kind == OperationKind::Connect;
}

int64_t attempt_socket(Completion* c, bool waited) {
  ssize_t n = 0;
  switch (c->kind) {
    case OperationKind::Receive: n = recv(c->fd, c->buffer, c->length, MSG_DONTWAIT); break;
    case OperationKind::Send: n = send(c->fd, c->buffer, c->length, MSG_DONTWAIT | MSG_NOSIGNAL); break;
    case OperationKind::Accept: n = accept4(c->fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK); break;
    default:
      if (waited) {
        int error = 0;
        socklen_t size = sizeof error;
        return getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? -errno : -error;
      }
      n = connect(c->fd, static_cast<const sockaddr*>(c->buffer), static_cast<socklen_t>(c->length));
      if (n < 0 && (errno == EINPROGRESS || errno == EINTR)) return -EAGAIN;  // both go on by themselves
      return n < 0 && errno == EAGAIN ? -EADDRNOTAVAIL : n < 0 ? -errno : 0;
  }
  if (n >= 0) return n;
  return errno == EINTR ? -EAGAIN : -errno;
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
      while (result == -EAGAIN) {  // a device that is non-blocking
        pollfd ready{completion->fd, static_cast<short>(events_of(*completion)), 0};
        poll(&ready, 1, -1);
        result = read_or_write(completion);
      }
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
