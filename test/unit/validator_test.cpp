// Typing of expressions (frontend/validator*.cpp): bodies are given as bytes, in a module that has some of everything.
#include "frontend/validator.h"

#include <gtest/gtest.h>

#include "module_bytes.h"

namespace wjit {
namespace {

using namespace test;

enum : uint8_t {
  kI32 = 0x7F,
  kI64 = 0x7E,
  kF32 = 0x7D,
  kFuncRef = 0x70,
  kExternRef = 0x6F,
  kAnyRef = 0x6E,
  kExnRef = 0x69,
  kRef = 0x64,
  kRefNull = 0x63,
  kVoid = 0x40,
  kUnreachable = 0x00,
  kBlock = 0x02,
  kLoop = 0x03,
  kIf = 0x04,
  kElse = 0x05,
  kThrow = 0x08,
  kThrowRef = 0x0A,
  kEnd = 0x0B,
  kBr = 0x0C,
  kBrIf = 0x0D,
  kBrTable = 0x0E,
  kReturn = 0x0F,
  kCall = 0x10,
  kReturnCall = 0x12,
  kCallRef = 0x14,
  kDrop = 0x1A,
  kSelect = 0x1B,
  kSelectT = 0x1C,
  kTryTable = 0x1F,
  kLocalGet = 0x20,
  kLocalSet = 0x21,
  kGlobalGet = 0x23,
  kGlobalSet = 0x24,
  kI32Load = 0x28,
  kI32Const = 0x41,
  kI64Const = 0x42,
  kI32Add = 0x6A,
  kRefNullOp = 0xD0,
  kRefIsNull = 0xD1,
  kRefFunc = 0xD2,
  kRefAsNonNull = 0xD4,
  kBrOnNull = 0xD5,
  kBrOnNonNull = 0xD6,
  kGc = 0xFB,
  kMisc = 0xFC,
  kVector = 0xFD,
};

// Types: 0 [] -> [], 1 [i32] -> [i32], 2 (struct (mut i32) i8), 3 (array (mut i32)), 4 [] -> [i32], 5 [i32 i64] ->
// [i32]. Functions: 0 of type 1 (exported), 1 of type 4 (not referenced), 2 the one under test. Memories: 0 i32, 1 i64.
// Globals: 0 i32 immutable, 1 i32 mutable. Tags: 0 [i32]. Table 0: funcref.
Bytes module_with(const Bytes& type, const Bytes& code) {
  return preamble() +
         section(1, Bytes{8,    0x60, 0,    0, 0x60, 1,    kI32, 1, kI32, 0x5F, 2, kI32, 1,    0x78, 0,    0x5E,
                          kI32, 1,    0x60, 0, 1,    kI32, 0x60, 2, kI32, kI64, 1, kI32, 0x60, 1,    kI32, 0} +
                        type) +
         section(3, {3, 1, 4, 7}) + section(4, {1, kFuncRef, 0, 1}) + section(5, {2, 0, 1, 4, 1}) +
         section(13, {1, 0, 6}) + section(6, {2, kI32, 0, kI32Const, 0, kEnd, kI32, 1, kI32Const, 0, kEnd}) +
         section(7, {1, 1, 'f', 0, 0}) + section(12, {1}) +
         section(10, Bytes{3} + sized({0, kLocalGet, 0, kEnd}) + sized({0, kI32Const, 0, kEnd}) + sized(code)) +
         section(11, {1, 1, 0});
}

// The verdict on a body [] -> [i32] (`end` is added) with one i32 local.
std::string body(const Bytes& instructions) {
  return verdict(module_with({0x60, 0, 1, kI32}, Bytes{1, 1, kI32} + instructions + Bytes{kEnd}));
}

TEST(Validator, PlainInstructions) {
  EXPECT_EQ(body({kI32Const, 1, kI32Const, 2, kI32Add}), "");
  EXPECT_EQ(body({kI32Const, 1, kI64Const, 2, kI32Add}), "invalid: type mismatch: expected i32, found i64");
  EXPECT_EQ(body({kI32Const, 1, kI32Add}), "invalid: type mismatch: expected i32, found an empty stack");
  EXPECT_EQ(body({}), "invalid: type mismatch: expected i32, found an empty stack");
  EXPECT_EQ(body({kI32Const, 1, kI32Const, 1}),
            "invalid: type mismatch: 1 values left on the stack at the end of a block");
  EXPECT_EQ(body({0xFF}), "malformed: illegal opcode ff");
  EXPECT_EQ(body({kMisc, 0x7F}), "malformed: illegal opcode fc 7f");
  EXPECT_EQ(body({kEnd, kI32Const}), "invalid: type mismatch: expected i32, found an empty stack");
  EXPECT_EQ(body({kI32Const, 0, kEnd}), "malformed: section size mismatch: 1 bytes left over");
}

TEST(Validator, TheOffsetIsThatOfTheInstruction) {
  const Bytes code = {0, kI32Const, 1, kI64Const, 2, kI32Add, kEnd};
  const Bytes module = module_with({0x60, 0, 1, kI32}, code);
  const auto result = decode(module);
  ASSERT_FALSE(result);
  EXPECT_EQ(module[result.error().offset], kI32Add);
}

TEST(Validator, UnreachableCodeIsPolymorphicButTyped) {
  EXPECT_EQ(body({kUnreachable}), "");
  EXPECT_EQ(body({kUnreachable, kI32Add}), "");
  EXPECT_EQ(body({kUnreachable, kI64Const, 0}), "invalid: type mismatch: expected i32, found i64");
  EXPECT_EQ(body({kUnreachable, kSelect, kI32Const, 0, kI32Add}), "");
  EXPECT_EQ(body({kUnreachable, kRefAsNonNull, kRefIsNull}), "");
  EXPECT_EQ(body({kUnreachable, kRefAsNonNull}), "invalid: type mismatch: expected i32, found (ref bot)");
  EXPECT_EQ(body({kBlock, kVoid, kReturn, kEnd}), "invalid: type mismatch: expected i32, found an empty stack");
}

TEST(Validator, BlocksAndBranches) {
  EXPECT_EQ(body({kBlock, kI32, kI32Const, 1, kBr, 0, kEnd}), "");
  EXPECT_EQ(body({kI32Const, 1, kBlock, 1, kEnd}), "");  // by type index
  EXPECT_EQ(body({kBlock, 2, kEnd}), "invalid: type mismatch: block type 2 is not a function type");
  EXPECT_EQ(body({kBlock, 50, kEnd}), "invalid: unknown type 50");
  EXPECT_EQ(body({kLoop, kI32, kBr, 0, kEnd}), "");  // a loop's label has its parameters
  EXPECT_EQ(body({kBr, 2}), "invalid: unknown label 2");
  EXPECT_EQ(body({kI32Const, 0, kIf, kI32, kI32Const, 1, kElse, kI32Const, 2, kEnd}), "");
  EXPECT_EQ(body({kI32Const, 0, kIf, kI32, kI32Const, 1, kEnd}),
            "invalid: type mismatch: expected i32, found an empty stack");
  EXPECT_EQ(body({kI32Const, 0, kI32Const, 0, kIf, 1, kEnd}), "");  // parameters are results
  EXPECT_EQ(body({kElse}), "malformed: else without if");
  EXPECT_EQ(body({kI32Const, 7, kI32Const, 0, kBrIf, 0}), "");
  EXPECT_EQ(body({kBlock, kVoid, kI32Const, 7, kI32Const, 0, kBrTable, 1, 0, 1, kEnd}),
            "invalid: type mismatch: labels of different arity");
  EXPECT_EQ(body({kBlock, kI32, kI32Const, 7, kI32Const, 0, kBrTable, 1, 0, 1, kEnd}), "");
}

TEST(Validator, SelectNeedsATypeForReferences) {
  const Bytes operands = {kRefNullOp, kFuncRef, kRefNullOp, kFuncRef, kI32Const, 0};
  EXPECT_EQ(body(operands + Bytes{kSelect, kRefIsNull}),
            "invalid: type mismatch: select without a type needs numbers or vectors");
  EXPECT_EQ(body(operands + Bytes{kSelectT, 1, kFuncRef, kRefIsNull}), "");
  EXPECT_EQ(body(operands + Bytes{kSelectT, 2, kFuncRef, kFuncRef, kRefIsNull}), "invalid: invalid result arity");
  EXPECT_EQ(body({kI32Const, 0, kI64Const, 0, kI32Const, 0, kSelect}),
            "invalid: type mismatch: expected i32, found i64");
}

TEST(Validator, VariablesAndGlobals) {
  EXPECT_EQ(body({kLocalGet, 0}), "");
  EXPECT_EQ(body({kLocalGet, 1}), "invalid: unknown local 1");
  EXPECT_EQ(body({kGlobalGet, 1}), "");
  EXPECT_EQ(body({kI32Const, 0, kGlobalSet, 0, kI32Const, 0}), "invalid: immutable global 0");
  EXPECT_EQ(body({kGlobalGet, 2}), "invalid: unknown global 2");
}

TEST(Validator, ManyLocals) {
  // 300 i32, then 300 i64: index 299 and 300 are on both sides of the border, beyond the flat part.
  const Bytes locals = {2, 0xAC, 0x02, kI32, 0xAC, 0x02, kI64};
  auto code = [&](Bytes get) { return verdict(module_with({0x60, 0, 1, kI32}, locals + get + Bytes{kEnd})); };
  EXPECT_EQ(code({kLocalGet, 0xAB, 0x02}), "");
  EXPECT_EQ(code({kLocalGet, 0xAC, 0x02}), "invalid: type mismatch: expected i32, found i64");
  EXPECT_EQ(code({kLocalGet, 0xD8, 0x04}), "invalid: unknown local 600");
}

TEST(Validator, LocalsWithoutDefaultMustBeSet) {
  const Bytes locals = {1, 1, kRef, 0x6C};  // (ref i31)
  const Bytes make = {kI32Const, 0, kGc, 0x1C};
  const Bytes use = {kLocalGet, 0, kGc, 0x1D};
  auto code = [&](const Bytes& b) { return verdict(module_with({0x60, 0, 1, kI32}, locals + b + Bytes{kEnd})); };
  EXPECT_EQ(code(use), "invalid: uninitialized local 0");
  EXPECT_EQ(code(make + Bytes{kLocalSet, 0} + use), "");
  EXPECT_EQ(code(Bytes{kBlock, kVoid} + make + Bytes{kLocalSet, 0, kEnd} + use), "invalid: uninitialized local 0");
  EXPECT_EQ(code(Bytes{kI32Const, 0, kIf, kI32} + make + Bytes{kLocalSet, 0} + use + Bytes{kElse} + use + Bytes{kEnd}),
            "invalid: uninitialized local 0");
}

TEST(Validator, MemoryAccess) {
  EXPECT_EQ(body({kI32Const, 0, kI32Load, 2, 0}), "");
  EXPECT_EQ(body({kI32Const, 0, kI32Load, 3, 0}), "invalid: alignment must not be larger than natural");
  EXPECT_EQ(body({kI64Const, 0, kI32Load, 0x42, 1, 0}), "");  // memory 1 has i64 addresses
  EXPECT_EQ(body({kI32Const, 0, kI32Load, 0x42, 1, 0}), "invalid: type mismatch: expected i64, found i32");
  EXPECT_EQ(body({kI32Const, 0, kI32Load, 0x42, 2, 0}), "invalid: unknown memory 2");
  EXPECT_EQ(body({kI32Const, 0, kI32Load, 2, 0x80, 0x80, 0x80, 0x80, 0x10}), "invalid: offset out of range");
  EXPECT_EQ(body({kI32Const, 0, kI32Load, 0x80, 0x01, 0}), "malformed: malformed memop flags");
  // memory.copy from memory 0 to memory 1: the size is i32
  EXPECT_EQ(body({kI64Const, 0, kI32Const, 0, kI32Const, 0, kMisc, 0x0A, 1, 0, kI32Const, 0}), "");
}

TEST(Validator, Vectors) {
  const Bytes zero = Bytes{kVector, 0x0C} + Bytes(16, 0);
  EXPECT_EQ(body(zero + Bytes{kVector, 0x15, 15}), "");  // i8x16.extract_lane_s
  EXPECT_EQ(body(zero + Bytes{kVector, 0x15, 16}), "invalid: invalid lane index");
  EXPECT_EQ(body(zero + Bytes{kVector, 0x1B, 4}), "invalid: invalid lane index");  // i32x4.extract_lane
  EXPECT_EQ(body(zero + zero + Bytes{kVector, 0x0D} + Bytes(16, 31) + Bytes{kVector, 0x53}), "");
  EXPECT_EQ(body(zero + zero + Bytes{kVector, 0x0D} + Bytes(16, 32) + Bytes{kVector, 0x53}),
            "invalid: invalid lane index");
  EXPECT_EQ(body(Bytes{kI32Const, 0} + zero + Bytes{kVector, 0x56, 2, 0, 3, kVector, 0x53}), "");  // v128.load32_lane
  EXPECT_EQ(body(Bytes{kI32Const, 0} + zero + Bytes{kVector, 0x56, 2, 0, 4, kVector, 0x53}),
            "invalid: invalid lane index");
  EXPECT_EQ(body({kI32Const, 0, kVector, 0x01, 4, 0, kVector, 0x53}),  // v128.load8x8_s accesses 8 bytes
            "invalid: alignment must not be larger than natural");
}

TEST(Validator, Calls) {
  EXPECT_EQ(body({kI32Const, 0, kCall, 0}), "");
  EXPECT_EQ(body({kCall, 9}), "invalid: unknown function 9");
  EXPECT_EQ(body({kI32Const, 0, kReturnCall, 0}), "");
  EXPECT_EQ(body({kI32Const, 0, kRefFunc, 0, kCallRef, 1}), "");
  EXPECT_EQ(body({kI32Const, 0, kRefFunc, 0, kCallRef, 4}),
            "invalid: type mismatch: expected (ref null 4), found (ref 1)");
  EXPECT_EQ(body({kRefFunc, 1, kRefIsNull}), "invalid: undeclared function reference 1");
}

TEST(Validator, BranchesOnReferences) {
  EXPECT_EQ(body({kBlock, kVoid, kRefNullOp, 1, kBrOnNull, 0, kDrop, kEnd, kI32Const, 0}), "");
  EXPECT_EQ(body({kBlock, kRef, 1, kRefNullOp, 1, kBrOnNonNull, 0, kUnreachable, kEnd, kRefIsNull}), "");
  // br_on_cast to (ref i31) from anyref; the label takes (ref i31)
  EXPECT_EQ(
      body({kBlock, kRef, 0x6C, kRefNullOp, kAnyRef, kGc, 0x18, 1, 0, kAnyRef, 0x6C, kUnreachable, kEnd, kGc, 0x1D}),
      "");
  EXPECT_EQ(
      body({kBlock, kRef, 0x6C, kRefNullOp, kAnyRef, kGc, 0x18, 1, 0, kAnyRef, kFuncRef, kUnreachable, kEnd, kDrop}),
      "invalid: type mismatch: expected (ref null any), found (ref func)");
}

TEST(Validator, StructuresAndArrays) {
  const Bytes make = {kI32Const, 1, kI32Const, 2, kGc, 0x00, 2};
  EXPECT_EQ(body(make + Bytes{kGc, 0x02, 2, 0}), "");
  EXPECT_EQ(body(make + Bytes{kGc, 0x02, 2, 1}), "invalid: type mismatch: field is packed");
  EXPECT_EQ(body(make + Bytes{kGc, 0x03, 2, 1}), "");
  EXPECT_EQ(body(make + Bytes{kGc, 0x02, 2, 2}), "invalid: unknown field 2");
  EXPECT_EQ(body(make + Bytes{kI32Const, 0, kGc, 0x05, 2, 1, kI32Const, 0}), "invalid: immutable field");
  EXPECT_EQ(body({kI32Const, 1, kGc, 0x08, 3, 1, kI32Const, 0, kGc, 0x0B, 3}), "");  // array.new_fixed, array.get
  EXPECT_EQ(body({kI32Const, 0, kI32Const, 0, kGc, 0x09, 3, 0, kGc, 0x0F}), "");     // array.new_data, array.len
  EXPECT_EQ(body({kGc, 0x00, 3}), "invalid: type mismatch: type 3 is not a structure type");
}

TEST(Validator, Exceptions) {
  EXPECT_EQ(body({kI32Const, 1, kThrow, 0}), "");
  EXPECT_EQ(body({kThrow, 1}), "invalid: unknown tag 1");
  EXPECT_EQ(body({kRefNullOp, kExnRef, kThrowRef}), "");
  // catch 0 to a label that takes i32; catch_all to one that does
  EXPECT_EQ(body({kBlock, kI32, kTryTable, kI32, 1, 0, 0, 0, kI32Const, 1, kEnd, kEnd}), "");
  EXPECT_EQ(body({kBlock, kI32, kTryTable, kI32, 1, 2, 0, kI32Const, 1, kEnd, kEnd}),
            "invalid: type mismatch: 0 values where 1 are needed");
  EXPECT_EQ(body({kBlock, kExnRef, kTryTable, kVoid, 1, 3, 0, kEnd, kUnreachable, kEnd, kThrowRef}), "");
  EXPECT_EQ(body({kTryTable, kVoid, 1, 4, 0, kEnd}), "malformed: malformed catch clause");
}

TEST(Validator, DataIndicesNeedADataCount) {
  const Bytes head = preamble() + section(1, {1, 0x60, 0, 0}) + section(3, {1, 0}) + section(5, {1, 0, 1});
  const Bytes code = section(10, Bytes{1} + sized({0, kMisc, 0x09, 0, kEnd}));
  EXPECT_EQ(verdict(head + code + section(11, {1, 1, 0})), "malformed: data count section required");
  EXPECT_EQ(verdict(head + section(12, {1}) + code + section(11, {1, 1, 0})), "");
}

TEST(Validator, ConstantExpressions) {
  auto global = [](const Bytes& type, const Bytes& init) {
    return verdict(preamble() + section(6, Bytes{2, kI32, 0, kI32Const, 5, kEnd} + type + init + Bytes{kEnd}));
  };
  EXPECT_EQ(global({kI32, 0}, {kGlobalGet, 0, kI32Const, 1, kI32Add}), "");
  EXPECT_EQ(global({kI32, 0}, {kGlobalGet, 1}), "invalid: unknown global 1");
  EXPECT_EQ(global({kI32, 0}, {kI32Const, 1, 0x45}), "invalid: constant expression required, found i32.eqz");
  EXPECT_EQ(global({kF32, 0}, {kI32Const, 1}), "invalid: type mismatch: expected f32, found i32");
  EXPECT_EQ(global({kFuncRef, 0}, {kRefNullOp, kFuncRef}), "");
  EXPECT_EQ(global({kRef, 0x6C, 0}, {kI32Const, 1, kGc, 0x1C}), "");
}

// Every instruction with zeros behind it, in reachable and in unreachable code: each row of the opcode table is found
// and has its typing, and none fails worse than with an error.
TEST(Validator, EveryInstructionIsTyped) {
  for (const OpcodeInfo& row : opcode_table()) {
    Bytes instruction = row.prefix == 0 ? Bytes{static_cast<uint8_t>(row.code)} : Bytes{row.prefix} + u32(row.code);
    instruction = instruction + Bytes(20, 0);
    EXPECT_EQ(body(instruction).find("illegal opcode"), std::string::npos) << row.text;
    EXPECT_EQ(body(Bytes{kUnreachable} + instruction).find("illegal opcode"), std::string::npos) << row.text;
  }
}

}  // namespace
}  // namespace wjit
