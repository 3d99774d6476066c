// What of the network a guest may use: rules that the embedder gives (`--net` of the command). Nothing is allowed that
// no rule names.
//
//   tcp-connect=HOST:PORT   connect to it          tcp-listen=HOST:PORT   bind to it, and listen there
//   udp=HOST:PORT           bind to it, and exchange datagrams with it
//   dns=NAME                look it up             several of them, with commas between
//
// HOST: an address, [an IPv6 address], either of them with a prefix length (10.0.0.0/8, [fd00::]/8), a host name, or *.
// PORT: a number, two of them (8000-8099), or *; without `:PORT` it is *. NAME: a host name, *.its-domain, or *.
//
// Port 0 is the system's choice when binding. Besides what the rules say: a socket may be bound to a port of the
// system's choice if there is any rule for what it could then do (connect; exchange datagrams), and a datagram may be
// sent to whoever has sent one to a socket that a rule let bind. See wasi/network.h for how rules are asked.
// Test: test/unit/network_rules_test.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "wasi/socket_address.h"

namespace wjit {

enum class NetworkUse : uint8_t { TcpConnect, TcpListen, Udp, Dns };

class NetworkRules {
 public:
  // Rules with commas between, or "*" for everything. The error says what is wrong; then no rule of `text` was added.
  Result<> add(std::string_view text);

  bool everything() const { return everything_; }
  // The rules as they were given, for messages; "*" for everything, empty where there is none.
  const std::string& text() const { return text_; }
  // Whether there is any rule for `use`.
  bool any(NetworkUse use) const;
  // Whether a rule without a name covers the address and port.
  bool covers(NetworkUse use, const SocketAddress& address) const;
  // The host names whose addresses are covered at this port.
  std::vector<std::string> names(NetworkUse use, uint16_t port) const;
  // Whether `name` (of ascii_host_name) may be looked up.
  bool covers_name(std::string_view name) const;

 private:
  struct Rule {
    NetworkUse use = NetworkUse::Dns;
    bool any_host = false;
    std::string name;  // of ascii_host_name, for dns without a dot at the end, perhaps after "*."; empty: by address
    SocketAddress network;
    unsigned prefix = 0;
    uint16_t first_port = 0, last_port = UINT16_MAX;
  };
  static Result<Rule> parse(std::string_view text);

  bool everything_ = false;
  std::string text_;
  std::vector<Rule> rules_;
};

}  // namespace wjit
