// A TCP socket, as both versions of wasi:sockets have it:
//
//   Unbound ──bind──▶ Bound ──listen──▶ Listening ──accept──▶ new sockets, Connected
//      └──────────────▶└──connect──▶ Connecting ──▶ Connected | Closed (it failed; at 0.2 also where listen does)
//
// A function that the state does not permit is kInvalidState; one while bind or listen wait for a rule's names,
// EALREADY. Strand only. Used by wasi/sockets_0_2.cpp, wasi/sockets_0_3.cpp. Test: test/unit/socket_test.cpp.
#pragma once

#include "wasi/socket.h"

namespace wjit::wasi {

enum class TcpState : uint8_t { Unbound, Bound, Listening, Connecting, Connected, Closed };

class TcpSocket : public Socket {
 public:
  TcpSocket(State& state, std::shared_ptr<File> file, IpFamily family, TcpState tcp_state)
      : Socket(state, std::move(file), family), tcp_state_(tcp_state) {}
  ~TcpSocket() override;

  TcpState tcp_state() const { return tcp_state_; }
  // What the guest knows of it: tcp_state, or what was before a step that it has not finished.
  virtual TcpState visible_state() const { return tcp_state_; }

  void bind(const SocketAddress& address, Then then);
  void listen(Then then);
  void connect(const SocketAddress& address, Then then);
  // Asks a connect that is under way to end soon, with ECANCELED if it is not quicker; so it ends, too, with the
  // socket's last owner.
  void stop_connect();
  // Requires Listening. A connection's descriptor, or -errno: -EAGAIN if there is none.
  int accept();

  int local_address(SocketAddress* address) const;
  int remote_address(SocketAddress* address) const;
  int set_backlog(uint64_t connections);
  // For what has failed: nothing can be done with it any more.
  void close() { tcp_state_ = TcpState::Closed; }
  // Both or one of the directions.
  int shutdown(bool receive, bool send);

  // send and receive of 0.3 may be called once each: true at the first call.
  bool begin_send() { return !std::exchange(sent_, true); }
  bool begin_receive() { return !std::exchange(received_, true); }

 private:
  std::shared_ptr<TcpSocket> self() { return std::static_pointer_cast<TcpSocket>(shared_from_this()); }
  void begin_connect(const SocketAddress& address, Then then);

  TcpState tcp_state_;
  bool busy_ = false;       // bind or listen waits for a rule's names
  bool may_listen_ = true;  // a rule let it be bound, or it is unbound
  bool stopped_ = false;    // stop_connect while a rule's names are looked up
  bool sent_ = false, received_ = false;
  int backlog_ = SOMAXCONN;
  struct Connecting;
  std::shared_ptr<Connecting> connecting_;  // while the system connects
};

}  // namespace wjit::wasi
