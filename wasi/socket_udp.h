// A UDP socket, as both versions of wasi:sockets have it. Sending and receiving never wait here: they say EAGAIN, and
// the caller waits for the descriptor. Strand only. Used by wasi/sockets_0_2.cpp, wasi/sockets_0_3.cpp. Test:
// test/unit/socket_test.cpp.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "wasi/socket.h"

namespace wjit::wasi {

struct Datagram {
  const uint8_t* data = nullptr;  // in the State's memory for datagrams, until the next receive of any socket
  size_t size = 0;
  SocketAddress from;
};

class UdpSocket : public Socket {
 public:
  static constexpr size_t kLargestBatch = 16;

  using Socket::Socket;

  // As far as the guest knows.
  virtual bool is_bound() const { return bound_; }
  void bind(const SocketAddress& address, Then then);
  // Changes the peer if there is one already.
  void connect(const SocketAddress& address, Then then);
  int disconnect();

  // Requires is_bound. The number of datagrams taken (at most those of `into`, and kLargestBatch), or -errno.
  int receive(std::span<Datagram> into);

  // Where a datagram for `to` (nullopt: for the peer) goes: checks what the interfaces ask of it.
  int target(const std::optional<SocketAddress>& to, SocketAddress* target) const;
  // Whether the rules permit that, as far as it is known.
  bool may_send_to(const SocketAddress& target) const;
  // The same, looking up names where it takes that.
  void check_target(const SocketAddress& target, Then then);
  // 0 or an error; EAGAIN if there is no room. `target` was checked, if not quite now. An unbound socket gets a port by
  // it.
  int send(const void* data, size_t size, const SocketAddress& target);
  bool is_connected() const { return remote_.has_value(); }

  int local_address(SocketAddress* address) const;
  int remote_address(SocketAddress* address) const;

 private:
  std::shared_ptr<UdpSocket> self() { return std::static_pointer_cast<UdpSocket>(shared_from_this()); }
  // The old peer stays if that fails.
  int set_remote(const SocketAddress& address);
  int system_connect(const SocketAddress& address);
  // Whether a datagram from this peer is for the guest; remembers who may be answered.
  bool accepts(const SocketAddress& from);

  bool bound_ = false;
  bool busy_ = false;   // bind or connect waits for a rule's names
  bool named_ = false;  // bound to what a rule names: everybody may send to it, and is answered
  std::optional<SocketAddress> remote_;
  SocketAddress peer_;                // the same as the system names it, of remote_
  std::vector<SocketAddress> heard_;  // of whom the socket has got datagrams, the last kMostHeard of them; a ring
  size_t next_heard_ = 0;
};

}  // namespace wjit::wasi
