// The line number program of DWARF 4, section 6.2: only address and line are followed. Interface: jit/orc_lines.h.
#include "jit/orc_lines.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace wjit {
namespace {

class Cursor {
 public:
  Cursor(const uint8_t* at, const uint8_t* end) : at_(at), end_(end) {}
  bool ok() const { return ok_; }
  bool at_end() const { return at_ >= end_; }
  const uint8_t* at() const { return at_; }
  void skip(uint64_t bytes) {
    if (bytes > static_cast<uint64_t>(end_ - at_)) return stop();
    at_ += bytes;
  }
  template <typename T>
  T fixed() {
    T value = 0;
    if (static_cast<size_t>(end_ - at_) < sizeof value) {
      stop();
      return 0;
    }
    memcpy(&value, at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  uint8_t byte() { return fixed<uint8_t>(); }
  uint64_t unsigned_leb() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const uint8_t b = byte();
      value |= uint64_t{b & 0x7Fu} << shift;
      if (b < 0x80) break;
    }
    return value;
  }
  int64_t signed_leb() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const uint8_t b = byte();
      value |= uint64_t{b & 0x7Fu} << shift;
      if (b < 0x80) {
        if ((b & 0x40) && shift + 7 < 64) value |= ~uint64_t{0} << (shift + 7);
        break;
      }
    }
    return static_cast<int64_t>(value);
  }

 private:
  void stop() {
    ok_ = false;
    at_ = end_;
  }
  const uint8_t* at_;
  const uint8_t* end_;
  bool ok_ = true;
};

enum : uint8_t {
  kExtended = 0,
  kCopy = 1,
  kAdvancePc = 2,
  kAdvanceLine = 3,
  kConstAddPc = 8,
  kFixedAdvancePc = 9,
  kEndSequence = 1,
  kSetAddress = 2,
};

// One table, `unit` standing behind its length field.
void read_table(Cursor unit, std::vector<std::pair<uint64_t, uint32_t>>& rows) {
  if (unit.fixed<uint16_t>() != 4) return;
  const auto header_length = unit.fixed<uint32_t>();
  Cursor header = unit;
  unit.skip(header_length);
  const uint8_t min_instruction_length = header.byte();
  header.skip(2);  // maximum operations per instruction (VLIW), default is_stmt
  const auto line_base = static_cast<int8_t>(header.byte());
  const uint8_t line_range = header.byte();
  const uint8_t opcode_base = header.byte();
  if (!header.ok() || line_range == 0 || opcode_base == 0) return;
  std::vector<uint8_t> operands(opcode_base);
  for (unsigned i = 1; i < opcode_base; ++i) operands[i] = header.byte();

  uint64_t address = 0;
  uint64_t line = 1;
  while (unit.ok() && !unit.at_end()) {
    const uint8_t opcode = unit.byte();
    if (opcode >= opcode_base) {
      const unsigned adjusted = opcode - opcode_base;
      address += uint64_t{adjusted / line_range} * min_instruction_length;
      line += static_cast<uint64_t>(line_base + static_cast<int>(adjusted % line_range));
      rows.emplace_back(address, static_cast<uint32_t>(line));
      continue;
    }
    switch (opcode) {
      case kExtended: {
        const uint64_t length = unit.unsigned_leb();
        Cursor extended = unit;
        unit.skip(length);
        const uint8_t kind = extended.byte();
        if (kind == kSetAddress) address = extended.fixed<uint64_t>();
        if (kind == kEndSequence) {
          rows.emplace_back(address, 0);
          address = 0;
          line = 1;
        }
        break;
      }
      case kCopy: rows.emplace_back(address, static_cast<uint32_t>(line)); break;
      case kAdvancePc: address += unit.unsigned_leb() * min_instruction_length; break;
      case kAdvanceLine: line += static_cast<uint64_t>(unit.signed_leb()); break;
      case kConstAddPc: address += uint64_t{(255u - opcode_base) / line_range} * min_instruction_length; break;
      case kFixedAdvancePc: address += unit.fixed<uint16_t>(); break;
      default:
        for (unsigned i = 0; i < operands[opcode]; ++i) unit.unsigned_leb();
    }
  }
}

}  // namespace

std::vector<std::pair<uint64_t, uint32_t>> read_line_rows(std::span<const uint8_t> debug_line) {
  std::vector<std::pair<uint64_t, uint32_t>> rows;
  Cursor section(debug_line.data(), debug_line.data() + debug_line.size());
  while (!section.at_end()) {
    const auto length = section.fixed<uint32_t>();
    const uint8_t* begin = section.at();
    section.skip(length);
    if (!section.ok()) break;
    read_table(Cursor(begin, begin + length), rows);
  }
  // Sequences come in any order, rows of one in order; of rows with one address the later one counts.
  std::vector<uint32_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](uint32_t i) { return std::pair(rows[i].first, i); });
  std::vector<std::pair<uint64_t, uint32_t>> sorted;
  sorted.reserve(rows.size());
  for (uint32_t i : order) sorted.push_back(rows[i]);
  return sorted;
}

}  // namespace wjit
