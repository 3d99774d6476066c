// wasi:sockets@0.3.0: types and ip-name-lookup. What 0.2 has as well is in wasi/sockets.h, the streams are in
// wasi/socket_streams.h.
#include <poll.h>

#include "abi/host_stream.h"
#include "wasi/socket_streams.h"

namespace wjit::wasi {

struct TcpSocket3 final : TcpSocket {
  static constexpr const char* kName = "tcp-socket";
  using TcpSocket::TcpSocket;
};
struct UdpSocket3 final : UdpSocket {
  static constexpr const char* kName = "udp-socket";
  using UdpSocket::UdpSocket;
};

// ---- accepting ----

void AcceptSource::read(StreamRead& read) {
  cancelled_ = false;
  if (read.capacity == 0) {
    return operation_.poll(listener_->fd(), POLLIN, nullptr, [&read](int64_t result) {
      if (result == -ECANCELED) return read.cancelled(0);
      read.complete(0);
    });
  }
  wait(read);
}

void AcceptSource::wait(StreamRead& read) {
  operation_.accept(listener_->fd(), nullptr, [this, &read](int64_t result) { finish(read, result); });
}

void AcceptSource::finish(StreamRead& read, int64_t result) {
  constexpr size_t kBatch = 64;
  constexpr int64_t kPauseNs = 20'000'000;
  if (result < 0 && cancelled_) return read.cancelled(0);
  switch (-result) {
    case ECANCELED: return read.cancelled(0);
    // No descriptor or memory is left: the connection stays in the queue, and others behind it.
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return operation_.wait_until(ClockId::Monotonic, state_.now(ClockId::Monotonic) + kPauseNs, nullptr,
                                   [this, &read](int64_t end) {
                                     if (cancelled_ || end == -ECANCELED) return read.cancelled(0);
                                     wait(read);
                                   });
    // The listener itself is of no use any more.
    case EBADF:
    case EINVAL:
    case ENOTSOCK: return read.end();
    default: break;
  }
  if (result < 0) return wait(read);  // the connection's error, not the listener's
  std::vector<Own<TcpSocket3>> connections;
  while (result >= 0) {
    connections.push_back(state_.make<TcpSocket3>(state_, socket_file(static_cast<int>(result)), listener_->family(),
                                                  TcpState::Connected));
    if (connections.size() == std::min<size_t>(read.capacity, kBatch)) break;
    result = listener_->accept();
  }
  if (state_.store.locked_down()) return read.cancelled(0);
  read.supply(connections.data(), static_cast<uint32_t>(connections.size()));
}

namespace {

template <typename T>
using Or = Result<T, SocketError>;

template <typename T>
Or<T> refusal(int error) {
  return host::error(Sockets3::code(error));
}

// create of either socket.
template <typename S, typename... Args>
Or<Own<S>> create(State& state, IpAddressFamily family, int type, Args... args) {
  int error = 0;
  auto file = open_socket(from_wit(family), type, &error);
  if (file == nullptr) return refusal<Own<S>>(error);
  return host::ok(state.make<S>(state, std::move(file), from_wit(family), args...));
}

// ---- TCP ----

// How a stream of this socket ends: a reference to the socket, as the stream itself is.
std::shared_ptr<Promise<SocketEnd>> end_of(State& state, const TcpSocket3& socket) {
  return std::make_shared<Promise<SocketEnd>>(state, socket.file());
}

void add_tcp(State& state, InterfaceBuilder& types) {
  types.resource<TcpSocket3>();
  using Self = Borrow<TcpSocket3>;
  const std::string prefix = "[method]tcp-socket.";
  types.add<Or<Own<TcpSocket3>>(IpAddressFamily)>(
      "[static]tcp-socket.create", [&state](HostCall&, IpAddressFamily family) {
        return create<TcpSocket3>(state, family, SOCK_STREAM, TcpState::Unbound);
      });
  types.add_blocking<Or<Unit>(Self, IpSocketAddress)>(
      prefix + "bind", [&state](Reply<Or<Unit>> reply, Self self, IpSocketAddress address) {
        state.get(self)->bind(from_wit(address), [reply](int error) { reply(outcome<Sockets3>(error)); });
      });
  types.add_async<Or<Unit>(Self, IpSocketAddress)>(prefix + "connect",
                                                   [&state](Reply<Or<Unit>> reply, Self self, IpSocketAddress address) {
                                                     auto socket = state.get(self);
                                                     auto cancelled = std::make_shared<bool>(false);
                                                     reply.call->on_cancel = [socket, cancelled] {
                                                       *cancelled = true;
                                                       socket->stop_connect();
                                                     };
                                                     TcpSocket& s = *socket;
                                                     s.connect(from_wit(address), [reply, cancelled](int error) {
                                                       if (*cancelled && error == ECANCELED)
                                                         return reply.call->cancelled();
                                                       reply(outcome<Sockets3>(error));
                                                     });
                                                   });
  using Connections = Or<Stream<Own<TcpSocket3>>>;
  types.add_blocking<Connections(Self)>(prefix + "listen", [&state](Reply<Connections> reply, Self self) {
    auto socket = state.get(self);
    TcpSocket& s = *socket;
    s.listen([&state, reply, socket = std::move(socket)](int error) {
      if (error != 0) return reply(refusal<Stream<Own<TcpSocket3>>>(error));
      reply(host::ok(host::make_stream<Own<TcpSocket3>>(*reply.call, std::make_unique<AcceptSource>(state, socket))));
    });
  });

  types.add<Future<SocketEnd>(Self, Stream<uint8_t>)>(
      prefix + "send", [&state](HostCall& call, Self self, Stream<uint8_t> data) {
        auto socket = state.get(self);
        if (socket->tcp_state() != TcpState::Connected || !socket->begin_send()) {
          return no_write_via_stream(state, call, data, outcome<Sockets3>(kInvalidState));
        }
        auto promise = end_of(state, *socket);
        auto future = host::make_future<SocketEnd>(call, Promise<SocketEnd>::source(promise));
        host::read_stream(call, data, std::make_unique<SocketSink>(state, socket->file(), std::move(promise)));
        return future;
      });
  using Received = Tuple<Stream<uint8_t>, Future<SocketEnd>>;
  types.add<Received(Self)>(prefix + "receive", [&state](HostCall& call, Self self) {
    auto socket = state.get(self);
    if (socket->tcp_state() != TcpState::Connected || !socket->begin_receive()) {
      return Received{no_read_via_stream(state, call, outcome<Sockets3>(kInvalidState))};
    }
    auto promise = end_of(state, *socket);
    auto future = host::make_future<SocketEnd>(call, Promise<SocketEnd>::source(promise));
    auto stream =
        host::make_stream<uint8_t>(call, std::make_unique<SocketSource>(state, socket->file(), std::move(promise)));
    return Received{stream, future};
  });
  add_tcp_properties<Sockets3>(state, types);
}

// ---- UDP ----

// An async call that waits until the socket is ready, then tries again.
template <typename R>
struct DatagramCall : std::enable_shared_from_this<DatagramCall<R>> {
  DatagramCall(State& state, Reply<R> r, std::shared_ptr<UdpSocket> s)
      : operation(state), reply(r), socket(std::move(s)) {
    reply.call->on_cancel = [this] {
      is_cancelled = true;
      operation.stop();
    };
  }
  void wait(short events, std::function<void()> again) {
    operation.poll(socket->fd(), static_cast<uint32_t>(events), this->shared_from_this(),
                   [this, again = std::move(again)](int64_t result) {
                     if (is_cancelled) return reply.call->cancelled();
                     if (result < 0) return reply(host::error(Sockets3::code(static_cast<int>(-result))));
                     again();
                   });
  }
  Operation operation;
  Reply<R> reply;
  std::shared_ptr<UdpSocket> socket;
  bool is_cancelled = false;
};

using Message = Or<Tuple<List<uint8_t>, IpSocketAddress>>;

struct ReceiveCall final : DatagramCall<Message> {
  using DatagramCall::DatagramCall;
  void begin() {
    wait(POLLIN, [this] {
      if (!attempt(reply, *socket)) begin();
    });
  }
  // False if there is nothing.
  static bool attempt(Reply<Message> reply, UdpSocket& socket) {
    Datagram datagram;
    const int count = socket.receive({&datagram, 1});
    if (count == -EAGAIN) return false;
    if (count < 0) {
      // A datagram that was sent before came back: the peer or the way to it is not there.
      reply(host::error(Sockets3::code(-count == ECONNRESET ? EHOSTUNREACH : -count)));
    } else {
      // The caller may get it only after another receive.
      auto data = host::make_list<uint8_t>(reply.arena(), {datagram.data, datagram.size});
      reply(host::ok(Tuple<List<uint8_t>, IpSocketAddress>{data, to_wit(datagram.from)}));
    }
    return true;
  }
};

struct SendCall final : DatagramCall<Or<Unit>> {
  SendCall(State& state, Reply<Or<Unit>> r, std::shared_ptr<UdpSocket> s, List<uint8_t> bytes, SocketAddress to)
      : DatagramCall(state, r, std::move(s)), data(bytes.begin(), bytes.end()), target(to) {}
  // The rules have to look a name up.
  void check() {
    auto self = std::static_pointer_cast<SendCall>(shared_from_this());
    socket->check_target(target, [self](int error) {
      if (self->is_cancelled) return self->reply.call->cancelled();
      if (error != 0) return self->reply(outcome<Sockets3>(error));
      self->attempt();
    });
  }
  void attempt() {
    const int error = socket->send(data.data(), data.size(), target);
    if (error == EAGAIN) return begin();
    reply(outcome<Sockets3>(error));
  }
  void begin() {
    wait(POLLOUT, [this] { attempt(); });
  }
  std::vector<uint8_t> data;
  SocketAddress target;
};

void add_udp(State& state, InterfaceBuilder& types) {
  types.resource<UdpSocket3>();
  using Self = Borrow<UdpSocket3>;
  const std::string prefix = "[method]udp-socket.";
  types.add<Or<Own<UdpSocket3>>(IpAddressFamily)>(
      "[static]udp-socket.create",
      [&state](HostCall&, IpAddressFamily family) { return create<UdpSocket3>(state, family, SOCK_DGRAM); });
  types.add_blocking<Or<Unit>(Self, IpSocketAddress)>(
      prefix + "bind", [&state](Reply<Or<Unit>> reply, Self self, IpSocketAddress address) {
        state.get(self)->bind(from_wit(address), [reply](int error) { reply(outcome<Sockets3>(error)); });
      });
  types.add_blocking<Or<Unit>(Self, IpSocketAddress)>(
      prefix + "connect", [&state](Reply<Or<Unit>> reply, Self self, IpSocketAddress address) {
        state.get(self)->connect(from_wit(address), [reply](int error) { reply(outcome<Sockets3>(error)); });
      });
  types.add<Or<Unit>(Self)>(prefix + "disconnect", [&state](HostCall&, Self self) {
    return outcome<Sockets3>(state.get(self)->disconnect());
  });
  types.add_async<Or<Unit>(Self, List<uint8_t>, Option<IpSocketAddress>)>(
      prefix + "send", [&state](Reply<Or<Unit>> reply, Self self, List<uint8_t> data, Option<IpSocketAddress> address) {
        auto socket = state.get(self);
        std::optional<SocketAddress> to;
        if (address) to = from_wit(address.value());
        SocketAddress target;
        int error = socket->target(to, &target);
        if (error != 0) return reply(outcome<Sockets3>(error));
        const bool allowed = socket->may_send_to(target);
        if (allowed && state.take_immediate()) {
          error = socket->send(data.data, data.size, target);
          if (error != EAGAIN) return reply(outcome<Sockets3>(error));
        }
        auto call = std::make_shared<SendCall>(state, reply, std::move(socket), data, target);
        allowed ? call->begin() : call->check();
      });
  types.add_async<Message(Self)>(prefix + "receive", [&state](Reply<Message> reply, Self self) {
    auto socket = state.get(self);
    if (!socket->is_bound()) return reply(host::error(Sockets3::code(kInvalidState)));
    if (state.take_immediate() && ReceiveCall::attempt(reply, *socket)) return;
    std::make_shared<ReceiveCall>(state, reply, std::move(socket))->begin();
  });
  add_udp_properties<Sockets3>(state, types);
}

// ---- names ----

using LookupError = host::Variant<host::Case<"access-denied">, host::Case<"invalid-argument">,
                                  host::Case<"name-unresolvable">, host::Case<"temporary-resolver-failure">,
                                  host::Case<"permanent-resolver-failure">, host::Case<"other", Option<String>>>;

LookupError lookup_error(int error) {
  switch (error) {
    case EACCES: return LookupError(LookupError::index_of("access-denied"));
    case EINVAL: return LookupError(LookupError::index_of("invalid-argument"));
    case kNameUnresolvable: return LookupError(LookupError::index_of("name-unresolvable"));
    case kTemporaryResolverFailure: return LookupError(LookupError::index_of("temporary-resolver-failure"));
    case kPermanentResolverFailure: return LookupError(LookupError::index_of("permanent-resolver-failure"));
    default: return {LookupError::index_of("other"), Option<String>(String(strerrordesc_np(error)))};
  }
}

void add_lookup(State& state, InterfaceBuilder& lookup) {
  using Addresses = Result<List<IpAddress>, LookupError>;
  lookup.add_async<Addresses(String)>("resolve-addresses", [&state](Reply<Addresses> reply, String name) {
    // A look-up that has begun cannot be stopped: its answer then comes to nobody.
    auto cancelled = std::make_shared<bool>(false);
    reply.call->on_cancel = [reply, cancelled] {
      *cancelled = true;
      reply.call->cancelled();
    };
    look_up(state, name, [reply, cancelled](const LookupResult& result) {
      if (*cancelled) return;
      if (result.error != 0) return reply(host::error(lookup_error(result.error)));
      std::vector<IpAddress> addresses;
      for (const SocketAddress& address : result.addresses) addresses.push_back(ip_to_wit(address));
      reply(host::ok(host::make_list<IpAddress>(reply.arena(), addresses)));
    });
  });
}

}  // namespace

void add_sockets_0_3(State& state, HostInterfaces& interfaces) {
  InterfaceBuilder types("wasi:sockets/types@0.3.0", state.resources);
  add_tcp(state, types);
  add_udp(state, types);
  interfaces.add(types.finish());

  InterfaceBuilder lookup("wasi:sockets/ip-name-lookup@0.3.0", state.resources);
  add_lookup(state, lookup);
  interfaces.add(lookup.finish());
}

}  // namespace wjit::wasi
