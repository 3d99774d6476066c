// Parsing and asking rules: see wasi/network_rules.h.
#include "wasi/network_rules.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace wjit {
namespace {

std::optional<unsigned> parse_number(std::string_view text, unsigned most) {
  unsigned value = 0;
  auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || at != text.data() + text.size() || value > most) return std::nullopt;
  return value;
}

// A host is the same one with the dot that says that its name is whole.
std::string_view without_dot(std::string_view name) {
  return name.ends_with('.') ? name.substr(0, name.size() - 1) : name;
}

}  // namespace

Result<NetworkRules::Rule> NetworkRules::parse(std::string_view text) {
  static constexpr std::pair<std::string_view, NetworkUse> kUses[] = {{"tcp-connect", NetworkUse::TcpConnect},
                                                                      {"tcp-listen", NetworkUse::TcpListen},
                                                                      {"udp", NetworkUse::Udp},
                                                                      {"dns", NetworkUse::Dns}};
  const size_t equals = std::min(text.find('='), text.size());
  const auto* use = std::find_if(std::begin(kUses), std::end(kUses),
                                 [&](const auto& row) { return row.first == text.substr(0, equals); });
  if (use == std::end(kUses)) {
    return fail("`{}` is no rule; expected tcp-connect=HOST:PORT, tcp-listen=HOST:PORT, udp=HOST:PORT or dns=NAME",
                text);
  }
  const bool is_dns = use->second == NetworkUse::Dns;
  std::string_view rest = text.substr(std::min(equals + 1, text.size()));
  if (rest.empty()) return fail("`{}`: expected {}={}", text, use->first, is_dns ? "NAME" : "HOST:PORT");

  Rule rule;
  rule.use = use->second;
  if (is_dns) {
    if (rest == "*") {
      rule.any_host = true;
      return rule;
    }
    std::string_view stars = rest.starts_with("*.") ? rest.substr(0, 2) : "";
    auto name = ascii_host_name(rest.substr(stars.size()));
    if (!name) return fail("`{}`: `{}` is no host name", text, rest);
    rule.name = std::string(stars).append(without_dot(*name));
    return rule;
  }

  // The host up to its last colon, a bracketed one up to what follows the bracket.
  std::string_view host, prefix;
  if (rest.starts_with('[')) {
    const size_t close = rest.find(']');
    if (close == std::string_view::npos) return fail("`{}`: the closing bracket is missing", text);
    host = rest.substr(1, close - 1);
    rest.remove_prefix(close + 1);
    if (rest.starts_with('/')) {
      prefix = rest.substr(0, rest.find(':'));
      rest.remove_prefix(prefix.size());
    } else if (size_t slash = host.find('/'); slash != std::string_view::npos) {
      prefix = host.substr(slash);
      host = host.substr(0, slash);
    }
    if (host.find(':') == std::string_view::npos) return fail("`{}`: `{}` is no IPv6 address", text, host);
  } else {
    const size_t colon = std::min(rest.find(':'), rest.size());
    if (rest.find(':', colon + 1) < rest.size()) {
      return fail("`{}`: an IPv6 address stands in brackets: [ADDRESS]:PORT", text);
    }
    host = rest.substr(0, colon);
    rest.remove_prefix(colon);
    if (size_t slash = host.find('/'); slash != std::string_view::npos) {
      prefix = host.substr(slash);
      host = host.substr(0, slash);
    }
  }
  if (!rest.empty() && rest[0] != ':') return fail("`{}`: expected a port after the address, not `{}`", text, rest);

  if (auto address = parse_ip(host)) {
    rule.network = *address;
    const unsigned most = address->family() == IpFamily::V4 ? 32 : 128;
    rule.prefix = most;
    if (!prefix.empty()) {
      auto bits = parse_number(prefix.substr(1), most);
      if (!bits) return fail("`{}`: `{}` is no prefix length; it is 0 to {}", text, prefix.substr(1), most);
      rule.prefix = *bits;
    }
  } else if (!prefix.empty()) {
    return fail("`{}`: a prefix length needs an address, and `{}` is none", text, host);
  } else if (host == "*") {
    rule.any_host = true;
  } else if (auto name = ascii_host_name(host); name) {
    rule.name = *name;
  } else {
    return fail("`{}`: `{}` is neither an address nor a host name", text, host);
  }

  if (rest.empty() || rest == ":*") return rule;
  std::string_view first = rest.substr(1);
  const size_t dash = first.find('-');
  std::string_view last = dash == std::string_view::npos ? first : first.substr(dash + 1);
  auto from = parse_number(first.substr(0, dash), UINT16_MAX), to = parse_number(last, UINT16_MAX);
  if (!from || !to || *from > *to) {
    return fail("`{}`: `{}` is no port; it is 0 to 65535, FIRST-LAST or *", text, first);
  }
  rule.first_port = static_cast<uint16_t>(*from);
  rule.last_port = static_cast<uint16_t>(*to);
  return rule;
}

Result<> NetworkRules::add(std::string_view text) {
  if (text == "*") {
    everything_ = true;
    text_ = "*";
    return {};
  }
  std::vector<Rule> rules;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t comma = std::min(text.find(',', begin), text.size());
    auto rule = parse(text.substr(begin, comma - begin));
    if (!rule) return std::unexpected(rule.error());
    rules.push_back(std::move(*rule));
    begin = comma + 1;
  }
  rules_.insert(rules_.end(), rules.begin(), rules.end());
  if (!everything_) text_ += (text_.empty() ? "" : ",") + std::string(text);
  return {};
}

bool NetworkRules::any(NetworkUse use) const {
  return everything_ || std::any_of(rules_.begin(), rules_.end(), [&](const Rule& rule) { return rule.use == use; });
}

bool NetworkRules::covers(NetworkUse use, const SocketAddress& address) const {
  if (everything_) return true;
  const uint16_t port = address.port();
  return std::any_of(rules_.begin(), rules_.end(), [&](const Rule& rule) {
    return rule.use == use && rule.name.empty() && rule.first_port <= port && port <= rule.last_port &&
           (rule.any_host || address.within(rule.network, rule.prefix));
  });
}

std::vector<std::string> NetworkRules::names(NetworkUse use, uint16_t port) const {
  std::vector<std::string> names;
  for (const Rule& rule : rules_) {
    if (rule.use == use && !rule.name.empty() && rule.first_port <= port && port <= rule.last_port) {
      names.push_back(rule.name);
    }
  }
  return names;
}

bool NetworkRules::covers_name(std::string_view name) const {
  if (everything_) return true;
  name = without_dot(name);
  return std::any_of(rules_.begin(), rules_.end(), [&](const Rule& rule) {
    if (rule.use != NetworkUse::Dns) return false;
    if (rule.any_host || rule.name == name) return true;
    return rule.name.starts_with("*.") && name.size() > rule.name.size() - 1 && name.ends_with(rule.name.substr(1));
  });
}

}  // namespace wjit
