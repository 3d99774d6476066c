// Asking a store's rules for the network (wasi/network_rules.h), and looking up host names. Names in rules are looked
// up when a rule that names them may apply, on a helper thread, and remembered for a while.
//
// Strand only. Used by wasi/socket_tcp.cpp, wasi/socket_udp.cpp, wasi/sockets_0_2.cpp, wasi/sockets_0_3.cpp. Tests:
// test/unit/socket_test.cpp.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "wasi/network_rules.h"

namespace wjit::wasi {

class State;

class NetworkAccess {
 public:
  using Then = std::function<void(bool allowed)>;

  NetworkAccess(State& state, const NetworkRules& rules) : state_(state), rules_(rules) {}

  bool everything() const { return rules_.everything(); }
  bool any(NetworkUse use) const { return rules_.any(use); }
  // Calls `then` at once, unless names have to be looked up first.
  void check(NetworkUse use, const SocketAddress& address, Then then);
  // The answer as far as it is known without a look-up.
  bool known(NetworkUse use, const SocketAddress& address) const;
  // The same for what has come already: names stand for what they did last. Those whose time is over are looked up for
  // the next one.
  bool known_lately(NetworkUse use, const SocketAddress& address);
  bool may_look_up(std::string_view ascii_name) const { return rules_.covers_name(ascii_name); }

 private:
  struct Known {
    std::vector<SocketAddress> addresses;
    int64_t until = INT64_MIN;  // of the monotonic clock
    bool asked = false;         // known_lately has had it looked up
  };
  int64_t now() const;
  // Whether a name that a rule names stands for the address, by answers that are valid after this time.
  bool named(NetworkUse use, const SocketAddress& address, int64_t after) const;
  void look_up_all(std::vector<std::string> names, std::function<void()> then);
  State& state_;
  const NetworkRules& rules_;
  std::map<std::string, Known, std::less<>> names_;  // those of the rules
};

// What a name stands for. `error`: 0, then there is at least one address and no mapped one, or one of SocketErrno's.
struct LookupResult {
  int error = 0;
  std::vector<SocketAddress> addresses;
};
// For a guest: an address is its own answer at once; a name has to be allowed.
void look_up(State& state, std::string_view name, std::function<void(const LookupResult&)> then);

}  // namespace wjit::wasi
