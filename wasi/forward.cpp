// See wasi/forward.h. Which call moves what:
//
//   a pipe to a regular file        splice into a pipe of our own, and out of it: while the file is written, the pipe
//   stays
//                                   locked, and whoever fills it waits
//   a pipe at one end else          splice
//   a regular file to what is none  sendfile
//   a regular file to another       copy_file_range; between file systems that do not: by way of a pipe
//   all else                        splice into a pipe of our own, and out of it
#include "wasi/forward.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace wjit::wasi {
namespace {

// A stretch on a helper thread: so long, of which it waits so long at a time for the other end. Long enough that two
// quick ends do without the scheduler, short enough that eight helper threads are there for others.
constexpr int64_t kHelperNs = 20'000'000;
constexpr int kHelperWaitMs = 2;
constexpr int kStrandMoves = 8;           // at a time
constexpr size_t kMostBytes = 4 << 20;    // of one call
constexpr int kOwnPipeBytes = 256 << 10;  // asked for
constexpr uint64_t kManyBytes = 1 << 20;  // between sockets: from here on a pipe is worth its two descriptors
constexpr int kMostVainTries = 3;         // both ends are ready, and nothing moves: the system is short of memory
constexpr int64_t kPauseNs = 20'000'000;  // then

enum class Way : uint8_t { Splice, Send, CopyRange, Through };

struct Kind {
  mode_t mode = 0;
  bool ok = false;
  bool is(mode_t type) const { return (mode & S_IFMT) == type; }
};

Kind kind_of(int fd, bool is_sink) {
  struct stat status{};
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fstat(fd, &status) < 0) return {};
  Kind kind{status.st_mode, false};
  kind.ok = kind.is(S_IFIFO) || (kind.is(S_IFSOCK) && (flags & O_NONBLOCK) != 0) ||
            (kind.is(S_IFREG) && !(is_sink && (flags & O_APPEND) != 0)) ||
            (is_sink && kind.is(S_IFCHR) && status.st_rdev == makedev(1, 3));  // /dev/null
  return kind;
}

bool ready(int fd, short events, int wait_ms) {
  pollfd entry{fd, events, 0};
  return ::poll(&entry, 1, wait_ms) != 0;  // an error is for the next try
}

int64_t now_ns() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

// What moves: used by the strand and by a helper thread, never by both at a time.
struct Forward::Mover {
  enum class State : uint8_t { More, NoInput, NoRoom, NoMemory, Ended, SinkFailed };

  ~Mover() {
    for (int fd : pipe) {
      if (fd >= 0) close(fd);
    }
  }

  bool open_pipe() {
    if (pipe[0] >= 0) return true;
    if (::pipe2(pipe, O_CLOEXEC | O_NONBLOCK) < 0) return false;
    fcntl(pipe[1], F_SETPIPE_SZ, kOwnPipeBytes);  // may be refused
    return true;
  }

  // One call, or two with a pipe of our own: bytes, 0 at the end, or -errno.
  int64_t call() {
    loff_t* in = in_at >= 0 ? &in_at : nullptr;
    loff_t* out = out_at >= 0 ? &out_at : nullptr;
    auto result = [](ssize_t n) { return n < 0 ? -int64_t{errno} : int64_t{n}; };
    constexpr unsigned kFlags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
    switch (way) {
      case Way::Splice: return result(::splice(in_fd, in, out_fd, out, kMostBytes, kFlags));
      case Way::Send: return result(::sendfile(out_fd, in_fd, in, kMostBytes));
      case Way::CopyRange: {
        const int64_t n = result(::copy_file_range(in_fd, in, out_fd, out, kMostBytes, 0));
        if (n >= 0 || n == -ENOSPC || n == -EDQUOT || n == -EFBIG || n == -EIO || !open_pipe()) return n;
        way = Way::Through;  // EXDEV, EOPNOTSUPP, …
        return call();
      }
      case Way::Through: break;
    }
    if (held == 0) {
      const int64_t n = result(::splice(in_fd, in, pipe[1], nullptr, kOwnPipeBytes, kFlags));
      if (n <= 0) return n;
      held = static_cast<size_t>(n);
    }
    const int64_t n = result(::splice(pipe[0], nullptr, out_fd, out, held, kFlags));
    if (n > 0) held -= static_cast<size_t>(n);
    return n;
  }

  // Moves until it cannot, at most `calls` times and until `deadline`; waits `wait_ms` for an end that is not ready.
  void move(int calls, int64_t deadline, int wait_ms) {
    for (; calls > 0; --calls) {
      const int64_t n = call();
      if (n == -EINTR) continue;
      if (n > 0) {
        vain_tries = 0;
        moved += static_cast<uint64_t>(n);
        if (deadline == 0 || now_ns() < deadline) continue;
        break;
      }
      if (n != -EAGAIN) {
        state = held > 0 ? State::SinkFailed : State::Ended;
        error = static_cast<int>(-n);
        return;
      }
      if (held == 0 && !ready(in_fd, POLLIN, wait_ms)) {
        state = State::NoInput;
        return;
      }
      if (!ready(out_fd, POLLOUT, wait_ms)) {
        state = State::NoRoom;
        return;
      }
      if (++vain_tries > kMostVainTries) {
        vain_tries = 0;
        state = held > 0 ? State::NoMemory : State::Ended;  // what is in our pipe can go no other way
        error = 0;
        return;
      }
    }
    state = State::More;
  }

