// See wasi/socket_address.h.
#include "wasi/socket_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>
#include <cstring>
#include <vector>

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

// ---- host names ----

std::optional<SocketAddress> parse_bracketed_ip(std::string_view text) {
  if (!text.starts_with('[')) return parse_ip(text);
  if (!text.ends_with(']') || text.find(':') == std::string_view::npos) return std::nullopt;
  return parse_ip(text.substr(1, text.size() - 2));
}

namespace {

// UTF-8 to code points; false if it is not well-formed.
bool decode_utf8(std::string_view text, std::vector<uint32_t>* points) {
  for (size_t i = 0; i < text.size();) {
    auto first = static_cast<uint8_t>(text[i]);
    size_t length = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if ((first >= 0x80 && first < 0xC2) || first > 0xF4 || text.size() - i < length) return false;
    uint32_t point = length == 1 ? first : first & (0x7F >> length);
    for (size_t k = 1; k < length; ++k) {
      auto byte = static_cast<uint8_t>(text[i + k]);
      if ((byte & 0xC0) != 0x80) return false;
      point = point << 6 | (byte & 0x3F);
    }
    static constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < kLeast[length] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) return false;
    points->push_back(point);
    i += length;
  }
  return true;
}

// RFC 3492, 6.3, without the "xn--".
std::string punycode(const std::vector<uint32_t>& points) {
  constexpr uint32_t kBase = 36, kLeast = 1, kMost = 26, kSkew = 38, kDamp = 700;
  std::string out;
  for (uint32_t point : points) {
    if (point < 0x80) out += static_cast<char>(point);
  }
  const auto basic = static_cast<uint32_t>(out.size());
  if (basic > 0) out += '-';
  uint64_t n = 0x80, delta = 0, bias = 72;
  for (uint32_t handled = basic; handled < points.size();) {
    uint64_t next = 0x110000;
    for (uint32_t point : points) {
      if (point >= n && point < next) next = point;
    }
    delta += (next - n) * (handled + 1);
    n = next;
    for (uint32_t point : points) {
      if (point < n) ++delta;
      if (point != n) continue;
      uint64_t q = delta;
      for (uint64_t k = kBase;; k += kBase) {
        uint64_t t = k <= bias ? kLeast : k >= bias + kMost ? kMost : k - bias;
        uint64_t digit = q < t ? q : t + (q - t) % (kBase - t);
        out += static_cast<char>(digit < 26 ? 'a' + digit : '0' + (digit - 26));
        if (q < t) break;
        q = (q - t) / (kBase - t);
      }
      delta = handled == basic ? delta / kDamp : delta / 2;
      delta += delta / (handled + 1);
      uint64_t k = 0;
      for (; delta > ((kBase - kLeast) * kMost) / 2; k += kBase) delta /= kBase - kLeast;
      bias = k + (kBase - kLeast + 1) * delta / (delta + kSkew);
      delta = 0;
      ++handled;
    }
    ++delta;
    ++n;
  }
  return out;
}

// Simple case folding of what is common in names: ASCII, Latin-1, Greek, Cyrillic.
uint32_t lower_case(uint32_t point) {
  if (point >= 'A' && point <= 'Z') return point + 32;
  if (point >= 0xC0 && point <= 0xDE && point != 0xD7) return point + 32;
  if (point >= 0x391 && point <= 0x3A9 && point != 0x3A2) return point + 32;
  if (point >= 0x410 && point <= 0x42F) return point + 32;
  if (point >= 0x400 && point <= 0x40F) return point + 80;
  return point;
}

}  // namespace

std::optional<std::string> ascii_host_name(std::string_view name) {
  std::vector<uint32_t> points;
  if (!decode_utf8(name, &points) || points.empty()) return std::nullopt;
  // The full stops of other scripts separate labels too (RFC 3490, 3.1).
  auto is_dot = [](uint32_t point) { return point == '.' || point == 0x3002 || point == 0xFF0E || point == 0xFF61; };
  if (is_dot(points.back())) points.pop_back();
  std::string out;
  for (size_t begin = 0; begin <= points.size();) {
    size_t end = begin;
    bool plain = true;
    std::vector<uint32_t> label;
    for (; end < points.size() && !is_dot(points[end]); ++end) {
      uint32_t point = lower_case(points[end]);
      bool good = point >= 0x80 ? point >= 0xA1 : point == '-' || point == '_' || isalnum(static_cast<int>(point)) != 0;
      if (!good) return std::nullopt;
      plain = plain && point < 0x80;
      label.push_back(point);
    }
    std::string text = plain ? std::string(label.begin(), label.end()) : "xn--" + punycode(label);
    if (text.empty() || text.size() > 63 || text.front() == '-' || text.back() == '-') return std::nullopt;
    if (!out.empty()) out += '.';
    out += text;
    begin = end + 1;
  }
  if (out.size() > 253) return std::nullopt;
  // A number at the end is that of an address that is none.
  const size_t last = out.rfind('.') + 1;
  if (out.find_first_not_of("0123456789", last) == std::string::npos) return std::nullopt;
  return out;
}

}  // namespace wjit
