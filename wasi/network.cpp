// See wasi/network.h.
#include "wasi/network.h"

#include <netdb.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "wasi/socket_errors.h"
#include "wasi/state.h"

namespace wjit::wasi {
namespace {

constexpr int64_t kRememberedNs = 30'000'000'000;

// Blocks; helper thread.
LookupResult resolve(const std::string& ascii_name) {
  addrinfo hints{}, *list = nullptr;
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  LookupResult result;
  switch (int error = getaddrinfo(ascii_name.c_str(), nullptr, &hints, &list); error) {
    case 0: break;
    case EAI_NONAME:
    case EAI_NODATA:
    case EAI_ADDRFAMILY: return {kNameUnresolvable, {}};
    case EAI_AGAIN: return {kTemporaryResolverFailure, {}};
    case EAI_FAIL: return {kPermanentResolverFailure, {}};
    case EAI_MEMORY: return {ENOMEM, {}};
    case EAI_SYSTEM: return {errno != 0 ? errno : EIO, {}};
    default: return {kPermanentResolverFailure, {}};
  }
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
    SocketAddress address(entry->ai_family == AF_INET ? IpFamily::V4 : IpFamily::V6);
    memcpy(&address.any, entry->ai_addr, address.size());
    if (address.is_mapped()) continue;
    auto same = [&](const SocketAddress& other) { return other == address; };
    if (std::none_of(result.addresses.begin(), result.addresses.end(), same)) result.addresses.push_back(address);
  }
  freeaddrinfo(list);
  if (result.addresses.empty()) result.error = kNameUnresolvable;
  return result;
}

}  // namespace

int64_t NetworkAccess::now() const { return state_.now(ClockId::Monotonic); }

bool NetworkAccess::named(NetworkUse use, const SocketAddress& address, int64_t after) const {
  for (const std::string& name : rules_.names(use, address.port())) {
    auto found = names_.find(name);
    if (found == names_.end() || found->second.until <= after) continue;
    for (const SocketAddress& one : found->second.addresses) {
      if (address.within(one, one.family() == IpFamily::V4 ? 32 : 128)) return true;
    }
  }
  return false;
}

bool NetworkAccess::known(NetworkUse use, const SocketAddress& address) const {
  return rules_.covers(use, address) || named(use, address, now());
}

bool NetworkAccess::known_lately(NetworkUse use, const SocketAddress& address) {
  if (rules_.covers(use, address)) return true;
  std::vector<std::string> outdated;
  for (std::string& name : rules_.names(use, address.port())) {
    Known& known = names_[name];
    if (known.until <= now() && !std::exchange(known.asked, true)) outdated.push_back(std::move(name));
  }
  if (!outdated.empty()) look_up_all(std::move(outdated), [] {});
  return named(use, address, INT64_MIN);
}

void NetworkAccess::check(NetworkUse use, const SocketAddress& address, Then then) {
  if (rules_.covers(use, address)) return then(true);
  std::vector<std::string> missing;
  for (std::string& name : rules_.names(use, address.port())) {
    auto found = names_.find(name);
    if (found == names_.end() || found->second.until <= now()) missing.push_back(std::move(name));
  }
  if (missing.empty()) return then(named(use, address, INT64_MIN));
  look_up_all(std::move(missing),
              [this, use, address, then = std::move(then)] { then(named(use, address, INT64_MIN)); });
}

void NetworkAccess::look_up_all(std::vector<std::string> names, std::function<void()> then) {
  struct Question {
    std::string name;
    LookupResult result;
  };
  auto questions = std::make_shared<std::vector<Question>>();
  for (std::string& name : names) questions->push_back({std::move(name), {}});
  run_blocking(
      state_.store,
      [questions] {
        for (Question& one : *questions) one.result = resolve(one.name);
        return int64_t{0};
      },
      [this, questions, then = std::move(then)](int64_t) {
        for (Question& one : *questions) {
          auto& known = names_[one.name];
          // Who cannot be asked at the moment has not said that the name stands for something else.
          if (one.result.error != kTemporaryResolverFailure) known.addresses = std::move(one.result.addresses);
          known.until = now() + kRememberedNs;
          known.asked = false;
        }
        then();
      },
      BlockingKind::LooksUp);
}

void look_up(State& state, std::string_view name, std::function<void(const LookupResult&)> then) {
  if (auto address = parse_bracketed_ip(name)) return then({0, {*address}});
  auto ascii = ascii_host_name(name);
  if (!ascii) return then({EINVAL, {}});
  if (!state.network.may_look_up(*ascii)) return then({EACCES, {}});
  auto result = std::make_shared<LookupResult>();
  run_blocking(
      state.store,
      [result, ascii = std::move(*ascii)] {
        *result = resolve(ascii);
        return int64_t{0};
      },
      [result, then = std::move(then)](int64_t) { then(*result); }, BlockingKind::LooksUp);
}

}  // namespace wjit::wasi
