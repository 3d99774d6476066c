// v128: lanes and integers. The lane shape of an instruction is the prefix of its text name (i16x8.add); LLVM's vector types
// and operations do the rest. What LLVM has no name for is spelled out from lane operations that its instruction selection
// knows again (narrowing: clamp and truncate; averages: widen, add, halve). Loads and stores are in
// emit_vector_memory.cpp, floats in emit_vector_float.cpp; relaxed instructions take the deterministic profile's choice.
#include <llvm/IR/IntrinsicsX86.h>

#include "ir/emit.h"

namespace wjit::ir {

void FunctionEmitter::emit_vector(Opcode op) {
  using llvm::CmpInst;
  using llvm::Instruction;
  namespace Intrinsic = llvm::Intrinsic;
  switch (op) {
    case Opcode::V128Const: {
      uint8_t bytes[16];
      for (uint8_t& byte : bytes) byte = reader_.byte();
      return push(llvm::ConstantDataVector::get(s.context, llvm::ArrayRef<uint8_t>(bytes)));
    }
    case Opcode::I8x16Shuffle: return vector_shuffle();
    case Opcode::I8x16Swizzle:
    case Opcode::I8x16RelaxedSwizzle: return vector_swizzle();
    case Opcode::I8x16Splat:
    case Opcode::I16x8Splat:
    case Opcode::I32x4Splat:
    case Opcode::I64x2Splat:
    case Opcode::F32x4Splat:
    case Opcode::F64x2Splat: return splat(op);
    case Opcode::I8x16ExtractLaneS:
    case Opcode::I16x8ExtractLaneS: return extract_lane(op, true);
    case Opcode::I8x16ExtractLaneU:
    case Opcode::I16x8ExtractLaneU:
    case Opcode::I32x4ExtractLane:
    case Opcode::I64x2ExtractLane:
    case Opcode::F32x4ExtractLane:
    case Opcode::F64x2ExtractLane: return extract_lane(op, false);
    case Opcode::I8x16ReplaceLane:
    case Opcode::I16x8ReplaceLane:
    case Opcode::I32x4ReplaceLane:
    case Opcode::I64x2ReplaceLane:
    case Opcode::F32x4ReplaceLane:
    case Opcode::F64x2ReplaceLane: return replace_lane(op);

    case Opcode::I8x16Eq:
    case Opcode::I16x8Eq:
    case Opcode::I32x4Eq:
    case Opcode::I64x2Eq: return vector_compare(op, CmpInst::ICMP_EQ);
    case Opcode::I8x16Ne:
    case Opcode::I16x8Ne:
    case Opcode::I32x4Ne:
    case Opcode::I64x2Ne: return vector_compare(op, CmpInst::ICMP_NE);
    case Opcode::I8x16LtS:
    case Opcode::I16x8LtS:
    case Opcode::I32x4LtS:
    case Opcode::I64x2LtS: return vector_compare(op, CmpInst::ICMP_SLT);
    case Opcode::I8x16LtU:
    case Opcode::I16x8LtU:
    case Opcode::I32x4LtU: return vector_compare(op, CmpInst::ICMP_ULT);
    case Opcode::I8x16GtS:
    case Opcode::I16x8GtS:
    case Opcode::I32x4GtS:
    case Opcode::I64x2GtS: return vector_compare(op, CmpInst::ICMP_SGT);
    case Opcode::I8x16GtU:
    case Opcode::I16x8GtU:
    case Opcode::I32x4GtU: return vector_compare(op, CmpInst::ICMP_UGT);
    case Opcode::I8x16LeS:
    case Opcode::I16x8LeS:
    case Opcode::I32x4LeS:
    case Opcode::I64x2LeS: return vector_compare(op, CmpInst::ICMP_SLE);
    case Opcode::I8x16LeU:
    case Opcode::I16x8LeU:
    case Opcode::I32x4LeU: return vector_compare(op, CmpInst::ICMP_ULE);
    case Opcode::I8x16GeS:
    case Opcode::I16x8GeS:
    case Opcode::I32x4GeS:
    case Opcode::I64x2GeS: return vector_compare(op, CmpInst::ICMP_SGE);
    case Opcode::I8x16GeU:
    case Opcode::I16x8GeU:
    case Opcode::I32x4GeU: return vector_compare(op, CmpInst::ICMP_UGE);

    case Opcode::V128Not: return push(b.CreateNot(pop()));
    case Opcode::V128And: return binary(Instruction::And);
    case Opcode::V128Or: return binary(Instruction::Or);
    case Opcode::V128Xor: return binary(Instruction::Xor);
    case Opcode::V128Andnot: {
      Value* mask = pop();
      Value* value = pop();
      return push(b.CreateAnd(value, b.CreateNot(mask)));
    }
    case Opcode::V128Bitselect:
    case Opcode::I8x16RelaxedLaneselect:
    case Opcode::I16x8RelaxedLaneselect:
    case Opcode::I32x4RelaxedLaneselect:
    case Opcode::I64x2RelaxedLaneselect: return vector_bitselect();
    case Opcode::V128AnyTrue: {
      Value* bits = b.CreateBitCast(pop(), llvm::IntegerType::get(s.context, 128));
      return push(b.CreateIsNotNull(bits));
    }
    case Opcode::I8x16AllTrue:
    case Opcode::I16x8AllTrue:
    case Opcode::I32x4AllTrue:
    case Opcode::I64x2AllTrue: return vector_all_true(op);
    case Opcode::I8x16Bitmask:
    case Opcode::I16x8Bitmask:
    case Opcode::I32x4Bitmask:
    case Opcode::I64x2Bitmask: return vector_bitmask(op);

    case Opcode::I8x16Abs:
    case Opcode::I16x8Abs:
    case Opcode::I32x4Abs:
    case Opcode::I64x2Abs: {
      Value* value = pop_vector(lanes_of(op));
      return push(intrinsic(Intrinsic::abs, value->getType(), {value, b.getFalse()}));
    }
    case Opcode::I8x16Neg:
    case Opcode::I16x8Neg:
    case Opcode::I32x4Neg:
    case Opcode::I64x2Neg: return push(b.CreateNeg(pop_vector(lanes_of(op))));
    case Opcode::I8x16Popcnt: return vector_unary_intrinsic(op, Intrinsic::ctpop);
    case Opcode::I8x16Shl:
    case Opcode::I16x8Shl:
    case Opcode::I32x4Shl:
    case Opcode::I64x2Shl: return vector_shift(op, Instruction::Shl);
    case Opcode::I8x16ShrS:
    case Opcode::I16x8ShrS:
    case Opcode::I32x4ShrS:
    case Opcode::I64x2ShrS: return vector_shift(op, Instruction::AShr);
    case Opcode::I8x16ShrU:
    case Opcode::I16x8ShrU:
    case Opcode::I32x4ShrU:
    case Opcode::I64x2ShrU: return vector_shift(op, Instruction::LShr);
    case Opcode::I8x16Add:
    case Opcode::I16x8Add:
    case Opcode::I32x4Add:
    case Opcode::I64x2Add: return vector_binary(op, Instruction::Add);
    case Opcode::I8x16Sub:
    case Opcode::I16x8Sub:
    case Opcode::I32x4Sub:
    case Opcode::I64x2Sub: return vector_binary(op, Instruction::Sub);
    case Opcode::I16x8Mul:
    case Opcode::I32x4Mul:
    case Opcode::I64x2Mul: return vector_binary(op, Instruction::Mul);
    case Opcode::I8x16AddSatS:
    case Opcode::I16x8AddSatS: return vector_intrinsic(op, Intrinsic::sadd_sat);
    case Opcode::I8x16AddSatU:
    case Opcode::I16x8AddSatU: return vector_intrinsic(op, Intrinsic::uadd_sat);
    case Opcode::I8x16SubSatS:
    case Opcode::I16x8SubSatS: return vector_intrinsic(op, Intrinsic::ssub_sat);
    case Opcode::I8x16SubSatU:
    case Opcode::I16x8SubSatU: return vector_intrinsic(op, Intrinsic::usub_sat);
    case Opcode::I8x16MinS:
    case Opcode::I16x8MinS:
    case Opcode::I32x4MinS: return vector_intrinsic(op, Intrinsic::smin);
    case Opcode::I8x16MinU:
    case Opcode::I16x8MinU:
    case Opcode::I32x4MinU: return vector_intrinsic(op, Intrinsic::umin);
    case Opcode::I8x16MaxS:
    case Opcode::I16x8MaxS:
    case Opcode::I32x4MaxS: return vector_intrinsic(op, Intrinsic::smax);
    case Opcode::I8x16MaxU:
    case Opcode::I16x8MaxU:
    case Opcode::I32x4MaxU: return vector_intrinsic(op, Intrinsic::umax);
    case Opcode::I8x16AvgrU:
    case Opcode::I16x8AvgrU: return vector_average(op);

    case Opcode::I8x16NarrowI16x8S: return vector_narrow(s.i16x8, true);
    case Opcode::I8x16NarrowI16x8U: return vector_narrow(s.i16x8, false);
    case Opcode::I16x8NarrowI32x4S: return vector_narrow(s.i32x4, true);
    case Opcode::I16x8NarrowI32x4U: return vector_narrow(s.i32x4, false);
    case Opcode::I16x8ExtendLowI8x16S:
    case Opcode::I32x4ExtendLowI16x8S:
    case Opcode::I64x2ExtendLowI32x4S: return vector_extend(op, false, true);
    case Opcode::I16x8ExtendHighI8x16S:
    case Opcode::I32x4ExtendHighI16x8S:
    case Opcode::I64x2ExtendHighI32x4S: return vector_extend(op, true, true);
    case Opcode::I16x8ExtendLowI8x16U:
    case Opcode::I32x4ExtendLowI16x8U:
    case Opcode::I64x2ExtendLowI32x4U: return vector_extend(op, false, false);
    case Opcode::I16x8ExtendHighI8x16U:
    case Opcode::I32x4ExtendHighI16x8U:
    case Opcode::I64x2ExtendHighI32x4U: return vector_extend(op, true, false);
    case Opcode::I16x8ExtmulLowI8x16S:
    case Opcode::I32x4ExtmulLowI16x8S:
    case Opcode::I64x2ExtmulLowI32x4S: return vector_extmul(op, false, true);
    case Opcode::I16x8ExtmulHighI8x16S:
    case Opcode::I32x4ExtmulHighI16x8S:
    case Opcode::I64x2ExtmulHighI32x4S: return vector_extmul(op, true, true);
    case Opcode::I16x8ExtmulLowI8x16U:
    case Opcode::I32x4ExtmulLowI16x8U:
    case Opcode::I64x2ExtmulLowI32x4U: return vector_extmul(op, false, false);
    case Opcode::I16x8ExtmulHighI8x16U:
    case Opcode::I32x4ExtmulHighI16x8U:
    case Opcode::I64x2ExtmulHighI32x4U: return vector_extmul(op, true, false);
    case Opcode::I16x8ExtaddPairwiseI8x16S: return vector_pairwise_add(s.i8x16, true);
    case Opcode::I16x8ExtaddPairwiseI8x16U: return vector_pairwise_add(s.i8x16, false);
    case Opcode::I32x4ExtaddPairwiseI16x8S: return vector_pairwise_add(s.i16x8, true);
    case Opcode::I32x4ExtaddPairwiseI16x8U: return vector_pairwise_add(s.i16x8, false);
    case Opcode::I32x4DotI16x8S: return vector_dot();
    case Opcode::I16x8Q15mulrSatS:
    case Opcode::I16x8RelaxedQ15mulrS: return vector_q15mulr();
    case Opcode::I16x8RelaxedDotI8x16I7x16S: return vector_relaxed_dot(false);
    case Opcode::I32x4RelaxedDotI8x16I7x16AddS: return vector_relaxed_dot(true);
    default: break;
  }
  if (info(op).signature.starts_with("a")) {
    emit_vector_memory(op);
  } else {
    emit_vector_float(op);
  }
}

llvm::FixedVectorType* FunctionEmitter::lanes_of(Opcode op) const {
  std::string_view text = info(op).text;
  if (text.starts_with("i8x16")) return s.i8x16;
  if (text.starts_with("i16x8")) return s.i16x8;
  if (text.starts_with("i32x4")) return s.i32x4;
  if (text.starts_with("i64x2")) return s.i64x2;
  if (text.starts_with("f32x4")) return s.f32x4;
  CHECK(text.starts_with("f64x2"));
  return s.f64x2;
}

// --- lanes

void FunctionEmitter::vector_shuffle() {
  Value* second = pop_vector(s.i8x16);
  Value* first = pop_vector(s.i8x16);
  int lanes[16];
  for (int& lane : lanes) lane = reader_.byte();
  push(b.CreateShuffleVector(first, second, lanes));
}

// x86's pshufb gives 0 where the top bit of an index is set, and looks at the low four bits else; adding 0x70 with
// saturation sets that bit for 16 and above.
void FunctionEmitter::vector_swizzle() {
  Value* indices = pop_vector(s.i8x16);
  Value* vector = pop_vector(s.i8x16);
  Value* offset = llvm::ConstantInt::get(s.i8x16, 0x70);
  indices = intrinsic(llvm::Intrinsic::uadd_sat, s.i8x16, {indices, offset});
  push(b.CreateIntrinsic(llvm::Intrinsic::x86_ssse3_pshuf_b_128, {}, {vector, indices}));
}

void FunctionEmitter::splat(Opcode op) {
  llvm::FixedVectorType* type = lanes_of(op);
  Value* value = pop();
  if (value->getType() == s.i32) value = b.CreateTrunc(value, type->getElementType());
  push(b.CreateVectorSplat(type->getNumElements(), value));
}

void FunctionEmitter::extract_lane(Opcode op, bool sign_extend) {
  Value* value = b.CreateExtractElement(pop_vector(lanes_of(op)), uint64_t{reader_.byte()});
  llvm::Type* type = value->getType();
  if (type == s.i8 || type == s.i16) value = sign_extend ? b.CreateSExt(value, s.i32) : b.CreateZExt(value, s.i32);
  push(value);
}

void FunctionEmitter::replace_lane(Opcode op) {
  llvm::FixedVectorType* type = lanes_of(op);
  Value* value = pop();
  if (value->getType() == s.i32) value = b.CreateTrunc(value, type->getElementType());
  push(b.CreateInsertElement(pop_vector(type), value, uint64_t{reader_.byte()}));
}

// --- lane by lane

void FunctionEmitter::vector_binary(Opcode op, llvm::Instruction::BinaryOps instruction) {
  Value* rhs = pop_vector(lanes_of(op));
  Value* lhs = pop_vector(lanes_of(op));
  push(b.CreateBinOp(instruction, lhs, rhs));
}

void FunctionEmitter::vector_intrinsic(Opcode op, llvm::Intrinsic::ID id) {
  Value* rhs = pop_vector(lanes_of(op));
  Value* lhs = pop_vector(lanes_of(op));
  push(intrinsic(id, lhs->getType(), {lhs, rhs}));
}

void FunctionEmitter::vector_unary_intrinsic(Opcode op, llvm::Intrinsic::ID id) {
  Value* value = pop_vector(lanes_of(op));
  push(intrinsic(id, value->getType(), {value}));
}

void FunctionEmitter::vector_compare(Opcode op, llvm::CmpInst::Predicate predicate) {
  llvm::FixedVectorType* type = lanes_of(op);
  Value* rhs = pop_vector(type);
  Value* lhs = pop_vector(type);
  llvm::FixedVectorType* mask = type == s.f32x4 ? s.i32x4 : type == s.f64x2 ? s.i64x2 : type;
  push(b.CreateSExt(b.CreateCmp(predicate, lhs, rhs), mask));
}

void FunctionEmitter::vector_shift(Opcode op, llvm::Instruction::BinaryOps instruction) {
  llvm::FixedVectorType* type = lanes_of(op);
  Value* count = pop();
  count = b.CreateAnd(count, const32(type->getScalarSizeInBits() - 1));
  count = b.CreateZExtOrTrunc(count, type->getElementType());
  Value* value = pop_vector(type);
  push(b.CreateBinOp(instruction, value, b.CreateVectorSplat(type->getNumElements(), count)));
}

void FunctionEmitter::vector_bitselect() {
  Value* mask = pop();
  Value* second = pop();
  Value* first = pop();
  push(b.CreateOr(b.CreateAnd(first, mask), b.CreateAnd(second, b.CreateNot(mask))));
}

void FunctionEmitter::vector_average(Opcode op) {
  llvm::FixedVectorType* type = lanes_of(op);
  Value* rhs = widen(pop_vector(type), false);
  Value* lhs = widen(pop_vector(type), false);
  Value* one = llvm::ConstantInt::get(lhs->getType(), 1);
  Value* sum = b.CreateAdd(b.CreateAdd(lhs, rhs), one);
  push(b.CreateTrunc(b.CreateLShr(sum, one), type));
}

// --- vector to scalar

void FunctionEmitter::vector_all_true(Opcode op) {
  Value* is_set = b.CreateIsNotNull(pop_vector(lanes_of(op)));
  unsigned lanes = lanes_of(op)->getNumElements();
  Value* bits = b.CreateBitCast(is_set, b.getIntNTy(lanes));
  push(b.CreateICmpEQ(bits, llvm::ConstantInt::getAllOnesValue(bits->getType())));
}

void FunctionEmitter::vector_bitmask(Opcode op) {
  Value* value = pop_vector(lanes_of(op));
  Value* is_negative = b.CreateICmpSLT(value, llvm::Constant::getNullValue(value->getType()));
  push(b.CreateZExt(b.CreateBitCast(is_negative, b.getIntNTy(lanes_of(op)->getNumElements())), s.i32));
}

// --- narrower and wider lanes

void FunctionEmitter::vector_narrow(llvm::FixedVectorType* from, bool is_signed) {
  unsigned lanes = from->getNumElements();
  unsigned to_width = from->getScalarSizeInBits() / 2;
  Value* high = pop_vector(from);
  Value* low = pop_vector(from);
  llvm::SmallVector<int, 16> all;
  for (int i = 0; i != static_cast<int>(2 * lanes); ++i) all.push_back(i);
  Value* wide = b.CreateShuffleVector(low, high, all);
  llvm::Type* wide_type = wide->getType();
  unsigned width = from->getScalarSizeInBits();
  llvm::APInt lowest = is_signed ? llvm::APInt::getSignedMinValue(to_width).sext(width) : llvm::APInt(width, 0);
  llvm::APInt highest = is_signed ? llvm::APInt::getSignedMaxValue(to_width).sext(width)
                                  : llvm::APInt::getMaxValue(to_width).zext(width);
  wide = intrinsic(llvm::Intrinsic::smax, wide_type, {wide, llvm::ConstantInt::get(wide_type, lowest)});
  wide = intrinsic(llvm::Intrinsic::smin, wide_type, {wide, llvm::ConstantInt::get(wide_type, highest)});
  push(b.CreateTrunc(wide, llvm::FixedVectorType::get(b.getIntNTy(to_width), 2 * lanes)));
}

Value* FunctionEmitter::half(Value* vector, bool high) {
  auto lanes = static_cast<int>(llvm::cast<llvm::FixedVectorType>(vector->getType())->getNumElements() / 2);
  llvm::SmallVector<int, 8> which;
  for (int i = 0; i != lanes; ++i) which.push_back(i + (high ? lanes : 0));
  return b.CreateShuffleVector(vector, which);
}

Value* FunctionEmitter::widen(Value* vector, bool is_signed) {
  auto* type = llvm::FixedVectorType::getExtendedElementVectorType(llvm::cast<llvm::FixedVectorType>(vector->getType()));
  return is_signed ? b.CreateSExt(vector, type) : b.CreateZExt(vector, type);
}

Value* FunctionEmitter::add_pairs(Value* wide) {
  auto lanes = static_cast<int>(llvm::cast<llvm::FixedVectorType>(wide->getType())->getNumElements());
  llvm::SmallVector<int, 8> even, odd;
  for (int i = 0; i < lanes; i += 2) {
    even.push_back(i);
    odd.push_back(i + 1);
  }
  return b.CreateAdd(b.CreateShuffleVector(wide, even), b.CreateShuffleVector(wide, odd));
}

static llvm::FixedVectorType* half_width_lanes(llvm::FixedVectorType* type) {
  auto* element = llvm::IntegerType::get(type->getContext(), type->getScalarSizeInBits() / 2);
  return llvm::FixedVectorType::get(element, type->getNumElements() * 2);
}

void FunctionEmitter::vector_extend(Opcode op, bool high, bool is_signed) {
  push(widen(half(pop_vector(half_width_lanes(lanes_of(op))), high), is_signed));
}

void FunctionEmitter::vector_extmul(Opcode op, bool high, bool is_signed) {
  llvm::FixedVectorType* from = half_width_lanes(lanes_of(op));
  Value* rhs = widen(half(pop_vector(from), high), is_signed);
  Value* lhs = widen(half(pop_vector(from), high), is_signed);
  push(b.CreateMul(lhs, rhs));
}

void FunctionEmitter::vector_pairwise_add(llvm::FixedVectorType* from, bool is_signed) {
  push(add_pairs(widen(pop_vector(from), is_signed)));
}

void FunctionEmitter::vector_dot() {
  Value* rhs = widen(pop_vector(s.i16x8), true);
  Value* lhs = widen(pop_vector(s.i16x8), true);
  push(add_pairs(b.CreateMul(lhs, rhs)));
}

// Both operands signed, the sum of two products saturated to 16 bits.
void FunctionEmitter::vector_relaxed_dot(bool accumulate) {
  Value* sum = accumulate ? pop_vector(s.i32x4) : nullptr;
  Value* rhs = widen(widen(pop_vector(s.i8x16), true), true);
  Value* lhs = widen(widen(pop_vector(s.i8x16), true), true);
  Value* pairs = add_pairs(b.CreateMul(lhs, rhs));  // <8 x i32>
  llvm::Type* type = pairs->getType();
  pairs = intrinsic(llvm::Intrinsic::smin, type, {pairs, llvm::ConstantInt::get(type, 0x7FFF)});  // never too small
  if (!accumulate) return push(b.CreateTrunc(pairs, s.i16x8));
  push(b.CreateAdd(add_pairs(pairs), sum));
}

void FunctionEmitter::vector_q15mulr() {
  Value* rhs = widen(pop_vector(s.i16x8), true);
  Value* lhs = widen(pop_vector(s.i16x8), true);
  llvm::Type* type = lhs->getType();
  Value* product = b.CreateAdd(b.CreateMul(lhs, rhs), llvm::ConstantInt::get(type, 0x4000));
  product = b.CreateAShr(product, llvm::ConstantInt::get(type, 15));
  product = intrinsic(llvm::Intrinsic::smin, type, {product, llvm::ConstantInt::get(type, 0x7FFF)});
  push(b.CreateTrunc(product, s.i16x8));
}

}  // namespace wjit::ir
