// UTF-8: one character in, one character out, and whether bytes are UTF-8 (no surrogates, no overlong forms, nothing
// above U+10FFFF). Who reads names, texts and strings uses these; the loops that copy strings between memories are
// abi/transcode.h. Any thread, no allocation but append_utf8's. Test: test/unit/transcode_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace wjit {

// The character at `at`, of which `left` > 0 bytes are there. Returns its bytes, 1 to 4; 0 when there is no character.
inline uint32_t decode_utf8(const uint8_t* at, size_t left, uint32_t* code) {
  const uint32_t lead = at[0];
  if (lead < 0x80) return *code = lead, 1;
  auto tail = [&](size_t i) { return left > i && (at[i] & 0xC0) == 0x80; };
  if (lead < 0xC2) return 0;  // a continuation byte, or overlong
  if (lead < 0xE0) {
    if (!tail(1)) return 0;
    *code = (lead & 0x1F) << 6 | (at[1] & 0x3Fu);
    return 2;
  }
  if (lead < 0xF0) {
    if (!tail(1) || !tail(2)) return 0;
    *code = (lead & 0x0F) << 12 | (at[1] & 0x3Fu) << 6 | (at[2] & 0x3Fu);
    return *code < 0x800 || (*code >= 0xD800 && *code < 0xE000) ? 0 : 3;
  }
  if (lead > 0xF4 || !tail(1) || !tail(2) || !tail(3)) return 0;
  *code = (lead & 0x07) << 18 | (at[1] & 0x3Fu) << 12 | (at[2] & 0x3Fu) << 6 | (at[3] & 0x3Fu);
  return *code < 0x10000 || *code > 0x10FFFF ? 0 : 4;
}

// Writes a Unicode scalar value; returns its bytes, 1 to 4, for which there must be room.
inline uint32_t encode_utf8(uint8_t* out, uint32_t code) {
  auto put = [&](uint32_t i, uint32_t b) { out[i] = static_cast<uint8_t>(b); };
  if (code < 0x80) return put(0, code), 1;
  if (code < 0x800) return put(0, 0xC0 | code >> 6), put(1, 0x80 | (code & 0x3F)), 2;
  if (code < 0x10000) {
    return put(0, 0xE0 | code >> 12), put(1, 0x80 | (code >> 6 & 0x3F)), put(2, 0x80 | (code & 0x3F)), 3;
  }
  put(0, 0xF0 | code >> 18), put(1, 0x80 | (code >> 12 & 0x3F)), put(2, 0x80 | (code >> 6 & 0x3F));
  return put(3, 0x80 | (code & 0x3F)), 4;
}

inline void append_utf8(std::string& out, uint32_t code) {
  uint8_t bytes[4];
  out.append(reinterpret_cast<const char*>(bytes), encode_utf8(bytes, code));
}

bool is_utf8(std::span<const uint8_t> bytes);
inline bool is_utf8(std::string_view text) {
  return is_utf8(std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()));  // NOLINT
}

}  // namespace wjit
