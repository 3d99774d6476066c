// Host I/O without blocking a worker. The free functions start one operation each with a record that the caller embeds
// (scheduler/completion.h); they run on the strand's worker (in run_quantum, in done, in a host function called from
// guest code). Behind them each worker has one IoBackend: scheduler/uring.cpp, or scheduler/epoll.cpp where io_uring is
// denied. Tests: test/unit/completion_test.cpp (both backends).
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/error.h"
#include "scheduler/completion.h"

namespace wjit {

class BlockingPool;

// ---- starting operations; all: on the strand of the record, which must be Idle ----
// A result is never -EAGAIN or -EINTR: operations on non-blocking descriptors wait like others.

// Offsets that are none. AtEnd is for io_write: it appends, however the file was opened.
constexpr int64_t kCurrentPosition = -1, kAtEnd = -2;

// Reads up to `length` bytes at `offset` (kCurrentPosition: also of a pipe, socket, terminal; those take no other).
// Result: bytes read, 0 at the end, or -errno. The buffer (guest memory may be given directly) stays mapped and is not
// reused until done; the descriptor stays open until done.
void io_read(Completion* completion, int fd, void* buffer, size_t length, int64_t offset = kCurrentPosition);
// The same for writing; result: bytes written, maybe fewer than `length`, or -errno. Never raises SIGPIPE for sockets;
// for pipes the process ignores SIGPIPE (Scheduler sets that up) and gets -EPIPE, and -EFBIG in the place of SIGXFSZ.
void io_write(Completion* completion, int fd, const void* buffer, size_t length, int64_t offset = kCurrentPosition);
// The same without waiting, where the system can do that: bytes, 0 at the end; -EAGAIN when it would have to wait;
// -EOPNOTSUPP when it cannot tell (files of some file systems, terminals); or -errno. Any thread.
int64_t read_at_once(int fd, void* buffer, size_t length, int64_t offset = kCurrentPosition);
int64_t write_at_once(int fd, const void* buffer, size_t length, int64_t offset = kCurrentPosition);
// Waits until one of `events` (POLLIN, POLLOUT; POLLERR and POLLHUP always) holds. Result: the events, or -errno.
void io_poll(Completion* completion, int fd, uint32_t events);

// Sockets; `socket` is non-blocking (SOCK_NONBLOCK), so that a backend may try before it waits. What is pointed to
// stays in place until done, as for io_read. Receives up to `length` > 0 bytes. Result: bytes, 0 after the peer's end,
// or -errno. wait_first: the caller believes that nothing is there yet.
void io_receive(Completion* completion, int socket, void* buffer, size_t length, bool wait_first);
// Result: bytes sent, maybe fewer than `length`, or -errno; no SIGPIPE.
void io_send(Completion* completion, int socket, const void* buffer, size_t length);
// Result: a descriptor (close-on-exec, non-blocking) that is the caller's, also when the operation was cancelled too
// late; or -errno.
void io_accept(Completion* completion, int socket);
// Result: 0 or -errno. A connect that is cancelled leaves the socket of no further use.
void io_connect(Completion* completion, int socket, const sockaddr* address, socklen_t length);
// Asks an operation (also a timer or blocking work) to end early. Asynchronous: `done` still comes, exactly once, with
// -ECANCELED or the real result if that was quicker. Nothing happens if the record is not pending. True if the
// descriptor of a Poll or Connect may be closed from here on, after io_finish_cancels; false while another worker has
// the operation.
bool cancel(Completion* completion);
// Carries out what this worker was asked to cancel: the kernel may hold what is polled, and a socket's port is free
// only once nobody does. Cheap if there is nothing. Any thread; of use on a worker.
void io_finish_cancels();

// Work that has no asynchronous form (opening directories, getaddrinfo): `work` runs on a helper thread, where it must
// not touch what the strand guards; its return value is the result. Cancelling only helps before it has begun.
enum class BlockingKind : uint8_t {
  Other,
  MovesBytes,  // so many as its result says; for observers
  LooksUp,     // waits for other hosts, maybe for long: on threads of its own, so that files need not wait as well
};
struct BlockingWork : Completion {
  int64_t (*work)(BlockingWork* self) = nullptr;
  BlockingKind blocking_kind = BlockingKind::Other;
};
void run_blocking(BlockingWork* work);
// The same with closures, allocated: `then` runs on the strand with what `work` returned.
void run_blocking(Strand& strand, std::function<int64_t()> work, std::function<void(int64_t)> then,
                  BlockingKind kind = BlockingKind::Other);

// Calls `then` in the strand's next turn. On the strand.
void next_turn(Strand& strand, std::function<void()> then);

// ---- the seam between workers and kernel interfaces ----

enum class IoKind : uint8_t {
  Auto,   // io_uring where the kernel allows it, else epoll
  Uring,  // for tests; falls back like Auto, Scheduler::io_name tells
  Epoll,
};

// One per worker. Unless a line says otherwise a method is called on the worker's own thread.
class IoBackend {
 public:
  virtual ~IoBackend() = default;
  virtual const char* name() const = 0;  // "io_uring" or "epoll", for `wjit --version -v`
  // Begins an operation, Read to Connect, whose fields are filled in; it ends in post().
  virtual void start(Completion* completion) = 0;
  // Ends one of its own operations early: posts it now or later. The record is Pending or CancelAsked and stays there
  // meanwhile.
  virtual void cancel(Completion* completion) = 0;
  // The kernel has let go of what was cancelled when it returns.
  virtual void finish_cancels() {}
  // Reaps what is there, and if nothing is, waits until something ends, `wake` is called, or CLOCK_MONOTONIC reaches
  // `deadline_ns` (0: does not wait; INT64_MAX: no deadline).
  virtual void wait(int64_t deadline_ns) = 0;
  // Any thread: makes a wait that is under way, or the next one, return.
  virtual void wake() = 0;
  // Arms a wake at an absolute CLOCK_REALTIME time, which clock changes are allowed to move; INT64_MAX: disarms.
  virtual void set_realtime_wake(int64_t deadline_ns) = 0;
  // True if only the thread that made it can go on using it, and operations are under way that it must reap.
  virtual bool bound_to_thread() const = 0;
};

// `pool` runs what the backend cannot do without blocking (epoll: regular files); it outlives the backend. Uring fails
// when the kernel refuses (ENOSYS, EPERM, a seccomp filter) or has too little of it; Auto then takes epoll without a
// word.
Result<std::unique_ptr<IoBackend>> make_io_backend(IoKind kind, BlockingPool& pool);
Result<std::unique_ptr<IoBackend>> make_uring_backend();                    // scheduler/uring.cpp
Result<std::unique_ptr<IoBackend>> make_epoll_backend(BlockingPool& pool);  // scheduler/epoll.cpp

// Whether this kernel lets this process use enough of io_uring; asked once. Any thread.
bool uring_available();

// The events after which an operation is worth another try.
inline uint32_t events_of(const Completion& operation) {
  switch (operation.kind) {
    case OperationKind::Poll: return static_cast<uint32_t>(operation.length);
    case OperationKind::Read:
    case OperationKind::Receive:
    case OperationKind::Accept: return POLLIN;
    default: return POLLOUT;
  }
}

// Bookkeeping around an operation: begin makes it Pending and outstanding; post (any thread) hands the result to the
// strand's inbox and wakes the strand.
void begin_operation(Completion* completion, OperationKind kind, Worker* owner);
void post(Completion* completion, int64_t result);

}  // namespace wjit
