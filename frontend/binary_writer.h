// Writing the binary format: bytes, LEB128 numbers, names, sections. Shared by the assemblers of core modules
// (frontend/text_module.cpp) and of components. A section is written into a Writer of its own and then appended with
// its size in front. Core specification 3.0, sections 5.2 and 5.5. Test: test/unit/text_test.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "frontend/module.h"

namespace wjit {

class Writer {
 public:
  void byte(uint8_t b) { bytes_.push_back(b); }
  void bytes(std::span<const uint8_t> b) { bytes_.insert(bytes_.end(), b.begin(), b.end()); }
  void bytes(std::string_view b) { bytes_.insert(bytes_.end(), b.begin(), b.end()); }
  void fixed32(uint32_t value) { fixed(value, 4); }
  void fixed64(uint64_t value) { fixed(value, 8); }
  // LEB128, minimal; with a width, padded to that many bytes where that is more.
  void u32(uint32_t value, unsigned width = 0) { u64(value, width); }
  void u64(uint64_t value, unsigned width = 0);
  void s32(int32_t value, unsigned width = 0) { s64(value, width); }
  void s33(int64_t value, unsigned width = 0) { s64(value, width); }
  void s64(int64_t value, unsigned width = 0);

  // vec(byte): the length, then the bytes.
  void name(std::string_view text) {
    u32(static_cast<uint32_t>(text.size()));
    bytes(text);
  }
  void sized(std::span<const uint8_t> content) {
    u32(static_cast<uint32_t>(content.size()));
    bytes(content);
  }
  void sized(const Writer& content) { sized(content.span()); }
  // id, size, content.
  void section(uint8_t id, const Writer& content) {
    byte(id);
    sized(content);
  }
  // A section that is a vec: id, size, count, entries. Nothing when count is 0, unless it is wanted even so.
  void vector_section(uint8_t id, uint32_t count, const Writer& entries, bool even_empty = false);
  // The custom section `section_name`.
  void custom_section(std::string_view section_name, const Writer& content);

  size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }
  std::span<const uint8_t> span() const { return bytes_; }
  const Bytes& get() const { return bytes_; }
  Bytes take() { return std::move(bytes_); }
  void clear() { bytes_.clear(); }
  // Cuts everything from `size` on.
  void truncate(size_t size) { bytes_.resize(size); }

 private:
  void fixed(uint64_t value, int size) {
    for (int i = 0; i < size; ++i) bytes_.push_back(static_cast<uint8_t>(value >> (8 * i)));
  }
  Bytes bytes_;
};

}  // namespace wjit
