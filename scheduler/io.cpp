// Starting and cancelling operations, and the choice of the backend: see io.h.
#include "scheduler/io.h"

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/check.h"
#include "scheduler/blocking.h"
#include "scheduler/timer.h"
#include "scheduler/worker.h"

namespace wjit {

namespace {

// No file goes on behind INT64_MAX; the system refuses to be asked.
size_t within_file(size_t length, int64_t offset) {
  return offset < 0 ? length : std::min(length, static_cast<size_t>(INT64_MAX - offset));
}

void start_io(Completion* completion, OperationKind kind, int fd, void* buffer, size_t length, int64_t offset) {
  Worker* worker = Worker::current();
  CHECK(worker);
  begin_operation(completion, kind, worker);
  length = within_file(length, offset);
  completion->fd = fd;
  completion->buffer = buffer;
  completion->length = length;
  completion->offset = offset;
  worker->io().start(completion);
}

BlockingPool& pool_of(const BlockingWork& work) {
  Scheduler& scheduler = work.strand->scheduler();
  return work.blocking_kind == BlockingKind::LooksUp ? scheduler.lookup_pool() : scheduler.blocking_pool();
}

}  // namespace

void io_read(Completion* completion, int fd, void* buffer, size_t length, int64_t offset) {
  start_io(completion, OperationKind::Read, fd, buffer, length, offset);
}

void io_write(Completion* completion, int fd, const void* buffer, size_t length, int64_t offset) {
  if (offset == INT64_MAX && length > 0) {
    begin_external(completion);
    return finish_external(completion, -EFBIG);
  }
  start_io(completion, OperationKind::Write, fd, const_cast<void*>(buffer), length, offset);
}

// Of preadv2 and pwritev2.
static int64_t at_once(ssize_t result) {
  if (result >= 0) return result;
  return errno == EINTR ? -EAGAIN : errno == ENOSYS ? -EOPNOTSUPP : -int64_t{errno};
}

int64_t read_at_once(int fd, void* buffer, size_t length, int64_t offset) {
  iovec piece{buffer, within_file(length, offset)};
  return at_once(preadv2(fd, &piece, 1, offset, RWF_NOWAIT));
}

int64_t write_at_once(int fd, const void* buffer, size_t length, int64_t offset) {
  iovec piece{const_cast<void*>(buffer), within_file(length, offset)};
  const bool at_end = offset == kAtEnd;
  if (offset == INT64_MAX && length > 0) return -EFBIG;
  return at_once(pwritev2(fd, &piece, 1, at_end ? kCurrentPosition : offset, RWF_NOWAIT | (at_end ? RWF_APPEND : 0)));
}

void io_poll(Completion* completion, int fd, uint32_t events) {
  start_io(completion, OperationKind::Poll, fd, nullptr, events, -1);
}

void io_receive(Completion* completion, int socket, void* buffer, size_t length, bool wait_first) {
  completion->wait_first = wait_first;
  start_io(completion, OperationKind::Receive, socket, buffer, length, -1);
}

void io_send(Completion* completion, int socket, const void* buffer, size_t length) {
  start_io(completion, OperationKind::Send, socket, const_cast<void*>(buffer), length, -1);
}

void io_accept(Completion* completion, int socket) {
  start_io(completion, OperationKind::Accept, socket, nullptr, 0, -1);
}

void io_connect(Completion* completion, int socket, const sockaddr* address, socklen_t length) {
  start_io(completion, OperationKind::Connect, socket, const_cast<sockaddr*>(address), length, -1);
}

void run_blocking(BlockingWork* work) {
  CHECK(work->work);
  if (work->strand->scheduler().choices() != nullptr) {
    Worker* worker = Worker::current();
    CHECK(worker);
    begin_operation(work, OperationKind::Blocking, worker);
    return worker->io().start(work);
  }
  begin_operation(work, OperationKind::Blocking, nullptr);
  pool_of(*work).submit(work);
}

void run_blocking(Strand& strand, std::function<int64_t()> work, std::function<void(int64_t)> then, BlockingKind kind) {
  struct Closures : BlockingWork {
    std::function<int64_t()> first;
    std::function<void(int64_t)> second;
  };
  auto* closures = new Closures;
  closures->first = std::move(work);
  closures->second = std::move(then);
  closures->strand = &strand;
  closures->blocking_kind = kind;
  closures->work = [](BlockingWork* self) { return static_cast<Closures*>(self)->first(); };
  closures->done = [](Completion* self, int64_t result) {
    std::unique_ptr<Closures> owned(static_cast<Closures*>(self));
    owned->second(result);
  };
  run_blocking(closures);
}

void next_turn(Strand& strand, std::function<void()> then) {
  struct Turn : Completion {
    std::function<void()> then;
  };
  auto* turn = new Turn;
  turn->then = std::move(then);
  turn->strand = &strand;
  turn->done = [](Completion* self, int64_t) {
    std::unique_ptr<Turn> owned(static_cast<Turn*>(self));
    owned->then();
  };
  begin_external(turn);
  finish_external(turn, 0);
}

bool cancel(Completion* completion) {
  const CompletionState state = completion->state.load();
  if (state != CompletionState::Pending) return state == CompletionState::Idle || state == CompletionState::Posted;
  Worker* owner = completion->owner;
  switch (completion->kind) {
    case OperationKind::Timer:
      if (owner->timers_.remove(static_cast<Timer*>(completion))) post(completion, -ECANCELED);
      break;
    case OperationKind::Blocking:
      if (owner != nullptr)  // with a seed
        owner->io_->cancel(completion);
      else if (pool_of(*static_cast<BlockingWork*>(completion)).cancel(completion))
        post(completion, -ECANCELED);
      break;
    case OperationKind::Read:
    case OperationKind::Write:
    case OperationKind::Poll:
    case OperationKind::Receive:
    case OperationKind::Send:
    case OperationKind::Accept:
    case OperationKind::Connect:
      if (owner != Worker::current()) {
        owner->ask_cancel(completion);
        return false;
      }
      owner->io_->cancel(completion);
      break;
    case OperationKind::External:  // who finishes it decides
    case OperationKind::None: break;
  }
  return true;
}

void io_finish_cancels() {
  if (Worker* worker = Worker::current()) worker->io().finish_cancels();
}

Result<std::unique_ptr<IoBackend>> make_io_backend(IoKind kind, BlockingPool& pool) {
  if (kind != IoKind::Epoll) {
    auto uring = make_uring_backend();
    if (uring || kind == IoKind::Uring) return uring;
  }
  return make_epoll_backend(pool);
}

}  // namespace wjit
