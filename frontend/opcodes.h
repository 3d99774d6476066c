// What the opcode table (opcodes.def) expands to: an enum, the immediate kinds, and one constant row per instruction.
// The decoder, the validator, the text parser, the printer and the emitter all index it, so a missing row does not
// build. Covered by test/unit/opcodes_test.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace wjit {

enum class Opcode : uint16_t {
#define OPCODE(name, ...) name,
#include "frontend/opcodes.def"
#undef OPCODE
};

// What follows an opcode in the binary format (the text format has the same data, indices symbolic).
enum class Immediate : uint8_t {
  None,
  Block,         // block type
  Label,         // label index
  LabelTable,    // vec(label) default
  Func,          // function index
  Type,          // type index
  CallIndirect,  // type index, table index
  Local,
  Global,
  Table,
  Memory,
  Tag,
  Data,
  Elem,
  MemArg,        // align (bit 6: memory index follows), offset
  MemArgLane,    // MemArg, lane byte
  Lane,          // one byte
  Shuffle,       // 16 lane bytes
  I32,           // s32 LEB
  I64,           // s64 LEB
  F32,           // 4 bytes
  F64,           // 8 bytes
  V128,          // 16 bytes
  SelectTypes,   // vec(valtype)
  HeapType,      // s33
  DataMemory,    // data index, memory index
  MemoryMemory,  // destination, source
  ElemTable,     // elem index, table index
  TableTable,    // destination, source
  TryTable,      // block type, vec(catch)
  TypeField,     // type index, field index
  TypeCount,     // type index, u32
  TypeData,      // type index, data index
  TypeElem,      // type index, elem index
  TypeType,      // type index, type index
  BrOnCast,      // flags byte, label, heap type, heap type
};

enum class Feature : uint8_t {
  Mvp,
  Wasm2,
  Wasm3,
  Simd,
  RelaxedSimd,
  TailCall,
  FunctionReferences,
  Gc,
  Exceptions,
};

struct OpcodeInfo {
  Opcode opcode;
  uint8_t prefix;  // 0, 0xFB, 0xFC, 0xFD
  uint16_t code;
  std::string_view text;
  Immediate immediate;
  std::string_view signature;  // see opcodes.def; "*" has typing of its own
  Feature feature;
};

// All rows, indexed by Opcode.
std::span<const OpcodeInfo> opcode_table();
inline const OpcodeInfo& info(Opcode op) { return opcode_table()[static_cast<uint16_t>(op)]; }

// The row of an encoding, null when there is none. `prefix` 0 for one-byte opcodes.
const OpcodeInfo* find_opcode(uint8_t prefix, uint32_t code);

// The (first) row of a text name, null when there is none.
const OpcodeInfo* find_opcode(std::string_view text);

// MemArg, MemArgLane: the logarithm of the alignment that the text format leaves out.
uint32_t natural_alignment_log2(const OpcodeInfo& row);

// "tail calls", "garbage collection", … for messages.
std::string_view name(Feature feature);

}  // namespace wjit
