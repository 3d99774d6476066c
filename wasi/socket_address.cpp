// See wasi/socket_address.h.
#include "wasi/socket_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <idn2.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <functional>

namespace wjit {

bool SocketAddress::is_unspecified() const {
  return family() == IpFamily::V4 ? v4.sin_addr.s_addr == 0 : IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr) != 0;
}

bool SocketAddress::is_unicast() const {
  if (family() == IpFamily::V6) return !IN6_IS_ADDR_MULTICAST(&v6.sin6_addr);
  uint32_t address = ntohl(v4.sin_addr.s_addr);
  return !IN_MULTICAST(address) && address != INADDR_BROADCAST;
}

bool SocketAddress::is_mapped() const { return family() == IpFamily::V6 && IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr); }

namespace {

const uint8_t* address_bytes(const SocketAddress& address) {
  return address.family() == IpFamily::V4 ? reinterpret_cast<const uint8_t*>(&address.v4.sin_addr)
                                          : reinterpret_cast<const uint8_t*>(&address.v6.sin6_addr);
}

// The IPv4 address in a mapped one (::ffff: and its four bytes).
SocketAddress unmapped(const SocketAddress& mapped) {
  SocketAddress result(IpFamily::V4);
  memcpy(&result.v4.sin_addr, mapped.v6.sin6_addr.s6_addr + 12, 4);
  result.set_port(mapped.port());
  return result;
}

}  // namespace

bool SocketAddress::within(const SocketAddress& network, unsigned prefix) const {
  if (family() != network.family()) return false;
  const uint8_t *mine = address_bytes(*this), *its = address_bytes(network);
  if (memcmp(mine, its, prefix / 8) != 0) return false;
  unsigned rest = prefix % 8;
  return rest == 0 || ((mine[prefix / 8] ^ its[prefix / 8]) >> (8 - rest)) == 0;
}

bool SocketAddress::operator==(const SocketAddress& other) const {
  if (port() != other.port() || !within(other, family() == IpFamily::V4 ? 32 : 128)) return false;
  return family() == IpFamily::V4 || v6.sin6_scope_id == other.v6.sin6_scope_id;
}

std::string SocketAddress::to_string() const {
  char text[INET6_ADDRSTRLEN];
  inet_ntop(any.sa_family, address_bytes(*this), text, sizeof text);
  return family() == IpFamily::V4 ? fmt::format("{}:{}", text, port()) : fmt::format("[{}]:{}", text, port());
}

std::optional<SocketAddress> SocketAddress::parse(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon), digits = text.substr(colon + 1);
  auto address = parse_bracketed_ip(host);
  if (!address || (!host.starts_with('[') && host.find(':') != std::string_view::npos)) return std::nullopt;
  uint16_t port = 0;
  auto [at, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || at != digits.data() + digits.size()) return std::nullopt;
  address->set_port(port);
  return address;
}

std::optional<SocketAddress> parse_ip(std::string_view text) {
  std::string terminated(text);
  if (terminated.find('\0') != std::string::npos) return std::nullopt;
  SocketAddress result(IpFamily::V4);
  if (inet_pton(AF_INET, terminated.c_str(), &result.v4.sin_addr) == 1) return result;
  result = SocketAddress(IpFamily::V6);
  if (inet_pton(AF_INET6, terminated.c_str(), &result.v6.sin6_addr) != 1) return std::nullopt;
  return result.is_mapped() ? unmapped(result) : result;
}

std::optional<SocketAddress> parse_bracketed_ip(std::string_view text) {
  if (!text.starts_with('[')) return parse_ip(text);
  if (!text.ends_with(']') || text.find(':') == std::string_view::npos) return std::nullopt;
  return parse_ip(text.substr(1, text.size() - 2));
}

// ---- host names ----

namespace {

char lower_case(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Calls `visit` with each label until it says false; true if it never did.
bool all_labels(std::string_view name, const std::function<bool(std::string_view)>& visit) {
  for (size_t begin = 0; begin <= name.size();) {
    const size_t end = std::min(name.find('.', begin), name.size());
    if (!visit(name.substr(begin, end - begin))) return false;
    begin = end + 1;
  }
  return true;
}

bool is_number(std::string_view label) {
  const bool is_hex = label.starts_with("0x");
  return label.find_first_not_of(is_hex ? "0123456789abcdef" : "0123456789", is_hex ? 2 : 0) == std::string_view::npos;
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_'; });
}

}  // namespace

std::optional<std::string> ascii_host_name(std::string_view name) {
  if (name.find('\0') != std::string_view::npos) return std::nullopt;
  std::string out(name);
  std::transform(out.begin(), out.end(), out.begin(), lower_case);
  const bool is_ascii = std::all_of(out.begin(), out.end(), [](char c) { return static_cast<uint8_t>(c) < 0x80; });
  // The others are as they are: IDNA has no place for r3---sn-x, and there are such hosts.
  if (!is_ascii || !all_labels(out, [](std::string_view label) { return !label.starts_with("xn--"); })) {
    char* mapped = nullptr;
    if (idn2_to_ascii_8z(out.c_str(), &mapped, IDN2_NONTRANSITIONAL) != IDN2_OK) return std::nullopt;
    out = mapped;
    idn2_free(mapped);
  }
  std::string_view relative = out;
  if (relative.ends_with('.')) relative.remove_suffix(1);
  if (relative.size() > 253 || !all_labels(relative, is_label)) return std::nullopt;
  if (is_number(relative.substr(relative.rfind('.') + 1))) return std::nullopt;
  return out;
}

}  // namespace wjit
