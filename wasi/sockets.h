// The types of wasi:sockets at 0.2 and 0.3.0, and the functions that both have: written once, over Sockets2 and
// Sockets3. What sockets do is wasi/socket_tcp.h and wasi/socket_udp.h; the versions' own functions are
// wasi/sockets_0_2.cpp and wasi/sockets_0_3.cpp. Tests: test/unit/socket_test.cpp, test/lit/net.
#pragma once

#include "wasi/socket_tcp.h"
#include "wasi/socket_udp.h"
#include "wasi/state.h"

namespace wjit::wasi {

// ---- types of both versions ----

HOST_ENUM(IpAddressFamily, ipv4, ipv6)

using Ipv4Address = Tuple<uint8_t, uint8_t, uint8_t, uint8_t>;
using Ipv6Address = Tuple<uint16_t, uint16_t, uint16_t, uint16_t, uint16_t, uint16_t, uint16_t, uint16_t>;
using IpAddress = host::Variant<host::Case<"ipv4", Ipv4Address>, host::Case<"ipv6", Ipv6Address>>;

struct Ipv4SocketAddress {
  uint16_t port;
  Ipv4Address address;
};
HOST_RECORD(Ipv4SocketAddress, port, address)

struct Ipv6SocketAddress {
  uint16_t port;
  uint32_t flow_info;
  Ipv6Address address;
  uint32_t scope_id;
};
HOST_RECORD(Ipv6SocketAddress, port, flow_info, address, scope_id)

using IpSocketAddress = host::Variant<host::Case<"ipv4", Ipv4SocketAddress>, host::Case<"ipv6", Ipv6SocketAddress>>;

SocketAddress from_wit(const IpSocketAddress& address);
IpSocketAddress to_wit(const SocketAddress& address);
IpAddress ip_to_wit(const SocketAddress& address);
inline IpFamily from_wit(IpAddressFamily family) {
  return family == IpAddressFamily::ipv4 ? IpFamily::V4 : IpFamily::V6;
}

// ---- 0.2 ----

HOST_ENUM(NetworkError, unknown, access_denied, not_supported, invalid_argument, out_of_memory, timeout,
          concurrency_conflict, not_in_progress, would_block, invalid_state, new_socket_limit, address_not_bindable,
          address_in_use, remote_unreachable, connection_refused, connection_reset, connection_aborted,
          datagram_too_large, name_unresolvable, temporary_resolver_failure, permanent_resolver_failure)

struct TcpSocket2;
struct UdpSocket2;

struct Sockets2 {
  static constexpr const char* kVersion = "0.2.12";
  using Code = NetworkError;
  using TcpSocket = TcpSocket2;
  using UdpSocket = UdpSocket2;
  static Code code(int error);
  static std::string getter(const std::string& property) { return property; }
};

// ---- 0.3 ----

using SocketError =
    host::Variant<host::Case<"access-denied">, host::Case<"not-supported">, host::Case<"invalid-argument">,
                  host::Case<"out-of-memory">, host::Case<"timeout">, host::Case<"invalid-state">,
                  host::Case<"address-not-bindable">, host::Case<"address-in-use">, host::Case<"remote-unreachable">,
                  host::Case<"connection-refused">, host::Case<"connection-broken">, host::Case<"connection-reset">,
                  host::Case<"connection-aborted">, host::Case<"datagram-too-large">,
                  host::Case<"other", Option<String>>>;

struct TcpSocket3;
struct UdpSocket3;

struct Sockets3 {
  static constexpr const char* kVersion = "0.3.0";
  using Code = SocketError;
  using TcpSocket = TcpSocket3;
  using UdpSocket = UdpSocket3;
  static Code code(int error);
  static std::string getter(const std::string& property) { return "get-" + property; }
};

// ---- functions of both versions ----

template <typename V>
Result<Unit, typename V::Code> outcome(int error) {
  if (error != 0) return host::error(V::code(error));
  return host::ok();
}

// A getter and a setter.
template <typename V, typename S, typename T>
void add_option(State& state, InterfaceBuilder& types, const std::string& property, SocketOption option) {
  using Self = Borrow<S>;
  using Code = typename V::Code;
  const std::string prefix = fmt::format("[method]{}.", S::kName);
  types.add<Result<T, Code>(Self)>(prefix + V::getter(property),
                                   [&state, option](HostCall&, Self self) -> Result<T, Code> {
                                     uint64_t value = 0;
                                     int error = state.get(self)->get(option, &value);
                                     if (error != 0) return host::error(V::code(error));
                                     return host::ok(static_cast<T>(value));
                                   });
  types.add<Result<Unit, Code>(Self, T)>(prefix + "set-" + property, [&state, option](HostCall&, Self self, T value) {
    return outcome<V>(state.get(self)->set(option, value));
  });
}

template <typename V, typename S>
void add_addresses(State& state, InterfaceBuilder& types) {
  using Self = Borrow<S>;
  using AddressResult = Result<IpSocketAddress, typename V::Code>;
  const std::string prefix = fmt::format("[method]{}.", S::kName);
  auto answer = [](int error, const SocketAddress& address) -> AddressResult {
    if (error != 0) return host::error(V::code(error));
    return host::ok(to_wit(address));
  };
  types.add<AddressResult(Self)>(prefix + V::getter("local-address"), [&state, answer](HostCall&, Self self) {
    SocketAddress address;
    int error = state.get(self)->local_address(&address);
    return answer(error, address);
  });
  types.add<AddressResult(Self)>(prefix + V::getter("remote-address"), [&state, answer](HostCall&, Self self) {
    SocketAddress address;
    int error = state.get(self)->remote_address(&address);
    return answer(error, address);
  });
  types.add<IpAddressFamily(Self)>(prefix + V::getter("address-family"), [&state](HostCall&, Self self) {
    return state.get(self)->family() == IpFamily::V4 ? IpAddressFamily::ipv4 : IpAddressFamily::ipv6;
  });
  add_option<V, S, uint64_t>(state, types, "receive-buffer-size", SocketOption::ReceiveBufferSize);
  add_option<V, S, uint64_t>(state, types, "send-buffer-size", SocketOption::SendBufferSize);
}

// Addresses and options of TCP sockets.
template <typename V>
void add_tcp_properties(State& state, InterfaceBuilder& types) {
  using S = typename V::TcpSocket;
  add_addresses<V, S>(state, types);
  types.add<bool(Borrow<S>)>("[method]tcp-socket." + V::getter("is-listening"), [&state](HostCall&, Borrow<S> self) {
    return state.get(self)->visible_state() == TcpState::Listening;
  });
  types.add<Result<Unit, typename V::Code>(Borrow<S>, uint64_t)>(
      "[method]tcp-socket.set-listen-backlog-size",
      [&state](HostCall&, Borrow<S> self, uint64_t value) { return outcome<V>(state.get(self)->set_backlog(value)); });
  add_option<V, S, bool>(state, types, "keep-alive-enabled", SocketOption::KeepAliveEnabled);
  add_option<V, S, uint64_t>(state, types, "keep-alive-idle-time", SocketOption::KeepAliveIdleTime);
  add_option<V, S, uint64_t>(state, types, "keep-alive-interval", SocketOption::KeepAliveInterval);
  add_option<V, S, uint32_t>(state, types, "keep-alive-count", SocketOption::KeepAliveCount);
  add_option<V, S, uint8_t>(state, types, "hop-limit", SocketOption::HopLimit);
}

// Addresses and options of UDP sockets.
template <typename V>
void add_udp_properties(State& state, InterfaceBuilder& types) {
  using S = typename V::UdpSocket;
  add_addresses<V, S>(state, types);
  add_option<V, S, uint8_t>(state, types, "unicast-hop-limit", SocketOption::HopLimit);
}

}  // namespace wjit::wasi
