// LEB128 numbers and what else of frontend/reader.h is too large to be inlined.
#include "frontend/reader.h"

#include <algorithm>

namespace wjit {

uint32_t Reader::count(uint32_t limit, std::string_view what) {
  const size_t at = offset();
  const uint32_t n = u32();
  if (n > remaining()) {
    malformed_at(at, "{}", is_part_ ? "unexpected end of section or function" : "length out of bounds");
    return 0;
  }
  if (n > limit) {
    unsupported_at(at, "too many {}: {}, the limit is {}", what, n, limit);
    return 0;
  }
  return n;
}

std::string_view Reader::name() {
  const size_t at = offset();
  const uint32_t size = u32();
  if (size > remaining()) {
    malformed_at(at, "{}", is_part_ ? "unexpected end of section or function" : "length out of bounds");
    return {};
  }
  std::span<const uint8_t> bytes(pos_, size);
  if (!is_utf8(bytes)) {
    malformed("malformed UTF-8 encoding");
    return {};
  }
  pos_ += size;
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

ByteRange Reader::take(uint32_t size) {
  if (size > remaining()) {
    malformed("{}", is_part_ ? "unexpected end of section or function" : "length out of bounds");
    return {offset(), offset()};
  }
  ByteRange range{offset(), offset() + size};
  pos_ += size;
  return range;
}

Reader Reader::sub(uint32_t size) {
  const ByteRange range = take(size);
  Reader part(*this);
  part.pos_ = base_ + range.begin;
  part.end_ = base_ + range.end;
  part.is_part_ = true;
  return part;
}

void Reader::expect_end() {
  if (!at_end()) malformed("section size mismatch: {} bytes left over", remaining());
}

void Reader::fail(InputFault fault, size_t at, std::string message) {
  sink_->report(fault, at, std::move(message));
  pos_ = end_;
}

uint64_t Reader::fail_at_end() {
  malformed_at(end_offset(), "{}", is_part_ ? "unexpected end of section or function" : "unexpected end");
  return 0;
}

uint64_t Reader::leb_unsigned(unsigned bits) {
  const size_t at = offset();
  uint64_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    if (pos_ == end_) return fail_at_end();
    const uint8_t b = *pos_++;
    const unsigned left = bits - shift;
    if (left < 7) {  // the last byte: of its 7 bits only `left` belong to the number
      if (b & 0x80) {
        malformed_at(at, "integer representation too long");
        return 0;
      }
      if (b >> left) {
        malformed_at(at, "integer too large");
        return 0;
      }
    }
    value |= uint64_t{b & 0x7Fu} << shift;
    if (!(b & 0x80)) return value;
  }
}

int64_t Reader::leb_signed(unsigned bits) {
  const size_t at = offset();
  uint64_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    if (pos_ == end_) return static_cast<int64_t>(fail_at_end());
    const uint8_t b = *pos_++;
    const unsigned left = bits - shift;
    if (left < 7) {  // the last byte: its bits from the sign on must be equal
      if (b & 0x80) {
        malformed_at(at, "integer representation too long");
        return 0;
      }
      const uint8_t sign_and_up = static_cast<uint8_t>((b & 0x7F) >> (left - 1));
      if (sign_and_up != 0 && sign_and_up != (0x7F >> (left - 1))) {
        malformed_at(at, "integer too large");
        return 0;
      }
    }
    value |= uint64_t{b & 0x7Fu} << shift;
    if (!(b & 0x80)) {
      if (shift + 7 < 64 && (b & 0x40)) value |= ~uint64_t{0} << (shift + 7);
      return static_cast<int64_t>(value);
    }
  }
}

}  // namespace wjit