  Way way = Way::Splice;
  bool on_helper = false;
  int in_fd = -1, out_fd = -1;
  loff_t in_at = -1, out_at = -1;  // -1: none, or the current position
  int pipe[2] = {-1, -1};
  size_t held = 0;  // in the pipe
  uint64_t moved = 0;
  int vain_tries = 0;
  State state = State::More;
  int error = 0;  // Ended, SinkFailed
};

std::unique_ptr<Forward> Forward::make(State& state, ByteEnd from, ByteEnd to, uint64_t moved) {
  if (state.store.choices != nullptr) return nullptr;  // with a seed, the scheduler makes every transfer
  if (from.file->fd < 0 || to.file->fd < 0 || (to.at != nullptr && *to.at == kAtEnd)) return nullptr;
  const Kind in = kind_of(from.file->fd, false), out = kind_of(to.file->fd, true);
  if (!in.ok || !out.ok || (in.is(S_IFSOCK) && out.is(S_IFSOCK) && moved < kManyBytes)) return nullptr;
  auto mover = std::make_shared<Mover>();
  mover->in_fd = from.file->fd;
  mover->out_fd = to.file->fd;
  mover->in_at = from.at != nullptr ? *from.at : -1;
  mover->out_at = to.at != nullptr ? *to.at : -1;
  // A trace shows what helpers do.
  mover->on_helper = in.is(S_IFREG) || out.is(S_IFREG) || state.store.tracer != nullptr;
  mover->way = in.is(S_IFIFO) && out.is(S_IFREG)   ? Way::Through
               : in.is(S_IFIFO) || out.is(S_IFIFO) ? Way::Splice
               : in.is(S_IFREG) && out.is(S_IFREG) ? Way::CopyRange
               : in.is(S_IFREG)                    ? Way::Send
                                                   : Way::Through;
  if (mover->way == Way::Through && !mover->open_pipe()) return nullptr;
  return std::unique_ptr<Forward>(new Forward(state, std::move(from), std::move(to), std::move(mover)));
}

Forward::Forward(State& state, ByteEnd from, ByteEnd to, std::shared_ptr<Mover> mover)
    : state_(state), from_(std::move(from)), to_(std::move(to)), mover_(std::move(mover)), operation_(state) {}

Forward::~Forward() = default;

void Forward::run(Then then) {
  then_ = std::move(then);
  step();
}

void Forward::step() {
  if (state_.closing() || state_.store.locked_down()) return std::exchange(then_, nullptr)(Stop::Cancelled, 0);
  if (mover_->on_helper) {
    return run_blocking(
        state_.store,
        [mover = mover_] {
          const uint64_t before = mover->moved;
          mover->move(INT32_MAX, now_ns() + kHelperNs, kHelperWaitMs);
          return static_cast<int64_t>(mover->moved - before);
        },
        [this](int64_t) { moved(); }, BlockingKind::MovesBytes);
  }
  mover_->move(kStrandMoves, 0, 0);
  moved();
}

void Forward::moved() {
  const uint64_t bytes = mover_->moved - std::exchange(counted_, mover_->moved);
  for (const ByteEnd& end : {from_, to_}) end.file->count_moved(bytes);
  if (from_.at != nullptr && *from_.at >= 0) *from_.at = mover_->in_at;
  if (to_.at != nullptr && *to_.at >= 0) *to_.at = mover_->out_at;
  auto again_when = [this](const ByteEnd& end, uint32_t events) {
    operation_.poll(end.file->fd, events, nullptr, [this](int64_t) { step(); });
  };
  switch (mover_->state) {
    case Mover::State::More: return mover_->on_helper ? step() : again_when(to_, POLLOUT);
    case Mover::State::NoInput: return again_when(from_, POLLIN);
    case Mover::State::NoRoom: return again_when(to_, POLLOUT);
    case Mover::State::NoMemory:
      return operation_.wait_until(ClockId::Monotonic, state_.now(ClockId::Monotonic) + kPauseNs, nullptr,
                                   [this](int64_t) { step(); });
    case Mover::State::Ended:
      // The system tells a connection's error once. Of two connections it is the source's: what the sink says comes
      // while something is in our pipe.
      if (mover_->error != 0 && mover_->error != EPIPE && mover_->error != EINVAL) {
        File& failed = from_.file->is_socket ? *from_.file : *to_.file;
        failed.broken = mover_->error;
      }
      return std::exchange(then_, nullptr)(Stop::Elsewhere, mover_->error);
    case Mover::State::SinkFailed: return std::exchange(then_, nullptr)(Stop::SinkFailed, mover_->error);
  }
}

// ---- where a source meets a sink ----

bool ByteSink::forward(HostSource& source, uint64_t moved, StreamRead& read, StreamWrite& write) {
  auto* bytes = dynamic_cast<ByteSource*>(&source);
  if (bytes == nullptr) return false;
  forward_ = Forward::make(forward_state_, bytes->byte_end(), byte_end(), moved);
  if (forward_ == nullptr) return false;
  forward_->run([this, &read, &write](Forward::Stop stop, int error) {
    // What answers may free this object, and the run that is on the stack.
    std::shared_ptr<Forward> ended = std::move(forward_);
    switch (stop) {
      case Forward::Stop::Elsewhere: return read.complete(0);
      case Forward::Stop::Cancelled: return read.cancelled(0);
      case Forward::Stop::SinkFailed: return fail(write, -int64_t{error});
    }
  });
  return true;
}

}  // namespace wjit::wasi
