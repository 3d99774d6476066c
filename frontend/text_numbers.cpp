// The interface is frontend/text_numbers.h. Decimal floats go through std::from_chars, which rounds exactly;
// hexadecimal ones are rounded here, from the leading 64 significant bits and a sticky bit for the rest.
#include "frontend/text_numbers.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <string>

namespace wjit {
namespace {

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

// Takes digits with single underscores between them from `s`, calling each(value). False when there are none, or an
// underscore is not between two digits.
template <typename Each>
bool take_digits(std::string_view& s, int base, Each each) {
  size_t i = 0;
  bool digit_before = false;
  for (; i < s.size(); ++i) {
    int value = digit_value(s[i]);
    if (value < base) {
      each(value);
      digit_before = true;
    } else if (s[i] == '_' && digit_before) {
      digit_before = false;
    } else {
      break;
    }
  }
  s.remove_prefix(i);
  return digit_before;
}

bool take_prefix(std::string_view& s, std::string_view prefix) {
  if (!s.starts_with(prefix)) return false;
  s.remove_prefix(prefix.size());
  return true;
}

bool take_char(std::string_view& s, char a, char b) {
  if (s.empty() || (s[0] != a && s[0] != b)) return false;
  s.remove_prefix(1);
  return true;
}

bool take_sign(std::string_view& s) {
  if (take_prefix(s, "-")) return true;
  take_prefix(s, "+");
  return false;
}

// `sign digits`, saturating far beyond every exponent that matters.
bool take_exponent(std::string_view& s, int64_t& exponent) {
  bool negative = take_sign(s);
  exponent = 0;
  bool ok = take_digits(s, 10, [&](int d) { exponent = std::min<int64_t>(exponent * 10 + d, int64_t{1} << 40); });
  if (negative) exponent = -exponent;
  return ok;
}

struct FloatFormat {
  int significand_bits;  // stored ones
  int min_exponent;      // of the smallest normal number, 2^min_exponent
  int max_exponent;
};
constexpr FloatFormat kF32{23, -126, 127};
constexpr FloatFormat kF64{52, -1022, 1023};

// mantissa * 2^exponent, and a bit more if `sticky`, rounded to nearest, ties to even. mantissa != 0.
FloatFault round_binary(uint64_t mantissa, int64_t exponent, bool sticky, const FloatFormat& format, uint64_t& bits) {
  int shift = std::countl_zero(mantissa);
  mantissa <<= shift;
  exponent -= shift;
  int64_t top = exponent + 63;  // the value is in [2^top, 2^(top+1))
  if (top > format.max_exponent) return FloatFault::OutOfRange;
  // How many of the 64 bits go; subnormals lose more.
  int64_t drop = 63 - format.significand_bits;
  if (top < format.min_exponent) drop += format.min_exponent - top;
  uint64_t kept = 0;
  bool half = false;
  if (drop < 64) {
    kept = mantissa >> drop;
    half = (mantissa >> (drop - 1) & 1) != 0;
    sticky |= (mantissa & ((uint64_t{1} << (drop - 1)) - 1)) != 0;
  } else {
    half = drop == 64 && (mantissa >> 63) != 0;
    sticky |= drop > 64 || (mantissa << 1) != 0;
  }
  if (half && (sticky || (kept & 1) != 0)) ++kept;
  // With the hidden bit of a normal number left in `kept`, adding the exponent minus one gives the encoding; a carry
  // out of the significand goes into the exponent as it should, also from subnormal to normal.
  uint64_t biased = top < format.min_exponent ? 0 : static_cast<uint64_t>(top - format.min_exponent);
  bits = (biased << format.significand_bits) + kept;
  uint64_t infinity = static_cast<uint64_t>(format.max_exponent * 2 + 1) << format.significand_bits;
  return bits >= infinity ? FloatFault::OutOfRange : FloatFault::None;
}

FloatFault hex_float(std::string_view s, const FloatFormat& format, uint64_t& bits) {
  uint64_t mantissa = 0;
  int64_t exponent = 0;
  bool sticky = false;
  auto add = [&](int d, bool fraction) {
    if (mantissa >> 60 == 0) {
      mantissa = mantissa << 4 | static_cast<uint64_t>(d);
      if (fraction) exponent -= 4;
    } else {
      sticky |= d != 0;
      if (!fraction) exponent += 4;
    }
  };
  if (!take_digits(s, 16, [&](int d) { add(d, false); })) return FloatFault::Malformed;
  if (take_prefix(s, ".") && !s.empty() && digit_value(s[0]) < 16) {
    if (!take_digits(s, 16, [&](int d) { add(d, true); })) return FloatFault::Malformed;
  }
  if (take_char(s, 'p', 'P')) {
    int64_t written = 0;
    if (!take_exponent(s, written)) return FloatFault::Malformed;
    exponent += written;
  }
  if (!s.empty()) return FloatFault::Malformed;
  bits = 0;
  if (mantissa == 0) return FloatFault::None;
  return round_binary(mantissa, exponent, sticky, format, bits);
}

template <typename Float, typename Bits>
FloatFault decimal_float(std::string_view s, uint64_t& bits) {
  // The same literal without underscores, checked; and the decimal exponent of its first digit that is not 0.
  std::string plain;
  int64_t leading = 0;
  bool nonzero = false;
  auto integer = [&](int d) {
    plain.push_back(static_cast<char>('0' + d));
    if (nonzero) ++leading;
    nonzero |= d != 0;
  };
  auto fraction = [&](int d) {
    plain.push_back(static_cast<char>('0' + d));
    if (!nonzero) --leading;
    nonzero |= d != 0;
  };
  if (!take_digits(s, 10, integer)) return FloatFault::Malformed;
  if (take_prefix(s, ".") && !s.empty() && digit_value(s[0]) < 10) {
    plain.push_back('.');
    if (!take_digits(s, 10, fraction)) return FloatFault::Malformed;
  }
  int64_t exponent = 0;
  if (take_char(s, 'e', 'E')) {
    if (!take_exponent(s, exponent)) return FloatFault::Malformed;
    // No digits there can be weigh against an exponent of this size.
    exponent = std::clamp<int64_t>(exponent, -(int64_t{1} << 34), int64_t{1} << 34);
  }
  if (!s.empty()) return FloatFault::Malformed;
  bits = 0;
  if (!nonzero) return FloatFault::None;
  int64_t magnitude = leading + exponent;
  if (magnitude > 400) return FloatFault::OutOfRange;
  if (magnitude < -400) return FloatFault::None;
  if (exponent != 0) plain += fmt::format("e{}", exponent);
  Float value = 0;
  auto [end, error] = std::from_chars(plain.data(), plain.data() + plain.size(), value);
  if (error == std::errc::result_out_of_range) {
    if (magnitude > 0) return FloatFault::OutOfRange;
    value = 0;
  }
  bits = std::bit_cast<Bits>(value);
  Bits infinity = std::bit_cast<Bits>(std::numeric_limits<Float>::infinity());
  return bits == infinity ? FloatFault::OutOfRange : FloatFault::None;
}

FloatFault nan_payload(std::string_view s, const FloatFormat& format, uint64_t& bits) {
  uint64_t payload = 0;
  bool overflow = false;
  bool ok = take_digits(s, 16, [&](int d) {
    overflow |= payload >> 60 != 0;
    payload = payload << 4 | static_cast<uint64_t>(d);
  });
  if (!ok || !s.empty()) return FloatFault::Malformed;
  if (overflow || payload == 0 || payload >> format.significand_bits != 0) return FloatFault::OutOfRange;
  bits |= payload;
  return FloatFault::None;
}

// What stands here is no number of the kind that is wanted; perhaps it is one of another kind.
bool not_a_number(Cursor& c) {
  uint64_t unused = 0;
  switch (c.kind()) {
    case TokenKind::Number:
    case TokenKind::Keyword:
      if (c.spelling().starts_with("nan") || literal_float(c.spelling(), 64, unused) != FloatFault::Malformed) {
        return c.unexpected("a number");
      }
      [[fallthrough]];
    case TokenKind::Reserved: return c.fail(fmt::format("unknown operator {:.40}", c.spelling()));
    default: return c.unexpected("a number");
  }
}

}  // namespace

std::optional<uint64_t> literal_unsigned(std::string_view spelling, bool& overflow) {
  uint64_t value = 0;
  overflow = false;
  auto base = static_cast<uint64_t>(take_prefix(spelling, "0x") ? 16 : 10);
  bool ok = take_digits(spelling, static_cast<int>(base), [&](int d) {
    uint64_t product = 0;
    overflow |= __builtin_mul_overflow(value, base, &product);
    overflow |= __builtin_add_overflow(product, static_cast<uint64_t>(d), &value);
  });
  if (!ok || !spelling.empty()) return std::nullopt;
  return value;
}

FloatFault literal_float(std::string_view s, unsigned bits, uint64_t& value) {
  const FloatFormat& format = bits == 32 ? kF32 : kF64;
  bool negative = take_sign(s);
  uint64_t infinity = static_cast<uint64_t>(format.max_exponent * 2 + 1) << format.significand_bits;
  FloatFault fault = FloatFault::None;
  if (s == "inf") {
    value = infinity;
  } else if (s == "nan") {
    value = infinity | uint64_t{1} << (format.significand_bits - 1);
  } else if (take_prefix(s, "nan:0x")) {
    value = infinity;
    fault = nan_payload(s, format, value);
  } else if (take_prefix(s, "0x")) {
    fault = hex_float(s, format, value);
  } else {
    fault = bits == 32 ? decimal_float<float, uint32_t>(s, value) : decimal_float<double, uint64_t>(s, value);
  }
  if (negative) value |= uint64_t{1} << (bits - 1);
  return fault;
}

uint64_t parse_unsigned(Cursor& c, uint64_t limit) {
  bool overflow = false;
  std::optional<uint64_t> value;
  if (c.at(TokenKind::Number)) value = literal_unsigned(c.spelling(), overflow);
  if (!value) {
    not_a_number(c);
    return 0;
  }
  if (overflow || *value > limit) {
    c.fail(fmt::format("constant out of range: {:.40}", c.spelling()));
    return 0;
  }
  c.advance();
  return *value;
}

uint32_t parse_u32(Cursor& c) { return static_cast<uint32_t>(parse_unsigned(c, UINT32_MAX)); }
uint64_t parse_u64(Cursor& c) { return parse_unsigned(c, UINT64_MAX); }

namespace {

// An integer with an optional sign: sign-extended, between -2^(bits-1) and `limit`.
uint64_t parse_signed(Cursor& c, unsigned bits, uint64_t limit) {
  bool overflow = false;
  std::optional<uint64_t> magnitude;
  bool negative = false;
  if (c.at(TokenKind::Number)) {
    std::string_view spelling = c.spelling();
    negative = take_sign(spelling);
    magnitude = literal_unsigned(spelling, overflow);
  }
  if (!magnitude) {
    not_a_number(c);
    return 0;
  }
  if (overflow || *magnitude > (negative ? uint64_t{1} << (bits - 1) : limit)) {
    c.fail(fmt::format("i{} constant out of range: {:.40}", bits, c.spelling()));
    return 0;
  }
  c.advance();
  return negative ? uint64_t{0} - *magnitude : *magnitude;
}

uint64_t low_bits(unsigned bits) { return bits == 64 ? UINT64_MAX : (uint64_t{1} << bits) - 1; }

uint64_t parse_float(Cursor& c, unsigned bits) {
  uint64_t value = 0;
  FloatFault fault = FloatFault::Malformed;
  if (c.at(TokenKind::Number) || c.at(TokenKind::Keyword)) fault = literal_float(c.spelling(), bits, value);
  switch (fault) {
    case FloatFault::None: c.advance(); break;
    case FloatFault::Malformed: not_a_number(c); return 0;
    case FloatFault::OutOfRange: c.fail(fmt::format("f{} constant out of range: {:.40}", bits, c.spelling())); return 0;
  }
  return value;
}

}  // namespace

uint64_t parse_int(Cursor& c, unsigned bits) { return parse_signed(c, bits, low_bits(bits)) & low_bits(bits); }
uint64_t parse_uint(Cursor& c, unsigned bits) { return parse_unsigned(c, low_bits(bits)); }
int64_t parse_sint(Cursor& c, unsigned bits) { return static_cast<int64_t>(parse_signed(c, bits, low_bits(bits - 1))); }

uint32_t parse_f32(Cursor& c) { return static_cast<uint32_t>(parse_float(c, 32)); }
uint64_t parse_f64(Cursor& c) { return parse_float(c, 64); }

std::array<uint8_t, 16> parse_v128(Cursor& c) {
  std::array<uint8_t, 16> out{};
  struct Shape {
    std::string_view name;
    unsigned bits;
    bool is_float;
  };
  static constexpr Shape shapes[] = {{"i8x16", 8, false},  {"i16x8", 16, false}, {"i32x4", 32, false},
                                     {"i64x2", 64, false}, {"f32x4", 32, true},  {"f64x2", 64, true}};
  const Shape* shape = std::ranges::find_if(shapes, [&](const Shape& s) { return c.at_keyword(s.name); });
  if (shape == std::end(shapes)) {
    c.unexpected("a vector shape");
    return out;
  }
  c.advance();
  unsigned lane_bytes = shape->bits / 8;
  for (unsigned at = 0; at < 16; at += lane_bytes) {
    if (c.at_end()) {
      c.fail("wrong number of lane literals");
      break;
    }
    uint64_t lane = shape->is_float ? parse_float(c, shape->bits) : parse_int(c, shape->bits);
    std::memcpy(&out[at], &lane, lane_bytes);
  }
  return out;
}

uint32_t IndexSpace::parse_index(Cursor& c) const {
  if (!c.at_id()) return parse_u32(c);
  std::optional<uint32_t> index = find(c.list().id_name(c.peek()));
  if (!index) {
    c.fail(fmt::format("unknown {} {:.60}", what_, c.spelling()));
    return 0;
  }
  c.advance();
  return *index;
}

}  // namespace wjit
