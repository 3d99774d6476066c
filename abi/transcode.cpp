// See transcode.h. Eight units of UTF-16 and eight bytes are one step of the fast paths: one vector register each way.
#include "abi/transcode.h"

#include <cstring>

#include "base/utf8.h"

namespace wjit::transcode {
namespace {

using U8x8 = uint8_t __attribute__((vector_size(8)));
using U16x8 = uint16_t __attribute__((vector_size(16)));
using U64x2 = uint64_t __attribute__((vector_size(16)));

constexpr uint64_t kNotAscii = 0x8080'8080'8080'8080;    // bits of bytes
constexpr uint64_t kNotAscii16 = 0xFF80'FF80'FF80'FF80;  // bits of units
constexpr uint64_t kNotLatin1 = 0xFF00'FF00'FF00'FF00;

template <typename T>
T load(const uint8_t* at) {
  T value;
  memcpy(&value, at, sizeof(T));
  return value;
}

template <typename T>
void store(uint8_t* at, T value) {
  memcpy(at, &value, sizeof(T));
}

bool ascii8(const uint8_t* at) { return (load<uint64_t>(at) & kNotAscii) == 0; }

bool units8(const uint8_t* at, uint64_t mask) {
  auto words = load<U64x2>(at);
  return ((words[0] | words[1]) & mask) == 0;
}

uint32_t unit(const uint8_t* in, size_t i) { return load<uint16_t>(in + 2 * i); }
void put_unit(uint8_t* out, size_t i, uint32_t value) { store(out + 2 * i, static_cast<uint16_t>(value)); }

void narrow8(uint8_t* out, const uint8_t* in) { store(out, __builtin_convertvector(load<U16x8>(in), U8x8)); }
void widen8(uint8_t* out, const uint8_t* in) { store(out, __builtin_convertvector(load<U8x8>(in), U16x8)); }

bool is_surrogate(uint32_t u) { return (u & 0xF800) == 0xD800; }
// The surrogate pair at unit i < n: its code point, or 0.
uint32_t pair_at(const uint8_t* in, size_t i, size_t n) {
  uint32_t high = unit(in, i);
  if (high >= 0xDC00 || i + 1 >= n) return 0;
  uint32_t low = unit(in, i + 1);
  return (low & 0xFC00) == 0xDC00 ? 0x10000 + ((high & 0x3FF) << 10 | (low & 0x3FF)) : 0;
}

size_t narrow_below(uint8_t* out, const uint8_t* in, size_t n, uint64_t mask) {
  size_t i = 0;
  for (; n - i >= 8 && units8(in + 2 * i, mask); i += 8) narrow8(out + i, in + 2 * i);
  for (; i < n && (unit(in, i) & mask & 0xFFFF) == 0; ++i) out[i] = static_cast<uint8_t>(unit(in, i));
  return i;
}

}  // namespace

size_t ascii_to_ascii(uint8_t* out, const uint8_t* in, size_t n) {
  size_t i = 0;
  for (; n - i >= 64; i += 64) {
    auto a = load<U64x2>(in + i), b = load<U64x2>(in + i + 16), c = load<U64x2>(in + i + 32),
         d = load<U64x2>(in + i + 48);
    U64x2 all = a | b | c | d;
    if (((all[0] | all[1]) & kNotAscii) != 0) break;
    store(out + i, a), store(out + i + 16, b), store(out + i + 32, c), store(out + i + 48, d);
  }
  for (; n - i >= 8 && ascii8(in + i); i += 8) store(out + i, load<uint64_t>(in + i));
  for (; i < n && in[i] < 0x80; ++i) out[i] = in[i];
  return i;
}

size_t utf16_to_ascii(uint8_t* out, const uint8_t* in, size_t n) { return narrow_below(out, in, n, kNotAscii16); }
size_t utf16_to_latin1(uint8_t* out, const uint8_t* in, size_t n) { return narrow_below(out, in, n, kNotLatin1); }

size_t latin1_to_utf8(uint8_t* out, const uint8_t* in, size_t n) {
  size_t o = 0;
  for (size_t i = 0; i < n;) {
    if (n - i >= 8 && ascii8(in + i)) {
      store(out + o, load<uint64_t>(in + i));
      i += 8, o += 8;
      continue;
    }
    for (size_t stop = n - i < 8 ? n : i + 8; i < stop; ++i) o += encode_utf8(out + o, in[i]);
  }
  return o;
}

size_t utf16_to_utf8(uint8_t* out, const uint8_t* in, size_t n) {
  size_t o = 0;
  for (size_t i = 0; i < n;) {
    if (n - i >= 8 && units8(in + 2 * i, kNotAscii16)) {
      narrow8(out + o, in + 2 * i);
      i += 8, o += 8;
      continue;
    }
    for (size_t stop = n - i < 8 ? n : i + 8; i < stop; ++i) {
      uint32_t code = unit(in, i);
      if (is_surrogate(code)) {
        code = pair_at(in, i++, n);
        if (code == 0) return kInvalid;
      }
      o += encode_utf8(out + o, code);
    }
  }
  return o;
}

size_t utf8_to_utf16(uint8_t* out, const uint8_t* in, size_t n) {
  size_t o = 0;
  for (size_t i = 0; i < n;) {
    if (n - i >= 8 && ascii8(in + i)) {
      widen8(out + 2 * o, in + i);
      i += 8, o += 8;
      continue;
    }
    for (size_t stop = n - i < 8 ? n : i + 8; i < stop;) {
      uint32_t code;
      uint32_t length = decode_utf8(in + i, n - i, &code);
      if (length == 0) return kInvalid;
      i += length;
      if (code >= 0x10000) {
        put_unit(out, o++, 0xD800 + ((code - 0x10000) >> 10));
        code = 0xDC00 | (code & 0x3FF);
      }
      put_unit(out, o++, code);
    }
  }
  return o;
}

void latin1_to_utf16(uint8_t* out, const uint8_t* in, size_t n) {
  size_t i = 0;
  for (; n - i >= 8; i += 8) widen8(out + 2 * i, in + i);
  for (; i < n; ++i) put_unit(out, i, in[i]);
}

Copied utf16_to_utf16(uint8_t* out, const uint8_t* in, size_t n) {
  U16x8 all{};
  uint32_t seen = 0;
  bool surrogates = false;
  size_t i = 0;
  for (; n - i >= 8; i += 8) {
    auto units = load<U16x8>(in + 2 * i);
    store(out + 2 * i, units);
    all |= units;
    surrogates |= __builtin_reduce_or(__builtin_convertvector((units & 0xF800) == 0xD800, U8x8)) != 0;
  }
  for (; i < n; ++i) {
    uint32_t u = unit(in, i);
    put_unit(out, i, u);
    seen |= u;
    surrogates |= is_surrogate(u);
  }
  if (surrogates) {
    for (i = 0; i < n; ++i) {
      if (is_surrogate(unit(in, i)) && pair_at(in, i++, n) == 0) return Copied::Invalid;
    }
  }
  return ((seen | __builtin_reduce_or(all)) & 0xFF00) == 0 ? Copied::Latin1 : Copied::Wide;
}

Latin1Prefix utf8_to_latin1(uint8_t* out, const uint8_t* in, size_t n) {
  size_t i = 0, o = 0;
  while (i < n) {
    if (n - i >= 8 && ascii8(in + i)) {
      store(out + o, load<uint64_t>(in + i));
      i += 8, o += 8;
      continue;
    }
    for (size_t stop = n - i < 8 ? n : i + 8; i < stop;) {
      uint32_t code;
      uint32_t length = decode_utf8(in + i, n - i, &code);
      if (length == 0) return {kInvalid, 0};
      if (code > 0xFF) return {i, o};
      out[o++] = static_cast<uint8_t>(code);
      i += length;
    }
  }
  return {i, o};
}

void widen_in_place(uint8_t* text, size_t n) {
  // From the end: unit i is written at 2i and up, where only bytes stood that have been read.
  for (; n >= 8; n -= 8) widen8(text + 2 * (n - 8), text + n - 8);
  while (n-- > 0) put_unit(text, n, text[n]);
}

void narrow_in_place(uint8_t* text, size_t n) {
  size_t i = 0;
  for (; n - i >= 8; i += 8) narrow8(text + i, text + 2 * i);
  for (; i < n; ++i) text[i] = text[2 * i];
}

}  // namespace wjit::transcode
