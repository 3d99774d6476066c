// See wasi/socket_tcp.h.
#include "wasi/socket_tcp.h"

#include <algorithm>
#include <cerrno>

#include "wasi/network.h"

namespace wjit::wasi {

// ---- bind ----

void TcpSocket::bind(const SocketAddress& address, Then then) {
  if (busy_) return then(EALREADY);
  if (tcp_state_ != TcpState::Unbound) return then(kInvalidState);
  if (address.family() != family_ || !address.is_unicast() || address.is_mapped()) return then(EINVAL);
  busy_ = true;
  state_.network.check(NetworkUse::TcpListen, address, [self = self(), address, then = std::move(then)](bool allowed) {
    self->busy_ = false;
    // Before a connect a port of the system's choice shows nothing to anybody.
    if (!allowed && (address.port() != 0 || !self->state_.network.any(NetworkUse::TcpConnect))) {
      return then(EACCES);
    }
    if (::bind(self->fd(), &address.any, address.size()) < 0) return then(errno);
    self->may_listen_ = allowed;
    self->tcp_state_ = TcpState::Bound;
    then(0);
  });
}

// ---- listen and accept ----

void TcpSocket::listen(Then then) {
  if (busy_) return then(EALREADY);
  if (tcp_state_ != TcpState::Unbound && tcp_state_ != TcpState::Bound) return then(kInvalidState);
  auto finish = [self = self(), then = std::move(then)](bool allowed) {
    self->busy_ = false;
    if (!allowed) return then(EACCES);
    if (::listen(self->fd(), self->backlog_) < 0) return then(errno);
    self->tcp_state_ = TcpState::Listening;
    then(0);
  };
  if (tcp_state_ == TcpState::Bound) return finish(may_listen_);
  busy_ = true;  // listening binds it to what the system chooses
  state_.network.check(NetworkUse::TcpListen, SocketAddress(family_), std::move(finish));
}

int TcpSocket::accept() {
  const int connection = accept4(fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  return connection < 0 ? -errno : connection;
}

int TcpSocket::set_backlog(uint64_t connections) {
  if (connections == 0) return EINVAL;
  if (tcp_state_ == TcpState::Connecting || tcp_state_ == TcpState::Connected || tcp_state_ == TcpState::Closed) {
    return kInvalidState;
  }
  backlog_ = static_cast<int>(std::min<uint64_t>(connections, INT32_MAX));
  if (tcp_state_ == TcpState::Listening && ::listen(fd(), backlog_) < 0) return errno;
  return 0;
}

// ---- connect ----

void TcpSocket::connect(const SocketAddress& address, Then then) {
  if (busy_) return then(EALREADY);
  if (tcp_state_ != TcpState::Unbound && tcp_state_ != TcpState::Bound) return then(kInvalidState);
  if (address.family() != family_ || !address.is_unicast() || address.is_mapped() || address.is_unspecified() ||
      address.port() == 0) {
    return then(EINVAL);
  }
  const TcpState before = tcp_state_;
  tcp_state_ = TcpState::Connecting;
  stopped_ = false;
  state_.network.check(NetworkUse::TcpConnect, address,
                       [weak = std::weak_ptr(self()), address, before, then = std::move(then)](bool allowed) mutable {
                         auto self = weak.lock();
                         if (self == nullptr) return then(ECANCELED);
                         if (!allowed || self->stopped_) {
                           self->tcp_state_ = before;
                           return then(allowed ? ECANCELED : EACCES);
                         }
                         self->begin_connect(address, std::move(then));
                       });
}

struct TcpSocket::Connecting : FileOperation {
  Connecting(State& state, const SocketAddress& address) : FileOperation(state), to(address) {}
  SocketAddress to;
};

void TcpSocket::begin_connect(const SocketAddress& address, Then then) {
  connecting_ = std::make_shared<Connecting>(state_, address);
  Connecting& op = *connecting_;
  op.file = file_;
  op.connect(fd(), &op.to.any, op.to.size(), connecting_,
             [weak = std::weak_ptr(self()), then = std::move(then)](int64_t result) {
               if (auto self = weak.lock()) {
                 self->connecting_ = nullptr;
                 self->tcp_state_ = result == 0 ? TcpState::Connected : TcpState::Closed;
                 if (result == -ECANCELED) ::shutdown(self->fd(), SHUT_RDWR);  // by itself the system would go on
               }
               auto error = static_cast<int>(-result);
               // An implicit bind that finds no port.
               then(error == EADDRNOTAVAIL ? EADDRINUSE : error);
             });
}

void TcpSocket::stop_connect() {
  stopped_ = true;
  if (connecting_ != nullptr) connecting_->stop();
}

TcpSocket::~TcpSocket() {
  if (connecting_ != nullptr) connecting_->abandon();
}

// ---- addresses, the end ----

int TcpSocket::local_address(SocketAddress* address) const {
  const TcpState state = visible_state();
  if (state == TcpState::Unbound || state == TcpState::Closed) return kInvalidState;
  return system_local_address(address);
}

int TcpSocket::remote_address(SocketAddress* address) const {
  if (visible_state() != TcpState::Connected) return kInvalidState;
  return system_remote_address(address);
}

int TcpSocket::shutdown(bool receive, bool send) {
  if (tcp_state_ != TcpState::Connected) return kInvalidState;
  const int how = receive && send ? SHUT_RDWR : receive ? SHUT_RD : SHUT_WR;
  // ENOTCONN: the connection has ended already, and with it both directions.
  return ::shutdown(fd(), how) < 0 && errno != ENOTCONN ? errno : 0;
}

}  // namespace wjit::wasi
