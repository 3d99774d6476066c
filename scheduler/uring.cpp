// The io_uring backend: one ring per worker, made by the worker's own thread (SINGLE_ISSUER), whose completions are
// gathered when the worker asks for them (DEFER_TASKRUN). What waits for others (a receive, a poll) is queued and goes
// to the kernel with the next wait, in one system call; what goes on by itself (a write, a read at an offset, a
// connect) goes at once. user_data is the Completion, or one of the tags below. See io.h.
//
// A cancel names an operation by its record's address. The kernel takes queue entries in order, so a record that was
// reaped and started again right after cannot be hit by an older cancel.
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "scheduler/io.h"
#include "scheduler/timer.h"

namespace wjit {

namespace {

constexpr unsigned kEntries = 256;
constexpr size_t kMostBytes = size_t{1} << 30;  // of one read or write
constexpr uint64_t kTagIgnore = 1, kTagWake = 2, kTagRealtime = 3;
// backend_bits. kPollsFirst: a non-blocking descriptor said EAGAIN; a poll for it is under way, after which the
// operation is tried again. kCancelled: its cancel has been asked for, so nothing is tried again.
constexpr uint8_t kPollsFirst = 1, kCancelled = 2;

// From what is best to what kernel 5.11 has. -errno of the last try, or 0.
int open_ring(io_uring* ring) {
  int result = -EINVAL;
  for (unsigned flags : {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, IORING_SETUP_COOP_TASKRUN, 0u}) {
    io_uring_params parameters{};
    parameters.flags = flags | IORING_SETUP_CQSIZE;
    parameters.cq_entries = kEntries * 8;
    result = io_uring_queue_init_params(kEntries, ring, &parameters);
    if (result == 0) {
      constexpr unsigned kNeeded =
          IORING_FEAT_NODROP | IORING_FEAT_RW_CUR_POS | IORING_FEAT_FAST_POLL | IORING_FEAT_EXT_ARG;
      if ((parameters.features & kNeeded) == kNeeded) return 0;
      io_uring_queue_exit(ring);
      return -ENOSYS;
    }
    if (result != -EINVAL) return result;  // not a matter of flags: refused
  }
  return result;
}

class UringBackend final : public IoBackend {
 public:
  ~UringBackend() override {
    if (ring_.ring_fd >= 0) io_uring_queue_exit(&ring_);
    if (wake_fd_ >= 0) close(wake_fd_);
    if (realtime_fd_ >= 0) close(realtime_fd_);
  }

  int open() {
    ring_.ring_fd = -1;
    wake_fd_ = eventfd(0, EFD_CLOEXEC);
    if (wake_fd_ < 0) return -errno;
    if (int result = open_ring(&ring_); result < 0) {
      ring_.ring_fd = -1;
      return result;
    }
    // The flag is of kernel 5.19, whose feature bits have nothing for it; SINGLE_ISSUER is of 6.0.
    poll_first_ = (ring_.flags & IORING_SETUP_SINGLE_ISSUER) != 0;
    arm_wake();
    return 0;
  }

  const char* name() const override { return "io_uring"; }
  bool bound_to_thread() const override { return pending_ != 0; }

  void start(Completion* completion) override {
    ++pending_;
    prepare(completion);
    // What goes on by itself begins now, whenever this thread comes back; what waits for others begins with the next
    // wait.
    const bool goes_on = completion->kind == OperationKind::Write || completion->kind == OperationKind::Connect ||
                         (completion->kind == OperationKind::Read && completion->offset >= 0);
    if (goes_on) io_uring_submit(&ring_);
  }

  void cancel(Completion* completion) override {
    completion->backend_bits |= kCancelled;
    io_uring_sqe* sqe = next_entry();
    io_uring_prep_cancel64(sqe, reinterpret_cast<uintptr_t>(completion), 0);
    io_uring_sqe_set_data64(sqe, kTagIgnore);
    cancels_ = true;
  }

  // What was polled ends, and is let go of, in the system call that takes the cancel.
  void finish_cancels() override {
    if (!std::exchange(cancels_, false)) return;
    int result;
    while ((result = io_uring_submit_and_get_events(&ring_)) < 0) {
      CHECK(result == -EBUSY || result == -EAGAIN || result == -EINTR);
      reap();
    }
  }

  void wait(int64_t deadline_ns) override {
    int64_t timeout = deadline_ns == INT64_MAX ? INT64_MAX : deadline_ns <= 0 ? 0 : deadline_ns - monotonic_now();
    if (timeout > 0) {
      __kernel_timespec time{timeout / 1'000'000'000, timeout % 1'000'000'000};
      io_uring_cqe* cqe;
      io_uring_submit_and_wait_timeout(&ring_, &cqe, 1, timeout == INT64_MAX ? nullptr : &time, nullptr);
    } else if (pending_ || io_uring_sq_ready(&ring_) != 0) {
      io_uring_submit_and_get_events(&ring_);
    } else {
      return;  // a wake is of no interest to who does not wait
    }
    reap();
  }

  void wake() override {
    uint64_t one = 1;
    [[maybe_unused]] ssize_t n = write(wake_fd_, &one, sizeof one);
  }

  void set_realtime_wake(int64_t deadline_ns) override {
    if (realtime_fd_ < 0) {
      realtime_fd_ = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
      CHECK(realtime_fd_ >= 0);
    }
    itimerspec time{};
    if (deadline_ns != INT64_MAX) {
      deadline_ns = std::max<int64_t>(deadline_ns, 1);
      time.it_value = {deadline_ns / 1'000'000'000, deadline_ns % 1'000'000'000};
    }
    timerfd_settime(realtime_fd_, TFD_TIMER_ABSTIME, &time, nullptr);
    if (!realtime_armed_ && deadline_ns != INT64_MAX) arm_realtime();
  }

