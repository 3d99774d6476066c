// The loops of the Canonical ABI's strings: from one encoding and memory to another, checked on the way, in one pass.
// Each does a part of what a store_string_* of the specification does between two calls of realloc; the adapters put
// the parts together (abi/adapter_string.cpp) and reach them through abi/strings.cpp. Code units are little-endian;
// latin1 is a byte for each character below U+0100. `n` counts code units of the source. Source and destination do not
// overlap, but for the two that work in place; pointers need no alignment. Where ASCII (latin1) runs on, 8 or more
// units go at a time. Leaf functions for any thread. Test: test/unit/transcode_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wjit::transcode {

constexpr size_t kInvalid = SIZE_MAX;  // the source is not valid in its encoding

// Copies bytes up to the first that is not ASCII; how many.
size_t ascii_to_ascii(uint8_t* out, const uint8_t* in, size_t n);
// Copies units up to the first that is not ASCII, or not below U+0100; how many.
size_t utf16_to_ascii(uint8_t* out, const uint8_t* in, size_t n);
size_t utf16_to_latin1(uint8_t* out, const uint8_t* in, size_t n);
// Bytes written: at most 2n, 3n.
size_t latin1_to_utf8(uint8_t* out, const uint8_t* in, size_t n);
size_t utf16_to_utf8(uint8_t* out, const uint8_t* in, size_t n);  // or kInvalid
// Units written: at most n.
size_t utf8_to_utf16(uint8_t* out, const uint8_t* in, size_t n);  // or kInvalid
void latin1_to_utf16(uint8_t* out, const uint8_t* in, size_t n);
// Copies what is there; tells whether every unit is below U+0100.
enum class Copied : uint8_t { Latin1, Wide, Invalid };
Copied utf16_to_utf16(uint8_t* out, const uint8_t* in, size_t n);
// Up to the first character that is not below U+0100. `consumed` may be kInvalid.
struct Latin1Prefix {
  size_t consumed, written;
};
Latin1Prefix utf8_to_latin1(uint8_t* out, const uint8_t* in, size_t n);
// n latin1 characters at `text` become n units there, and back (units below U+0100).
void widen_in_place(uint8_t* text, size_t n);
void narrow_in_place(uint8_t* text, size_t n);

}  // namespace wjit::transcode
