// Number literals of the text format: integers with range checks, floats rounded exactly (to nearest, ties to even)
// from decimal or hexadecimal digits, NaN payloads. The parse_… functions take the next token of a cursor and fail with
// "unexpected token", "unknown operator" or "constant out of range"; the literal_… functions work on a spelling.
// Core specification 3.0, section 6.3. Users: text_*.cpp, wast.cpp. Test: test/unit/text_test.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "frontend/text_cursor.h"

namespace wjit {

// Unsigned numbers below 2^bits. `what` is for the message.
uint32_t parse_u32(Cursor& c);
uint64_t parse_u64(Cursor& c);
// `limit` included.
uint64_t parse_unsigned(Cursor& c, uint64_t limit);

// iN literals: -2^(N-1) to 2^N - 1, as N bits (bits: 8, 16, 32 or 64).
uint64_t parse_int(Cursor& c, unsigned bits);
// uN only (no sign), sN only (-2^(N-1) to 2^(N-1) - 1, sign-extended to 64 bits).
uint64_t parse_uint(Cursor& c, unsigned bits);
int64_t parse_sint(Cursor& c, unsigned bits);

// fN literals as their bits.
uint32_t parse_f32(Cursor& c);
uint64_t parse_f64(Cursor& c);

// The immediate of v128.const: a shape (i8x16, …, f64x2) and its lanes; 16 bytes, little endian.
std::array<uint8_t, 16> parse_v128(Cursor& c);

// A magnitude in decimal or 0x hexadecimal digits with single underscores between digits; nullopt when it is none.
// `overflow` is set, and the value meaningless, when it needs more than 64 bits.
std::optional<uint64_t> literal_unsigned(std::string_view spelling, bool& overflow);

// A float of 32 or 64 bits. Malformed: no float literal; OutOfRange: rounds to infinity, or a NaN payload that is not
// 1 to 2^significand - 1.
enum class FloatFault : uint8_t { None, Malformed, OutOfRange };
FloatFault literal_float(std::string_view spelling, unsigned bits, uint64_t& value);

}  // namespace wjit
