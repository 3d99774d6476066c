#include "frontend/opcodes.h"

#include <array>
#include <bit>
#include <charconv>
#include <unordered_map>
#include <vector>

namespace wjit {
namespace {

constexpr OpcodeInfo rows[] = {
#define OPCODE(name, prefix, code, text, immediate, signature, feature) \
  {Opcode::name, prefix, code, text, Immediate::immediate, signature, Feature::feature},
#include "frontend/opcodes.def"
#undef OPCODE
};

constexpr uint16_t kNone = 0xFFFF;

// Row numbers by encoding: one table of 256 for one-byte opcodes, one for each prefix.
struct Encodings {
  std::array<uint16_t, 256> plain;
  std::array<std::array<uint16_t, 512>, 3> prefixed;

  constexpr Encodings() : plain(), prefixed() {
    plain.fill(kNone);
    for (auto& table : prefixed) table.fill(kNone);
    uint16_t index = 0;
    for (const OpcodeInfo& row : rows) {
      (row.prefix == 0 ? plain[row.code] : prefixed[row.prefix - 0xFB][row.code]) = index;
      ++index;
    }
  }
};
constexpr Encodings encodings;

}  // namespace

std::span<const OpcodeInfo> opcode_table() { return rows; }

namespace {

// The logarithm of a memory instruction's natural alignment, from its name: the digits behind "load" or "store" are its
// width in bits ("load8x8" eight times eight), none means the width of the type.
uint32_t natural_alignment(std::string_view name) {
  size_t dot = name.find('.');
  std::string_view type = name.substr(0, dot);
  std::string_view access = name.substr(dot + 1);
  access.remove_prefix(access.starts_with("load") ? 4 : 5);
  auto take_number = [&] {
    unsigned value = 0;
    auto end = std::from_chars(access.data(), access.data() + access.size(), value).ptr;
    access.remove_prefix(static_cast<size_t>(end - access.data()));
    return value;
  };
  unsigned bits = take_number();
  if (bits == 0) bits = type == "v128" ? 128 : type.ends_with("64") ? 64 : 32;
  if (access.starts_with("x")) {
    access.remove_prefix(1);
    bits *= take_number();
  }
  return static_cast<uint32_t>(std::countr_zero(bits / 8));
}

}  // namespace

uint32_t natural_alignment_log2(const OpcodeInfo& row) {
  static const std::vector<uint8_t> table = [] {
    std::vector<uint8_t> alignments;
    for (const OpcodeInfo& each : opcode_table()) {
      bool accesses = each.immediate == Immediate::MemArg || each.immediate == Immediate::MemArgLane;
      alignments.push_back(accesses ? static_cast<uint8_t>(natural_alignment(each.text)) : uint8_t{0});
    }
    return alignments;
  }();
  return table[static_cast<size_t>(row.opcode)];
}

const OpcodeInfo* find_opcode(uint8_t prefix, uint32_t code) {
  uint16_t index = kNone;
  if (prefix == 0) {
    if (code < 256) index = encodings.plain[code];
  } else if (prefix >= 0xFB && prefix <= 0xFD && code < 512) {
    index = encodings.prefixed[prefix - 0xFB][code];
  }
  return index == kNone ? nullptr : &rows[index];
}

const OpcodeInfo* find_opcode(std::string_view text) {
  static const std::unordered_map<std::string_view, const OpcodeInfo*> by_text = [] {
    std::unordered_map<std::string_view, const OpcodeInfo*> map;
    for (const OpcodeInfo& row : rows) map.emplace(row.text, &row);
    return map;
  }();
  auto it = by_text.find(text);
  return it == by_text.end() ? nullptr : it->second;
}

std::string_view name(Feature feature) {
  switch (feature) {
    case Feature::Mvp: return "WebAssembly 1.0";
    case Feature::Wasm2: return "WebAssembly 2.0";
    case Feature::Wasm3: return "WebAssembly 3.0";
    case Feature::Simd: return "vectors (SIMD)";
    case Feature::RelaxedSimd: return "relaxed SIMD";
    case Feature::TailCall: return "tail calls";
    case Feature::FunctionReferences: return "typed function references";
    case Feature::Gc: return "garbage collection";
    case Feature::Exceptions: return "exceptions";
  }
  return "";
}

}  // namespace wjit
