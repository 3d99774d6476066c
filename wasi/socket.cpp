// See wasi/socket.h.
#include "wasi/socket.h"

#include <netinet/tcp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace wjit::wasi {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

// How an option is set: what the system calls it, its unit, and the range that the system takes; a value outside is the
// nearest one inside.
struct OptionRow {
  int level, name, level_v6, name_v6;
  uint64_t unit, least, most;
};

const OptionRow& row_of(SocketOption option) {
  static constexpr OptionRow kRows[] = {
      {SOL_SOCKET, SO_KEEPALIVE, SOL_SOCKET, SO_KEEPALIVE, 1, 0, 1},
      {IPPROTO_TCP, TCP_KEEPIDLE, IPPROTO_TCP, TCP_KEEPIDLE, kSecond, 1, 32767},
      {IPPROTO_TCP, TCP_KEEPINTVL, IPPROTO_TCP, TCP_KEEPINTVL, kSecond, 1, 32767},
      {IPPROTO_TCP, TCP_KEEPCNT, IPPROTO_TCP, TCP_KEEPCNT, 1, 1, 127},
      {IPPROTO_IP, IP_TTL, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 1, 1, 255},
      {SOL_SOCKET, SO_RCVBUF, SOL_SOCKET, SO_RCVBUF, 1, 1, INT32_MAX / 2},
      {SOL_SOCKET, SO_SNDBUF, SOL_SOCKET, SO_SNDBUF, 1, 1, INT32_MAX / 2},
  };
  return kRows[static_cast<size_t>(option)];
}

// The system keeps twice what is asked for, for its own records, and answers with that.
bool is_buffer(SocketOption option) {
  return option == SocketOption::ReceiveBufferSize || option == SocketOption::SendBufferSize;
}

}  // namespace

std::shared_ptr<File> socket_file(int fd) {
  auto file = std::make_shared<File>(fd, true);
  file->is_socket = true;
  return file;
}

std::shared_ptr<File> open_socket(IpFamily family, int type, int* error) {
  const int domain = family == IpFamily::V4 ? AF_INET : AF_INET6;
  const int fd = ::socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    *error = errno == EAFNOSUPPORT ? EOPNOTSUPP : errno;
    return nullptr;
  }
  const int on = 1;
  if (family == IpFamily::V6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (type == SOCK_STREAM) {
    // The interfaces have no option for it, and a guest that answers in pieces must not wait for acknowledgements.
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    // Connections of the past must not stand in the way of who binds; they have to have had it, too.
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  }
  *error = 0;
  return socket_file(fd);
}

int Socket::get(SocketOption option, uint64_t* value) const {
  const OptionRow& row = row_of(option);
  const bool v6 = family_ == IpFamily::V6;
  int raw = 0;
  socklen_t size = sizeof raw;
  if (getsockopt(fd(), v6 ? row.level_v6 : row.level, v6 ? row.name_v6 : row.name, &raw, &size) < 0) return errno;
  if (is_buffer(option)) raw /= 2;
  *value = static_cast<uint64_t>(std::max(raw, 0)) * row.unit;
  return 0;
}

int Socket::set(SocketOption option, uint64_t value) {
  const OptionRow& row = row_of(option);
  if (value < row.least) return EINVAL;  // 0, where that has no meaning
  const uint64_t units = value / row.unit + (value % row.unit != 0 ? 1 : 0);
  const int raw = static_cast<int>(std::min(units, row.most));
  const bool v6 = family_ == IpFamily::V6;
  return setsockopt(fd(), v6 ? row.level_v6 : row.level, v6 ? row.name_v6 : row.name, &raw, sizeof raw) < 0 ? errno : 0;
}

int Socket::system_local_address(SocketAddress* address) const {
  socklen_t size = sizeof(sockaddr_in6);
  return getsockname(fd(), &address->any, &size) < 0 ? errno : 0;
}

int Socket::system_remote_address(SocketAddress* address) const {
  socklen_t size = sizeof(sockaddr_in6);
  return getpeername(fd(), &address->any, &size) < 0 ? errno : 0;
}

}  // namespace wjit::wasi
