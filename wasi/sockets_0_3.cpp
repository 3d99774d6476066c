// wasi:sockets@0.3.0: see wasi/sockets.h.
#include "wasi/sockets.h"

namespace wjit::wasi {
namespace {

using SocketError =
    host::Variant<host::Case<"access-denied">, host::Case<"not-supported">, host::Case<"invalid-argument">,
                  host::Case<"out-of-memory">, host::Case<"timeout">, host::Case<"invalid-state">,
                  host::Case<"address-not-bindable">, host::Case<"address-in-use">, host::Case<"remote-unreachable">,
                  host::Case<"connection-refused">, host::Case<"connection-broken">, host::Case<"connection-reset">,
                  host::Case<"connection-aborted">, host::Case<"datagram-too-large">,
                  host::Case<"other", Option<String>>>;
using LookupError = host::Variant<host::Case<"access-denied">, host::Case<"invalid-argument">,
                                  host::Case<"name-unresolvable">, host::Case<"temporary-resolver-failure">,
                                  host::Case<"permanent-resolver-failure">, host::Case<"other", Option<String>>>;

struct TcpSocket final : Object {
  static constexpr const char* kName = "tcp-socket";
};
struct UdpSocket final : Object {
  static constexpr const char* kName = "udp-socket";
};

template <typename T>
using Or = Result<T, SocketError>;
using End = Or<Unit>;

template <typename Signature>
void refuse(InterfaceBuilder& interface, const std::string& name, bool is_async = false) {
  Refusal<Signature>::add(interface, name, SocketError(SocketError::index_of("not-supported")), is_async);
}

// "get-x" and "set-x" of a socket.
template <typename T, typename Socket>
void refuse_option(InterfaceBuilder& interface, const std::string& socket, const std::string& option) {
  refuse<Or<T>(Borrow<Socket>)>(interface, "[method]" + socket + ".get-" + option);
  refuse<Or<Unit>(Borrow<Socket>, T)>(interface, "[method]" + socket + ".set-" + option);
}

void add_tcp(InterfaceBuilder& types) {
  types.resource<TcpSocket>();
  using Self = Borrow<TcpSocket>;
  const std::string prefix = "[method]tcp-socket.";
  refuse<Or<Own<TcpSocket>>(IpAddressFamily)>(types, "[static]tcp-socket.create");
  refuse<Or<Unit>(Self, IpSocketAddress)>(types, prefix + "bind");
  refuse<Or<Unit>(Self, IpSocketAddress)>(types, prefix + "connect", true);
  refuse<Or<Stream<Own<TcpSocket>>>(Self)>(types, prefix + "listen");
  refuse<Future<End>(Self, Stream<uint8_t>)>(types, prefix + "send");
  refuse<Tuple<Stream<uint8_t>, Future<End>>(Self)>(types, prefix + "receive");
  refuse<Or<IpSocketAddress>(Self)>(types, prefix + "get-local-address");
  refuse<Or<IpSocketAddress>(Self)>(types, prefix + "get-remote-address");
  refuse<bool(Self)>(types, prefix + "get-is-listening");
  refuse<IpAddressFamily(Self)>(types, prefix + "get-address-family");
  refuse<Or<Unit>(Self, uint64_t)>(types, prefix + "set-listen-backlog-size");
  refuse_option<bool, TcpSocket>(types, "tcp-socket", "keep-alive-enabled");
  refuse_option<uint64_t, TcpSocket>(types, "tcp-socket", "keep-alive-idle-time");
  refuse_option<uint64_t, TcpSocket>(types, "tcp-socket", "keep-alive-interval");
  refuse_option<uint32_t, TcpSocket>(types, "tcp-socket", "keep-alive-count");
  refuse_option<uint8_t, TcpSocket>(types, "tcp-socket", "hop-limit");
  refuse_option<uint64_t, TcpSocket>(types, "tcp-socket", "receive-buffer-size");
  refuse_option<uint64_t, TcpSocket>(types, "tcp-socket", "send-buffer-size");
}

void add_udp(InterfaceBuilder& types) {
  types.resource<UdpSocket>();
  using Self = Borrow<UdpSocket>;
  const std::string prefix = "[method]udp-socket.";
  refuse<Or<Own<UdpSocket>>(IpAddressFamily)>(types, "[static]udp-socket.create");
  refuse<Or<Unit>(Self, IpSocketAddress)>(types, prefix + "bind");
  refuse<Or<Unit>(Self, IpSocketAddress)>(types, prefix + "connect");
  refuse<Or<Unit>(Self)>(types, prefix + "disconnect");
  refuse<Or<Unit>(Self, List<uint8_t>, Option<IpSocketAddress>)>(types, prefix + "send", true);
  refuse<Or<Tuple<List<uint8_t>, IpSocketAddress>>(Self)>(types, prefix + "receive", true);
  refuse<Or<IpSocketAddress>(Self)>(types, prefix + "get-local-address");
  refuse<Or<IpSocketAddress>(Self)>(types, prefix + "get-remote-address");
  refuse<IpAddressFamily(Self)>(types, prefix + "get-address-family");
  refuse_option<uint8_t, UdpSocket>(types, "udp-socket", "unicast-hop-limit");
  refuse_option<uint64_t, UdpSocket>(types, "udp-socket", "receive-buffer-size");
  refuse_option<uint64_t, UdpSocket>(types, "udp-socket", "send-buffer-size");
}

}  // namespace

void add_sockets_0_3(State& state, HostInterfaces& interfaces) {
  InterfaceBuilder types("wasi:sockets/types@0.3.0", state.resources);
  add_tcp(types);
  add_udp(types);
  interfaces.add(types.finish());

  InterfaceBuilder lookup("wasi:sockets/ip-name-lookup@0.3.0", state.resources);
  Refusal<Result<List<IpAddress>, LookupError>(String)>::add(lookup, "resolve-addresses",
                                                             LookupError(LookupError::index_of("access-denied")), true);
  interfaces.add(lookup.finish());
}

}  // namespace wjit::wasi
