// Reads function bodies that are known to be valid: no checks, unlike frontend/reader.h. Opcodes, LEB128 numbers,
// immediates, and skipping the immediates of an instruction that nobody wants.
// Used by the two passes over a body: body_scan.cpp, then the emitter. Tests: all of test/lit/ir.
#pragma once

#include <cstdint>
#include <cstring>

#include "frontend/module.h"
#include "frontend/opcodes.h"

namespace wjit::ir {

struct MemArg {
  uint32_t memory = 0;
  uint64_t offset = 0;
};

struct CatchClause {
  enum class Kind : uint8_t { Catch, CatchRef, CatchAll, CatchAllRef } kind = Kind::Catch;
  uint32_t tag = 0;    // Catch, CatchRef
  uint32_t label = 0;  // counted from outside of the try_table
  bool is_all() const { return kind >= Kind::CatchAll; }
  bool is_ref() const { return kind == Kind::CatchRef || kind == Kind::CatchAllRef; }
};

class CodeReader {
 public:
  CodeReader(const Module& module, ByteRange body)
      : module_(&module), base_(module.bytes->data()), pos_(base_ + body.begin), end_(base_ + body.end) {}

  bool at_end() const { return pos_ == end_; }
  // Byte offset in the module's bytes.
  uint32_t offset() const { return static_cast<uint32_t>(pos_ - base_); }

  Opcode opcode() {
    uint8_t first = byte();
    const OpcodeInfo* row = first >= 0xFB && first <= 0xFD ? find_opcode(first, u32()) : find_opcode(0, first);
    return row->opcode;
  }

  uint8_t byte() { return *pos_++; }
  uint32_t u32() { return static_cast<uint32_t>(u64()); }
  uint64_t u64() {
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      uint8_t next = *pos_++;
      value |= uint64_t{next & 0x7Fu} << shift;
      if (next < 0x80) return value;
    }
  }
  int32_t s32() { return static_cast<int32_t>(s64()); }
  int64_t s64() {
    uint64_t value = 0;
    unsigned shift = 0;
    uint8_t next;
    do {
      next = *pos_++;
      value |= uint64_t{next & 0x7Fu} << shift;
      shift += 7;
    } while (next >= 0x80);
    if (shift < 64 && (next & 0x40)) value |= ~uint64_t{0} << shift;
    return static_cast<int64_t>(value);
  }
  template <typename T>
  T fixed() {
    T value;
    std::memcpy(&value, pos_, sizeof value);
    pos_ += sizeof value;
    return value;
  }

  MemArg mem_arg() {
    MemArg result;
    if (u32() & 0x40) result.memory = u32();  // the alignment hint is of no use
    result.offset = u64();
    return result;
  }
  CatchClause catch_clause() {
    CatchClause clause;
    clause.kind = static_cast<CatchClause::Kind>(byte());
    if (!clause.is_all()) clause.tag = u32();
    clause.label = u32();
    return clause;
  }
  ValType value_type();
  // A block type as a function type; it lives as long as the module (or for ever).
  const FuncType& block_type();

  void skip(Immediate immediate);

 private:
  const Module* module_;
  const uint8_t* base_;
  const uint8_t* pos_;
  const uint8_t* end_;
};

}  // namespace wjit::ir