 private:
  io_uring_sqe* next_entry() {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
    while (!sqe) {
      // Full: hand over what there is. With EBUSY the kernel wants completions reaped; they land in strands' inboxes.
      int result = io_uring_submit(&ring_);
      CHECK(result >= 0 || result == -EBUSY || result == -EAGAIN || result == -EINTR);
      if (result < 0) reap();
      sqe = io_uring_get_sqe(&ring_);
    }
    return sqe;
  }

  void prepare(Completion* c) {
    io_uring_sqe* sqe = next_entry();
    unsigned length = static_cast<unsigned>(std::min(c->length, kMostBytes));
    uint64_t offset = c->offset < 0 ? ~uint64_t{0} : static_cast<uint64_t>(c->offset);
    if (c->backend_bits & kPollsFirst) {
      io_uring_prep_poll_add(sqe, c->fd, events_of(*c));
      return io_uring_sqe_set_data(sqe, c);
    }
    switch (c->kind) {
      case OperationKind::Read: io_uring_prep_read(sqe, c->fd, c->buffer, length, offset); break;
      case OperationKind::Write:
        io_uring_prep_write(sqe, c->fd, c->buffer, length, offset);
        if (c->offset == kAtEnd) sqe->rw_flags = RWF_APPEND;
        break;
      case OperationKind::Receive:
        io_uring_prep_recv(sqe, c->fd, c->buffer, length, 0);
        if (c->wait_first && poll_first_) sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
        break;
      case OperationKind::Send: io_uring_prep_send(sqe, c->fd, c->buffer, length, MSG_NOSIGNAL); break;
      case OperationKind::Accept:
        io_uring_prep_accept(sqe, c->fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        break;
      case OperationKind::Connect:
        io_uring_prep_connect(sqe, c->fd, static_cast<const sockaddr*>(c->buffer), static_cast<socklen_t>(c->length));
        break;
      case OperationKind::Poll: io_uring_prep_poll_add(sqe, c->fd, events_of(*c)); break;
      default: UNREACHABLE_CASE("an operation that is not the ring's");
    }
    io_uring_sqe_set_data(sqe, c);
  }

  void arm_wake() {
    io_uring_sqe* sqe = next_entry();
    io_uring_prep_read(sqe, wake_fd_, &wake_count_, sizeof wake_count_, 0);
    io_uring_sqe_set_data64(sqe, kTagWake);
  }

  void arm_realtime() {
    realtime_armed_ = true;
    io_uring_sqe* sqe = next_entry();
    io_uring_prep_poll_add(sqe, realtime_fd_, POLLIN);
    io_uring_sqe_set_data64(sqe, kTagRealtime);
  }

  // Takes completions out in batches before it acts on them: acting may queue entries, and so reap again.
  void reap() {
    io_uring_cqe* batch[64];
    while (unsigned count = io_uring_peek_batch_cqe(&ring_, batch, 64)) {
      struct {
        uint64_t data;
        int result;
      } ended[64];
      for (unsigned i = 0; i < count; ++i) ended[i] = {batch[i]->user_data, batch[i]->res};
      io_uring_cq_advance(&ring_, count);
      for (unsigned i = 0; i < count; ++i) act(ended[i].data, ended[i].result);
    }
  }

  void act(uint64_t data, int result) {
    if (data == kTagIgnore) return;
    if (data == kTagWake) return arm_wake();
    if (data == kTagRealtime) {
      uint64_t expirations;
      [[maybe_unused]] ssize_t n = read(realtime_fd_, &expirations, sizeof expirations);
      return arm_realtime();
    }
    auto* c = reinterpret_cast<Completion*>(data);
    const bool waits = result == -EAGAIN && c->kind != OperationKind::Poll && c->kind != OperationKind::Connect;
    const bool again = c->backend_bits & kPollsFirst ? result >= 0 : waits || result == -EINTR;
    if (again && !(c->backend_bits & kCancelled)) {
      c->backend_bits = !(c->backend_bits & kPollsFirst) && waits ? kPollsFirst : 0;
      return prepare(c);
    }
    if (again) result = -ECANCELED;
    if (result == -EAGAIN && c->kind == OperationKind::Connect) result = -EADDRNOTAVAIL;  // no port is left
    --pending_;
    post(c, result);
  }

  io_uring ring_{};
  int wake_fd_ = -1;
  int realtime_fd_ = -1;
  bool realtime_armed_ = false;
  bool cancels_ = false;     // asked for since the last finish_cancels
  bool poll_first_ = false;  // IORING_RECVSEND_POLL_FIRST is known
  uint64_t wake_count_ = 0;  // where the kernel puts the eventfd's value
  size_t pending_ = 0;       // operations started and not posted
};

}  // namespace

Result<std::unique_ptr<IoBackend>> make_uring_backend() {
  auto backend = std::make_unique<UringBackend>();
  if (int result = backend->open(); result < 0) return fail("io_uring cannot be used: {}", strerror(-result));
  return backend;
}

bool uring_available() {
  static const bool available = [] {
    io_uring ring;
    if (open_ring(&ring) != 0) return false;
    io_uring_queue_exit(&ring);
    return true;
  }();
  return available;
}

}  // namespace wjit
