// Internet addresses with ports, as the system has them, and what WASI asks of them. The component types of the same
// are in wasi/sockets.h. Used by wasi/network_rules.cpp, wasi/socket_tcp.cpp, wasi/socket_udp.cpp. Test:
// test/unit/socket_address_test.cpp.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wjit {

enum class IpFamily : uint8_t { V4, V6 };

struct SocketAddress {
  union {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  };

  SocketAddress() : v6{} {}
  // All zeroes: 0.0.0.0 or ::, port 0.
  explicit SocketAddress(IpFamily family) : v6{} { any.sa_family = family == IpFamily::V4 ? AF_INET : AF_INET6; }

  IpFamily family() const { return any.sa_family == AF_INET ? IpFamily::V4 : IpFamily::V6; }
  socklen_t size() const { return any.sa_family == AF_INET ? sizeof v4 : sizeof v6; }
  uint16_t port() const { return ntohs(any.sa_family == AF_INET ? v4.sin_port : v6.sin6_port); }
  void set_port(uint16_t port) { (any.sa_family == AF_INET ? v4.sin_port : v6.sin6_port) = htons(port); }

  bool is_unspecified() const;  // 0.0.0.0, ::
  bool is_unicast() const;      // neither multicast nor broadcast; the unspecified one is
  bool is_mapped() const;       // IPv4 inside IPv6 (::ffff:)

  // Whether the first `prefix` bits of the addresses agree; ports do not matter.
  bool within(const SocketAddress& network, unsigned prefix) const;
  // Address, port and scope.
  bool operator==(const SocketAddress& other) const;

  // "127.0.0.1:80", "[::1]:80"
  std::string to_string() const;
  static std::optional<SocketAddress> parse(std::string_view text);
};

// "127.0.0.1" or "::1", without a port; a mapped address is its IPv4 one.
std::optional<SocketAddress> parse_ip(std::string_view text);
// The same, and "[::1]".
std::optional<SocketAddress> parse_bracketed_ip(std::string_view text);

// A host name in the form that name servers know: labels of small letters, digits, '-' and '_', and maybe a dot at the
// end, which says that no domain is to be added. What is not ASCII is mapped and checked as UTS 46 says
// (non-transitional), and so are labels of "xn--". nullopt if it is no name: nor is one whose last label is a number,
// for some take "127.1" or "0x7f000001" for an address, and rules must not.
std::optional<std::string> ascii_host_name(std::string_view name);

}  // namespace wjit
