// wasi_snapshot_preview1: sock_*, over sockets that the guest was given (WasiOptions::listen, or a standard stream that
// is one). Each tries at once and waits for the descriptor where that would block. See wasi/preview1_impl.h. Test:
// test/unit/wasi_preview1_sock_test.cpp.
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>

#include "wasi/preview1_impl.h"
#include "wasi/socket.h"

namespace wjit::wasi {
namespace {

enum ReceiveFlags : uint32_t { kPeek = 1, kWaitAll = 2 };
enum ShutdownFlags : uint32_t { kShutRead = 1, kShutWrite = 2 };

}  // namespace

std::shared_ptr<Fd> Preview1Impl::socket(CoreHostCall& call, uint64_t right) {
  auto entry = fd(call, 0, right);
  if (entry == nullptr || entry->opened.type == FileType::Socket) return entry;
  call.finish(errno1::notsock);
  return nullptr;
}

std::shared_ptr<Fd> Preview1Impl::socket_fd(std::shared_ptr<File> file, uint16_t flags) {
  auto entry = std::make_shared<Fd>();
  entry->opened.file = std::move(file);
  entry->opened.flags.set(DescriptorFlags::read);
  entry->opened.flags.set(DescriptorFlags::write);
  entry->opened.type = FileType::Socket;
  entry->opened.seekable = false;
  entry->flags = flags;
  return entry;
}

void Preview1Impl::sock_accept(CoreHostCall& call) {
  auto listener = socket(call, rights1::sock_accept);
  if (listener == nullptr) return;
  const auto flags = static_cast<uint16_t>(call.i32(1));
  if ((flags & ~fdflags1::nonblock) != 0) return call.finish(errno1::inval);
  const auto result = place<uint32_t>(call, 2);
  if (!result) return;
  const int fd = listener->opened.file->fd;
  pollfd ready{fd, POLLIN, 0};
  if ((listener->flags & fdflags1::nonblock) != 0 && ::poll(&ready, 1, 0) == 0) return call.finish(errno1::again);
  auto operation = std::make_shared<Operation>(*state_);
  Operation& accepting = *operation;
  accepting.accept(fd, operation, [this, &call, listener, flags, result](int64_t accepted) {
    if (accepted < 0) return call.finish(errno_of(accepted));
    result.store(add_fd(socket_fd(socket_file(static_cast<int>(accepted)), flags)));
    call.finish(errno1::success);
  });
}

// A recv or send of the guest's vectors.
struct Preview1Impl::SocketTransfer : std::enable_shared_from_this<SocketTransfer> {
  SocketTransfer(State& state, CoreHostCall& c, std::shared_ptr<Fd> e)
      : operation(state), call(c), entry(std::move(e)) {}

  void attempt() {
    msghdr message{};
    message.msg_iov = parts.data() + first;
    message.msg_iovlen = parts.size() - first;
    const int fd = entry->opened.file->fd;
    const ssize_t count = is_send ? ::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL)
                                  : ::recvmsg(fd, &message, MSG_DONTWAIT | (peek ? MSG_PEEK : 0));
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
      if ((entry->flags & fdflags1::nonblock) != 0) return done > 0 ? finish(0) : finish(EAGAIN);
      return operation.poll(fd, is_send ? POLLOUT : POLLIN, shared_from_this(), [this](int64_t events) {
        if (events < 0) return finish(static_cast<int>(-events));
        attempt();
      });
    }
    if (count < 0) return done > 0 ? finish(0) : finish(errno);
    truncated = truncated || (message.msg_flags & MSG_TRUNC) != 0;
    done += static_cast<uint32_t>(count);
    if (!wait_all || count == 0) return finish(0);
    if (peek) return look_again();
    take_front(parts, &first, static_cast<size_t>(count));
    if (first == parts.size()) return finish(0);
    attempt();
  }
  // All is looked at once it is there: the system tells when so much is, or nothing will come any more. (Not of local
  // sockets, which are looked at twice.)
  void look_again() {
    size_t bytes = 0;
    for (const iovec& part : parts) bytes += part.iov_len;
    wait_all = false;
    if (done == bytes || (entry->flags & fdflags1::nonblock) != 0) return finish(0);
    done = 0;
    wake_at(static_cast<int>(bytes));
    operation.poll(entry->opened.file->fd, POLLIN, shared_from_this(), [this](int64_t events) {
      wake_at(1);
      if (events < 0) return finish(static_cast<int>(-events));
      attempt();
    });
  }
  void wake_at(int bytes) const { setsockopt(entry->opened.file->fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes); }
  void finish(int error) const {
    if (error != 0) return call.finish(errno_of(error));
    count_at.store(done);
    if (flags_at) flags_at.store(truncated ? 1 : 0);
    call.finish(errno1::success);
  }

  Operation operation;
  CoreHostCall& call;
  std::shared_ptr<Fd> entry;
  std::vector<iovec> parts;
  size_t first = 0;  // of `parts` that is not full
  bool is_send = false, peek = false, wait_all = false, truncated = false;
  uint32_t done = 0;
  Place<uint32_t> count_at;
  Place<uint16_t> flags_at;
};

void Preview1Impl::socket_transfer(CoreHostCall& call, bool is_send) {
  auto entry = socket(call, is_send ? rights1::fd_write : rights1::fd_read);
  if (entry == nullptr) return;
  const uint32_t flags = call.i32(3);
  if ((flags & ~(is_send ? 0u : kPeek | kWaitAll)) != 0) return call.finish(errno1::inval);
  auto transfer = std::make_shared<SocketTransfer>(*state_, call, std::move(entry));
  transfer->is_send = is_send;
  transfer->peek = (flags & kPeek) != 0;
  transfer->wait_all = (flags & kWaitAll) != 0;
  if (!vectors(call, 1, &transfer->parts)) return;
  if (!(transfer->count_at = place<uint32_t>(call, 4))) return;
  if (!is_send && !(transfer->flags_at = place<uint16_t>(call, 5))) return;
  transfer->attempt();
}

void Preview1Impl::sock_recv(CoreHostCall& call) { socket_transfer(call, false); }
void Preview1Impl::sock_send(CoreHostCall& call) { socket_transfer(call, true); }

void Preview1Impl::sock_shutdown(CoreHostCall& call) {
  auto entry = socket(call, rights1::sock_shutdown);
  if (entry == nullptr) return;
  const uint32_t how = call.i32(1);
  if (how == 0 || (how & ~uint32_t{kShutRead | kShutWrite}) != 0) return call.finish(errno1::inval);
  const int system = how == kShutRead ? SHUT_RD : how == kShutWrite ? SHUT_WR : SHUT_RDWR;
  call.finish(::shutdown(entry->opened.file->fd, system) < 0 ? errno_of(errno) : errno1::success);
}

}  // namespace wjit::wasi
