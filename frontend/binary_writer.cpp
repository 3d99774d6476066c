// The interface is frontend/binary_writer.h.
#include "frontend/binary_writer.h"

namespace wjit {

void Writer::u64(uint64_t value, unsigned width) {
  for (; value >= 0x80 || width > 1; width -= width != 0) {
    byte(static_cast<uint8_t>(value | 0x80));
    value >>= 7;
  }
  byte(static_cast<uint8_t>(value));
}

void Writer::s64(int64_t value, unsigned width) {
  // The last byte's bit 6 is the sign of all that follows.
  for (; value < -0x40 || value >= 0x40 || width > 1; width -= width != 0) {
    byte(static_cast<uint8_t>(value | 0x80));
    value >>= 7;
  }
  byte(static_cast<uint8_t>(value & 0x7F));
}

void Writer::vector_section(uint8_t id, uint32_t count, const Writer& entries, bool even_empty) {
  if (count == 0 && !even_empty) return;
  Writer content;
  content.u32(count);
  byte(id);
  u64(content.size() + entries.size());
  bytes(content.span());
  bytes(entries.span());
}

void Writer::custom_section(std::string_view section_name, const Writer& content) {
  Writer head;
  head.name(section_name);
  byte(0);
  u64(head.size() + content.size());
  bytes(head.span());
  bytes(content.span());
}

}  // namespace wjit
