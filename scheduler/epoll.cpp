// The backend for systems without io_uring: readiness from epoll, one registration per descriptor with a list of the
// operations that wait for it, and helper threads for regular files, which are always "ready". An operation is tried
// when it is started and again whenever its descriptor becomes ready. Descriptors are used as they come: standard input
// and output are shared with other processes, so O_NONBLOCK is never set on them. See io.h.
//
// A registration is for one event (EPOLLONESHOT) and stays, disarmed, when nobody waits: the next wait costs one system
// call, and a descriptor's end needs not be told, for the kernel forgets it and the next one of that number is new to
// it.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/check.h"
#include "scheduler/blocking.h"
#include "scheduler/io.h"
#include "scheduler/timer.h"

namespace wjit {

namespace {

// backend_bits: where the operation is.
constexpr uint8_t kInPool = 1, kWaits = 2;
// A write of at most this much to a blocking pipe or terminal that is ready does not block.
constexpr size_t kReadyWriteBytes = 4096;

// The poll(2) and epoll(7) event bits are the same numbers.
static_assert(POLLIN == EPOLLIN && POLLOUT == EPOLLOUT && POLLERR == EPOLLERR && POLLHUP == EPOLLHUP);

// The result, or nothing if it would block now.
std::optional<int64_t> attempt(Completion* c, mode_t mode) {
  if (is_socket_kind(c->kind)) {
    int64_t result = attempt_socket(c, c->backend_bits == kWaits);
    return result == -EAGAIN ? std::nullopt : std::optional(result);
  }
  pollfd ready{c->fd, static_cast<short>(events_of(*c)), 0};
  int count = poll(&ready, 1, 0);
  if (count < 0) return errno == EINTR ? std::nullopt : std::optional<int64_t>(-errno);
  if (count == 0) return std::nullopt;
  if (ready.revents & POLLNVAL) return -EBADF;
  if (c->kind == OperationKind::Poll) return ready.revents;
  const bool reads = c->kind == OperationKind::Read;
  int64_t n;
  if (S_ISSOCK(mode)) {
    n = reads ? recv(c->fd, c->buffer, c->length, MSG_DONTWAIT)
              : send(c->fd, c->buffer, c->length, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0) n = errno == EINTR ? -EAGAIN : -errno;
  } else {
    n = reads ? read_at_once(c->fd, c->buffer, c->length, c->offset)
              : write_at_once(c->fd, c->buffer, c->length, c->offset);
    if (n == -EOPNOTSUPP) {
      const size_t length = c->length;
      if (!reads && !(fcntl(c->fd, F_GETFL) & O_NONBLOCK)) c->length = std::min(length, kReadyWriteBytes);
      n = read_or_write(c);
      c->length = length;
    }
  }
  return n == -EAGAIN ? std::nullopt : std::optional(n);
}

class EpollBackend final : public IoBackend {
 public:
  explicit EpollBackend(BlockingPool& pool) : pool_(pool) {}
  ~EpollBackend() override {
    for (int fd : {epoll_fd_, wake_fd_, realtime_fd_})
      if (fd >= 0) close(fd);
  }

  int open() {
    epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
    wake_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (epoll_fd_ < 0 || wake_fd_ < 0) return -errno;
    return control(EPOLL_CTL_ADD, wake_fd_, EPOLLIN);
  }

  const char* name() const override { return "epoll"; }
  bool bound_to_thread() const override { return false; }

  void start(Completion* c) override {
    struct stat status{};
    if (is_socket_kind(c->kind)) {
      status.st_mode = S_IFSOCK;
    } else {
      if (fstat(c->fd, &status) < 0) return post(c, -errno);
      if (c->kind != OperationKind::Poll &&
          (S_ISREG(status.st_mode) || S_ISBLK(status.st_mode) || S_ISDIR(status.st_mode) || c->offset >= 0)) {
        c->backend_bits = kInPool;
        return pool_.submit(c);
      }
    }
    if (!(c->kind == OperationKind::Receive && c->wait_first)) {
      if (auto result = attempt(c, status.st_mode)) return post(c, *result);
    }
    Waiters& waiters = waiters_[c->fd];
    waiters.mode = status.st_mode;
    add(waiters, c);
    if (int result = arm(c->fd, waiters); result < 0) {
      remove(waiters, c);
      if (!waiters.first) waiters_.erase(c->fd);
      post(c, result);
    }
  }

  void cancel(Completion* c) override {
    if (c->backend_bits == kInPool) {
      if (pool_.cancel(c)) post(c, -ECANCELED);
    } else if (c->backend_bits == kWaits) {
      auto found = waiters_.find(c->fd);
      remove(found->second, c);
      if (!found->second.first) waiters_.erase(found);
      post(c, -ECANCELED);
    }
  }

