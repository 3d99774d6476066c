// Binary modules by hand, for the tests of the decoder and the validator: sections and code entries with their sizes
// filled in, and what decode_module says about the result as one string.
#pragma once

#include <initializer_list>
#include <string>

#include "frontend/decoder.h"

namespace wjit::test {

inline Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

inline Bytes u32(uint32_t n) {
  Bytes bytes;
  for (; n >= 0x80; n >>= 7) bytes.push_back(static_cast<uint8_t>(n | 0x80));
  bytes.push_back(static_cast<uint8_t>(n));
  return bytes;
}

inline Bytes sized(const Bytes& content) { return u32(static_cast<uint32_t>(content.size())) + content; }
inline Bytes section(uint8_t id, const Bytes& content) { return Bytes{id} + sized(content); }
inline Bytes preamble() { return {0x00, 0x61, 0x73, 0x6D, 0x01, 0x00, 0x00, 0x00}; }
inline Bytes text(std::string_view s) { return Bytes(s.begin(), s.end()); }

inline Parsed<std::shared_ptr<const Module>> decode(Bytes bytes) {
  return decode_module(std::make_shared<const Bytes>(std::move(bytes)));
}

// "" when it is valid, else "malformed: …", "invalid: …" or "unsupported: …".
inline std::string verdict(Bytes bytes) {
  const auto result = decode(std::move(bytes));
  if (result) return "";
  static constexpr const char* kFaults[] = {"malformed: ", "invalid: ", "unsupported: "};
  return kFaults[static_cast<size_t>(result.error().fault)] + result.error().message;
}

}  // namespace wjit::test
