// wasi:sockets@0.2: see wasi/sockets.h.
#include "wasi/io.h"
#include "wasi/sockets.h"

namespace wjit::wasi {
namespace {

HOST_ENUM(NetworkError, unknown, access_denied, not_supported, invalid_argument, out_of_memory, timeout,
          concurrency_conflict, not_in_progress, would_block, invalid_state, new_socket_limit, address_not_bindable,
          address_in_use, remote_unreachable, connection_refused, connection_reset, connection_aborted,
          datagram_too_large, name_unresolvable, temporary_resolver_failure, permanent_resolver_failure)
HOST_ENUM(ShutdownType, receive, send, both)

struct Network final : Object {
  static constexpr const char* kName = "network";
};
struct TcpSocket final : Object {
  static constexpr const char* kName = "tcp-socket";
};
struct UdpSocket final : Object {
  static constexpr const char* kName = "udp-socket";
};
struct IncomingDatagramStream final : Object {
  static constexpr const char* kName = "incoming-datagram-stream";
};
struct OutgoingDatagramStream final : Object {
  static constexpr const char* kName = "outgoing-datagram-stream";
};
struct ResolveAddressStream final : Object {
  static constexpr const char* kName = "resolve-address-stream";
};

struct IncomingDatagram {
  List<uint8_t> data;
  IpSocketAddress remote_address;
};
HOST_RECORD(IncomingDatagram, data, remote_address)
struct OutgoingDatagram {
  List<uint8_t> data;
  Option<IpSocketAddress> remote_address;
};
HOST_RECORD(OutgoingDatagram, data, remote_address)

template <typename T>
using Or = Result<T, NetworkError>;

template <typename Signature>
void refuse(InterfaceBuilder& interface, const std::string& name) {
  Refusal<Signature>::add(interface, name, NetworkError::not_supported);
}

// "x" and "set-x" of a socket.
template <typename T, typename Socket>
void refuse_option(InterfaceBuilder& interface, const std::string& socket, const std::string& option) {
  refuse<Or<T>(Borrow<Socket>)>(interface, "[method]" + socket + "." + option);
  refuse<Or<Unit>(Borrow<Socket>, T)>(interface, "[method]" + socket + ".set-" + option);
}

void add_tcp(State& state, HostInterfaces& interfaces) {
  InterfaceBuilder tcp("wasi:sockets/tcp@0.2.12", state.resources);
  tcp.resource<TcpSocket>();
  using Self = Borrow<TcpSocket>;
  const std::string prefix = "[method]tcp-socket.";
  refuse<Or<Unit>(Self, Borrow<Network>, IpSocketAddress)>(tcp, prefix + "start-bind");
  refuse<Or<Unit>(Self)>(tcp, prefix + "finish-bind");
  refuse<Or<Unit>(Self, Borrow<Network>, IpSocketAddress)>(tcp, prefix + "start-connect");
  refuse<Or<Tuple<Own<InputStream>, Own<OutputStream>>>(Self)>(tcp, prefix + "finish-connect");
  refuse<Or<Unit>(Self)>(tcp, prefix + "start-listen");
  refuse<Or<Unit>(Self)>(tcp, prefix + "finish-listen");
  refuse<Or<Tuple<Own<TcpSocket>, Own<InputStream>, Own<OutputStream>>>(Self)>(tcp, prefix + "accept");
  refuse<Or<IpSocketAddress>(Self)>(tcp, prefix + "local-address");
  refuse<Or<IpSocketAddress>(Self)>(tcp, prefix + "remote-address");
  refuse<bool(Self)>(tcp, prefix + "is-listening");
  refuse<IpAddressFamily(Self)>(tcp, prefix + "address-family");
  refuse<Or<Unit>(Self, uint64_t)>(tcp, prefix + "set-listen-backlog-size");
  refuse_option<bool, TcpSocket>(tcp, "tcp-socket", "keep-alive-enabled");
  refuse_option<uint64_t, TcpSocket>(tcp, "tcp-socket", "keep-alive-idle-time");
  refuse_option<uint64_t, TcpSocket>(tcp, "tcp-socket", "keep-alive-interval");
  refuse_option<uint32_t, TcpSocket>(tcp, "tcp-socket", "keep-alive-count");
  refuse_option<uint8_t, TcpSocket>(tcp, "tcp-socket", "hop-limit");
  refuse_option<uint64_t, TcpSocket>(tcp, "tcp-socket", "receive-buffer-size");
  refuse_option<uint64_t, TcpSocket>(tcp, "tcp-socket", "send-buffer-size");
  refuse<Own<Pollable>(Self)>(tcp, prefix + "subscribe");
  refuse<Or<Unit>(Self, ShutdownType)>(tcp, prefix + "shutdown");
  interfaces.add(tcp.finish());

  InterfaceBuilder create("wasi:sockets/tcp-create-socket@0.2.12", state.resources);
  refuse<Or<Own<TcpSocket>>(IpAddressFamily)>(create, "create-tcp-socket");
  interfaces.add(create.finish());
}

void add_udp(State& state, HostInterfaces& interfaces) {
  InterfaceBuilder udp("wasi:sockets/udp@0.2.12", state.resources);
  udp.resource<UdpSocket>();
  udp.resource<IncomingDatagramStream>();
  udp.resource<OutgoingDatagramStream>();
  using Self = Borrow<UdpSocket>;
  const std::string prefix = "[method]udp-socket.";
  refuse<Or<Unit>(Self, Borrow<Network>, IpSocketAddress)>(udp, prefix + "start-bind");
  refuse<Or<Unit>(Self)>(udp, prefix + "finish-bind");
  refuse<Or<Tuple<Own<IncomingDatagramStream>, Own<OutgoingDatagramStream>>>(Self, Option<IpSocketAddress>)>(
      udp, prefix + "stream");
  refuse<Or<IpSocketAddress>(Self)>(udp, prefix + "local-address");
  refuse<Or<IpSocketAddress>(Self)>(udp, prefix + "remote-address");
  refuse<IpAddressFamily(Self)>(udp, prefix + "address-family");
  refuse_option<uint8_t, UdpSocket>(udp, "udp-socket", "unicast-hop-limit");
  refuse_option<uint64_t, UdpSocket>(udp, "udp-socket", "receive-buffer-size");
  refuse_option<uint64_t, UdpSocket>(udp, "udp-socket", "send-buffer-size");
  refuse<Own<Pollable>(Self)>(udp, prefix + "subscribe");
  refuse<Or<List<IncomingDatagram>>(Borrow<IncomingDatagramStream>, uint64_t)>(
      udp, "[method]incoming-datagram-stream.receive");
  refuse<Own<Pollable>(Borrow<IncomingDatagramStream>)>(udp, "[method]incoming-datagram-stream.subscribe");
  refuse<Or<uint64_t>(Borrow<OutgoingDatagramStream>)>(udp, "[method]outgoing-datagram-stream.check-send");
  refuse<Or<uint64_t>(Borrow<OutgoingDatagramStream>, List<OutgoingDatagram>)>(udp,
                                                                               "[method]outgoing-datagram-stream.send");
  refuse<Own<Pollable>(Borrow<OutgoingDatagramStream>)>(udp, "[method]outgoing-datagram-stream.subscribe");
  interfaces.add(udp.finish());

  InterfaceBuilder create("wasi:sockets/udp-create-socket@0.2.12", state.resources);
  refuse<Or<Own<UdpSocket>>(IpAddressFamily)>(create, "create-udp-socket");
  interfaces.add(create.finish());
}

}  // namespace

void add_sockets_0_2(State& state, HostInterfaces& interfaces) {
  InterfaceBuilder network("wasi:sockets/network@0.2.12", state.resources);
  network.resource<Network>();
  network.add<Option<NetworkError>(Borrow<IoError>)>("network-error-code",
                                                     [](HostCall&, Borrow<IoError>) { return Option<NetworkError>(); });
  interfaces.add(network.finish());

  InterfaceBuilder instance("wasi:sockets/instance-network@0.2.12", state.resources);
  instance.add<Own<Network>()>("instance-network", [&state](HostCall&) { return state.make<Network>(); });
  interfaces.add(instance.finish());

  add_tcp(state, interfaces);
  add_udp(state, interfaces);

  InterfaceBuilder lookup("wasi:sockets/ip-name-lookup@0.2.12", state.resources);
  lookup.resource<ResolveAddressStream>();
  Refusal<Or<Own<ResolveAddressStream>>(Borrow<Network>, String)>::add(lookup, "resolve-addresses",
                                                                       NetworkError::access_denied);
  refuse<Or<Option<IpAddress>>(Borrow<ResolveAddressStream>)>(lookup,
                                                              "[method]resolve-address-stream.resolve-next-address");
  refuse<Own<Pollable>(Borrow<ResolveAddressStream>)>(lookup, "[method]resolve-address-stream.subscribe");
  interfaces.add(lookup.finish());
}

}  // namespace wjit::wasi
