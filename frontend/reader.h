// Bounds-checked reading of binary modules and components: bytes, LEB128 numbers, names, vectors.
//
// Errors go to a sink that keeps the first one. After a failure every reader of that sink stands at its end and gives
// zeros, so that callers test ok() once a loop, not after each read; nothing that was read after a failure may be used.
// Numbers are checked as the core specification's chapter 5.2 says: not longer than their type, no bits beyond it.
// Users: frontend/decoder*.cpp, frontend/validator*.cpp, the decoder of components. Test: test/unit/reader_test.cpp.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "frontend/module.h"

namespace wjit {

// Keeps the first error. Not thread-safe: one for each decoding.
class ErrorSink {
 public:
  bool ok() const { return !error_.has_value(); }
  // Requires !ok().
  InputError take() { return std::move(*error_); }
  void report(InputFault fault, size_t offset, std::string message) {
    if (!error_) error_ = InputError{.fault = fault, .message = std::move(message), .offset = offset};
  }

 private:
  std::optional<InputError> error_;
};

class Reader {
 public:
  // Reads `range` of `bytes`, whose lifetime is the caller's concern; offsets are those of `bytes`.
  Reader(std::span<const uint8_t> bytes, ByteRange range, ErrorSink& sink)
      : base_(bytes.data()), pos_(base_ + range.begin), end_(base_ + range.end), sink_(&sink) {}

  bool ok() const { return sink_->ok(); }
  bool at_end() const { return pos_ == end_; }
  uint32_t offset() const { return static_cast<uint32_t>(pos_ - base_); }
  uint32_t end_offset() const { return static_cast<uint32_t>(end_ - base_); }
  size_t remaining() const { return static_cast<size_t>(end_ - pos_); }
  ErrorSink& sink() { return *sink_; }

  // The next byte without taking it; 0 at the end.
  uint8_t peek() const { return pos_ < end_ ? *pos_ : 0; }
  uint8_t byte() {
    if (pos_ < end_) [[likely]]
      return *pos_++;
    return static_cast<uint8_t>(fail_at_end());
  }

  uint32_t u32() {
    if (pos_ < end_ && *pos_ < 0x80) [[likely]]
      return *pos_++;
    return static_cast<uint32_t>(leb_unsigned(32));
  }
  uint64_t u64() {
    if (pos_ < end_ && *pos_ < 0x80) return *pos_++;
    return leb_unsigned(64);
  }
  uint16_t u16() { return static_cast<uint16_t>(leb_unsigned(16)); }
  int16_t s16() { return static_cast<int16_t>(leb_signed(16)); }
  int32_t s32() { return static_cast<int32_t>(leb_signed(32)); }
  int64_t s33() { return leb_signed(33); }
  int64_t s64() { return leb_signed(64); }
  uint32_t fixed32() { return fixed<uint32_t>(); }
  uint64_t fixed64() { return fixed<uint64_t>(); }

  // The length of a vector. More elements than bytes are left is malformed; more than `limit` is an implementation
  // limit
  // ("too many <what>", Unsupported). So what the caller reserves is bounded by the size of the input.
  uint32_t count(uint32_t limit, std::string_view what);

  // A vec(byte) that must be UTF-8; the view is into the bytes.
  std::string_view name();
  // `size` bytes from here, taken.
  ByteRange take(uint32_t size);
  // A reader of the next `size` bytes, which this one skips. Its end is "end of section or function" in messages.
  Reader sub(uint32_t size);
  // Fails unless everything was read ("section size mismatch").
  void expect_end();
  // Moves to an absolute offset within the range, for readers that resume; requires it to be in the range.
  void seek(uint32_t offset) { pos_ = base_ + offset; }

  // Report at an absolute offset; the overloads without one report at the current position.
  template <typename... Args>
  void malformed_at(size_t at, fmt::format_string<Args...> format, Args&&... args) {
    fail(InputFault::Malformed, at, fmt::format(format, std::forward<Args>(args)...));
  }
  template <typename... Args>
  void invalid_at(size_t at, fmt::format_string<Args...> format, Args&&... args) {
    fail(InputFault::Invalid, at, fmt::format(format, std::forward<Args>(args)...));
  }
  template <typename... Args>
  void unsupported_at(size_t at, fmt::format_string<Args...> format, Args&&... args) {
    fail(InputFault::Unsupported, at, fmt::format(format, std::forward<Args>(args)...));
  }
  template <typename... Args>
  void malformed(fmt::format_string<Args...> format, Args&&... args) {
    malformed_at(offset(), format, std::forward<Args>(args)...);
  }
  template <typename... Args>
  void invalid(fmt::format_string<Args...> format, Args&&... args) {
    invalid_at(offset(), format, std::forward<Args>(args)...);
  }
  void fail(InputFault fault, size_t at, std::string message);

 private:
  template <typename T>
  T fixed() {
    if (remaining() < sizeof(T)) return static_cast<T>(fail_at_end());
    T value;
    std::memcpy(&value, pos_, sizeof value);  // x86-64 and arm64 are little-endian, as the format is
    pos_ += sizeof value;
    return value;
  }
  uint64_t leb_unsigned(unsigned bits);
  int64_t leb_signed(unsigned bits);
  uint64_t fail_at_end();

  const uint8_t* base_;
  const uint8_t* pos_;
  const uint8_t* end_;
  ErrorSink* sink_;
  bool is_part_ = false;  // of a section or function: only for the message at the end
};

}  // namespace wjit