  void wait(int64_t deadline_ns) override {
    epoll_event events[64];
    int count = wait_for_events(events, deadline_ns);
    for (int i = 0; i < count; ++i) {
      int fd = events[i].data.fd;
      if (fd == wake_fd_ || fd == realtime_fd_) {
        uint64_t value;
        [[maybe_unused]] ssize_t n = read(fd, &value, sizeof value);
        continue;
      }
      auto found = waiters_.find(fd);
      if (found == waiters_.end()) continue;
      Waiters& waiters = found->second;
      waiters.armed = 0;
      uint32_t ready = events[i].events;
      constexpr uint32_t kAlways = EPOLLERR | EPOLLHUP;
      for (Completion* c = waiters.first; c && (ready & (waiters.wanted() | kAlways));) {
        Completion* next = c->next;
        // Who asked for the event has it, even if somebody before took what it was about.
        const uint32_t told = events[i].events & (events_of(*c) | kAlways);
        if (c->kind == OperationKind::Poll && told != 0) {
          remove(waiters, c);
          post(c, told);
        } else if (ready & (events_of(*c) | kAlways)) {
          if (auto result = attempt(c, waiters.mode)) {
            remove(waiters, c);
            post(c, *result);
          } else {
            ready &= ~events_of(*c);  // nor for those behind it
          }
        }
        c = next;
      }
      int failed = waiters.first ? arm(fd, waiters) : 0;
      while (failed < 0 && waiters.first) {
        Completion* c = waiters.first;
        remove(waiters, c);
        post(c, failed);
      }
      if (!waiters.first) waiters_.erase(found);
    }
  }

  void wake() override {
    uint64_t one = 1;
    [[maybe_unused]] ssize_t n = write(wake_fd_, &one, sizeof one);
  }

  void set_realtime_wake(int64_t deadline_ns) override {
    if (realtime_fd_ < 0) {
      realtime_fd_ = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
      CHECK(realtime_fd_ >= 0 && control(EPOLL_CTL_ADD, realtime_fd_, EPOLLIN) == 0);
    }
    itimerspec time{};
    if (deadline_ns != INT64_MAX) {
      deadline_ns = std::max<int64_t>(deadline_ns, 1);
      time.it_value = {deadline_ns / 1'000'000'000, deadline_ns % 1'000'000'000};
    }
    timerfd_settime(realtime_fd_, TFD_TIMER_ABSTIME, &time, nullptr);
  }

 private:
  struct Waiters {
    Completion* first = nullptr;  // in the order in which they came
    Completion* last = nullptr;
    size_t readers = 0, writers = 0;  // who waits for POLLIN, for POLLOUT
    uint32_t armed = 0;               // events that epoll watches for at this moment
    mode_t mode = 0;
    uint32_t wanted() const { return (readers != 0 ? POLLIN : 0u) | (writers != 0 ? POLLOUT : 0u); }
  };
  using WaiterMap = std::unordered_map<int, Waiters>;

  int control(int operation, int fd, uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    return epoll_ctl(epoll_fd_, operation, fd, &event) < 0 ? -errno : 0;
  }

  // Has epoll watch for what the list waits for.
  int arm(int fd, Waiters& waiters) {
    const uint32_t events = EPOLLONESHOT | EPOLLERR | waiters.wanted();
    if ((events & ~waiters.armed) == 0) return 0;
    auto number = static_cast<size_t>(fd);
    if (number >= known_.size()) known_.resize(number + 1 + number / 2);
    int result = control(known_[number] ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, events);
    if (result == -ENOENT) result = control(EPOLL_CTL_ADD, fd, events);  // another one had the number
    if (result == -EEXIST) result = control(EPOLL_CTL_MOD, fd, events);
    known_[number] = result == 0;
    if (result == 0) waiters.armed = events;
    return result;
  }

  static void add(Waiters& waiters, Completion* c) {
    c->backend_bits = kWaits;
    c->next = nullptr;
    c->previous = waiters.last;
    (waiters.last ? waiters.last->next : waiters.first) = c;
    waiters.last = c;
    count(waiters, c, 1);
    CHECK((events_of(*c) & ~uint32_t{POLLIN | POLLOUT}) == 0);
  }
  static void remove(Waiters& waiters, Completion* c) {
    (c->previous ? c->previous->next : waiters.first) = c->next;
    (c->next ? c->next->previous : waiters.last) = c->previous;
    c->backend_bits = 0;
    count(waiters, c, size_t{0} - 1);
  }
  static void count(Waiters& waiters, const Completion* c, size_t more) {
    if (events_of(*c) & POLLIN) waiters.readers += more;
    if (events_of(*c) & POLLOUT) waiters.writers += more;
  }

  int wait_for_events(epoll_event (&events)[64], int64_t deadline_ns) {
    if (deadline_ns == INT64_MAX) return epoll_wait(epoll_fd_, events, 64, -1);
    int64_t timeout = deadline_ns <= 0 ? 0 : std::max<int64_t>(0, deadline_ns - monotonic_now());
    if (timeout == 0 && waiters_.empty()) return 0;
    timespec time{timeout / 1'000'000'000, timeout % 1'000'000'000};
    int count = epoll_pwait2(epoll_fd_, events, 64, &time, nullptr);
    if (count >= 0 || errno != ENOSYS) return count;
    int64_t milliseconds = std::min<int64_t>((timeout + 999'999) / 1'000'000, INT32_MAX);
    return epoll_wait(epoll_fd_, events, 64, static_cast<int>(milliseconds));
  }

  BlockingPool& pool_;
  int epoll_fd_ = -1;
  int wake_fd_ = -1;
  int realtime_fd_ = -1;
  WaiterMap waiters_;
  std::vector<bool> known_;  // by descriptor: epoll was told of it, unless it has been closed since
};

}  // namespace

Result<std::unique_ptr<IoBackend>> make_epoll_backend(BlockingPool& pool) {
  auto backend = std::make_unique<EpollBackend>(pool);
  if (int result = backend->open(); result < 0) return fail("epoll cannot be used: {}", strerror(-result));
  return backend;
}

}  // namespace wjit
