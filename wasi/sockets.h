// wasi:sockets without sockets: every function is there with its type, so that programs which import the interfaces
// link and run; creating a socket or looking up a name is answered with the interface's error code. What needs a socket
// cannot be reached. Shared by wasi/sockets_0_2.cpp and wasi/sockets_0_3.cpp. Test: test/unit/wasi_link_test.cpp.
#pragma once

#include "wasi/state.h"

namespace wjit::wasi {

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

// Adds functions that answer with `code`, or trap where their result has no error case.
template <typename Signature>
struct Refusal;
template <typename R, typename... P>
struct Refusal<R(P...)> {
  template <typename Code>
  static void add(InterfaceBuilder& interface, const std::string& name, Code code, bool is_async = false) {
    auto refuse = [=](Reply<R> reply, P...) {
      if constexpr (requires { R(host::error(code)); }) {
        reply(host::error(code));
      } else {
        reply.call->trap(name + ": sockets are not supported");
      }
    };
    if (is_async) {
      interface.add_async<R(P...)>(name, refuse);
    } else {
      interface.add_blocking<R(P...)>(name, refuse);
    }
  }
};

}  // namespace wjit::wasi
