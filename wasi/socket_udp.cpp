// See wasi/socket_udp.h.
#include "wasi/socket_udp.h"

#include <algorithm>
#include <cerrno>

#include "wasi/network.h"

namespace wjit::wasi {
namespace {

constexpr size_t kLargestDatagram = 64 << 10;
constexpr size_t kMostHeard = 256;
// In a row that the rules do not let through: then others get their turn.
constexpr int kMostUnwanted = 64;

// What both versions ask of a peer's address.
bool is_peer(const SocketAddress& address, IpFamily family) {
  return address.family() == family && !address.is_mapped() && !address.is_unspecified() && address.port() != 0;
}

}  // namespace

// ---- addresses ----

void UdpSocket::bind(const SocketAddress& address, Then then) {
  if (busy_) return then(EALREADY);
  if (bound_) return then(kInvalidState);
  if (address.family() != family_ || address.is_mapped()) return then(EINVAL);
  busy_ = true;
  state_.network.check(NetworkUse::Udp, address, [self = self(), address, then = std::move(then)](bool allowed) {
    self->busy_ = false;
    // From a port of the system's choice one hears only who is named.
    if (!allowed && (address.port() != 0 || !self->state_.network.any(NetworkUse::Udp))) return then(EACCES);
    if (::bind(self->fd(), &address.any, address.size()) < 0) return then(errno);
    self->named_ = allowed;
    self->bound_ = true;
    then(0);
  });
}

void UdpSocket::connect(const SocketAddress& address, Then then) {
  if (busy_) return then(EALREADY);
  if (!is_peer(address, family_)) return then(EINVAL);
  busy_ = true;
  check_target(address, [self = self(), address, then = std::move(then)](int error) {
    self->busy_ = false;
    then(error != 0 ? error : self->set_remote(address));
  });
}

int UdpSocket::set_remote(const SocketAddress& address) {
  const std::optional<SocketAddress> before = remote_;
  if (before.has_value()) {  // or the local address would stay the one that suits the old peer
    if (int error = disconnect(); error != 0) return error;
  }
  const int error = system_connect(address);
  if (error != 0 && before.has_value()) system_connect(*before);
  return error;
}

int UdpSocket::system_connect(const SocketAddress& address) {
  // EAGAIN: no port is left for an implicit bind.
  if (::connect(fd(), &address.any, address.size()) < 0) {
    return errno == EADDRNOTAVAIL || errno == EAGAIN ? EADDRINUSE : errno;
  }
  bound_ = true;
  remote_ = address;
  return system_remote_address(&peer_);
}

int UdpSocket::disconnect() {
  if (!remote_.has_value()) return kInvalidState;
  SocketAddress before, after;
  if (int error = system_local_address(&before); error != 0) return error;
  sockaddr nobody{};
  nobody.sa_family = AF_UNSPEC;
  if (::connect(fd(), &nobody, sizeof nobody) < 0) return errno;
  remote_.reset();
  // The system takes a port back that it had chosen itself; the interface keeps it.
  if (system_local_address(&after) == 0 && after.port() == 0) {
    after.set_port(before.port());
    if (::bind(fd(), &after.any, after.size()) < 0) bound_ = false;
  }
  return 0;
}

int UdpSocket::local_address(SocketAddress* address) const {
  return is_bound() ? system_local_address(address) : static_cast<int>(kInvalidState);
}

int UdpSocket::remote_address(SocketAddress* address) const {
  if (!remote_.has_value()) return kInvalidState;
  *address = *remote_;
  return 0;
}

// ---- receiving ----

bool UdpSocket::accepts(const SocketAddress& from) {
  if (remote_.has_value()) return from == peer_;  // others may have sent before it was connected
  if (state_.network.everything()) return true;
  if (!named_) return state_.network.known_lately(NetworkUse::Udp, from);
  if (std::find(heard_.begin(), heard_.end(), from) != heard_.end()) return true;
  if (heard_.size() < kMostHeard) {
    heard_.push_back(from);
  } else {
    heard_[next_heard_++ % kMostHeard] = from;
  }
  return true;
}

int UdpSocket::receive(std::span<Datagram> into) {
  uint8_t* memory = state_.datagram_memory(kLargestBatch * kLargestDatagram);
  const size_t most = std::min(into.size(), kLargestBatch);
  mmsghdr messages[kLargestBatch];
  iovec parts[kLargestBatch];
  SocketAddress from[kLargestBatch];
  for (int unwanted = 0; unwanted < kMostUnwanted;) {
    for (size_t i = 0; i < most; ++i) {
      parts[i] = {memory + i * kLargestDatagram, kLargestDatagram};
      messages[i] = {};
      messages[i].msg_hdr.msg_name = &from[i].any;
      messages[i].msg_hdr.msg_namelen = sizeof(sockaddr_in6);
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    const int count = recvmmsg(fd(), messages, static_cast<unsigned>(most), MSG_DONTWAIT, nullptr);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -errno;
    int taken = 0;
    for (int i = 0; i < count; ++i) {
      if (!accepts(from[i])) continue;
      into[static_cast<size_t>(taken++)] = {memory + static_cast<size_t>(i) * kLargestDatagram, messages[i].msg_len,
                                            from[i]};
    }
    if (taken > 0) return taken;
    unwanted += std::max(count, 1);
  }
  return -EAGAIN;
}

// ---- sending ----

int UdpSocket::target(const std::optional<SocketAddress>& to, SocketAddress* target) const {
  if (!to.has_value() && !remote_.has_value()) return EINVAL;
  *target = to.has_value() ? *to : *remote_;
  if (!is_peer(*target, family_)) return EINVAL;
  return remote_.has_value() && !(*target == *remote_) ? EINVAL : 0;
}

bool UdpSocket::may_send_to(const SocketAddress& target) const {
  return state_.network.everything() || (remote_.has_value() && target == *remote_) ||
         std::find(heard_.begin(), heard_.end(), target) != heard_.end() ||
         state_.network.known(NetworkUse::Udp, target);
}

void UdpSocket::check_target(const SocketAddress& target, Then then) {
  if (may_send_to(target)) return then(0);
  state_.network.check(NetworkUse::Udp, target, [then = std::move(then)](bool allowed) { then(allowed ? 0 : EACCES); });
}

int UdpSocket::send(const void* data, size_t size, const SocketAddress& target) {
  if (remote_.has_value() && !(target == *remote_)) return EINVAL;  // connected since
  const sockaddr* name = remote_.has_value() ? nullptr : &target.any;
  while (::sendto(fd(), data, size, MSG_DONTWAIT | MSG_NOSIGNAL, name, name != nullptr ? target.size() : 0) < 0) {
    if (errno == EINTR) continue;
    // ENOBUFS: a device's queue is full. Datagrams may be lost; so is this one.
    if (errno == ENOBUFS) break;
    if (errno == EAGAIN && !bound_) return EADDRINUSE;  // no port is left for an implicit bind
    return errno == ECONNRESET ? EHOSTUNREACH : errno;
  }
  bound_ = true;
  return 0;
}

}  // namespace wjit::wasi
