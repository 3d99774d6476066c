// Addresses and errors of wasi:sockets, between the system and the interfaces. See wasi/sockets.h.
#include "wasi/sockets.h"

#include <arpa/inet.h>

#include <cerrno>
#include <cstring>

namespace wjit::wasi {

SocketAddress from_wit(const IpSocketAddress& address) {
  if (address.tag == 0) {
    auto given = address.value<Ipv4SocketAddress>();
    SocketAddress result(IpFamily::V4);
    result.set_port(given.port);
    const uint8_t bytes[4] = {given.address.a, given.address.b, given.address.c, given.address.d};
    memcpy(&result.v4.sin_addr, bytes, sizeof bytes);
    return result;
  }
  auto given = address.value<Ipv6SocketAddress>();
  SocketAddress result(IpFamily::V6);
  result.set_port(given.port);
  result.v6.sin6_flowinfo = given.flow_info;
  result.v6.sin6_scope_id = given.scope_id;
  const Ipv6Address& a = given.address;
  const uint16_t words[8] = {htons(a.a), htons(a.b), htons(a.c), htons(a.d),
                             htons(a.e), htons(a.f), htons(a.g), htons(a.h)};
  memcpy(&result.v6.sin6_addr, words, sizeof words);
  return result;
}

static Ipv4Address ipv4(const SocketAddress& address) {
  uint8_t bytes[4];
  memcpy(bytes, &address.v4.sin_addr, sizeof bytes);
  return {bytes[0], bytes[1], bytes[2], bytes[3]};
}

static Ipv6Address ipv6(const SocketAddress& address) {
  uint16_t words[8];
  memcpy(words, &address.v6.sin6_addr, sizeof words);
  return {ntohs(words[0]), ntohs(words[1]), ntohs(words[2]), ntohs(words[3]),
          ntohs(words[4]), ntohs(words[5]), ntohs(words[6]), ntohs(words[7])};
}

IpSocketAddress to_wit(const SocketAddress& address) {
  if (address.family() == IpFamily::V4) return {0, Ipv4SocketAddress{address.port(), ipv4(address)}};
  return {1, Ipv6SocketAddress{address.port(), address.v6.sin6_flowinfo, ipv6(address), address.v6.sin6_scope_id}};
}

IpAddress ip_to_wit(const SocketAddress& address) {
  if (address.family() == IpFamily::V4) return {0, ipv4(address)};
  return {1, ipv6(address)};
}

NetworkError Sockets2::code(int error) {
  switch (error) {
#define SOCKET_ERROR(number, name_0_2, name_0_3) \
  case number: return NetworkError::name_0_2;
#include "wasi/socket_errors.def"
#undef SOCKET_ERROR
    default: return NetworkError::unknown;
  }
}

SocketError Sockets3::code(int error) {
  uint8_t index = SocketError::index_of("other");
  switch (error) {
#define SOCKET_ERROR(number, name_0_2, name_0_3) \
  case number: index = SocketError::index_of(name_0_3); break;
#include "wasi/socket_errors.def"
#undef SOCKET_ERROR
    default: break;
  }
  if (index != SocketError::index_of("other")) return SocketError(index);
  const char* text = strerrordesc_np(error);  // static, as a future's value has to be
  return {index, text != nullptr ? Option<String>(String(text)) : Option<String>()};
}

}  // namespace wjit::wasi
