// v128: floats and conversions between floats and integers.
#include "ir/emit.h"

namespace wjit::ir {

void FunctionEmitter::emit_vector_float(Opcode op) {
  using llvm::CmpInst;
  using llvm::Instruction;
  namespace Intrinsic = llvm::Intrinsic;
  constexpr int with_zeros[] = {0, 1, 2, 3};
  auto low_half = [&](llvm::FixedVectorType* type) { return half(pop_vector(type), false); };
  switch (op) {
    case Opcode::F32x4Eq:
    case Opcode::F64x2Eq: return vector_compare(op, CmpInst::FCMP_OEQ);
    case Opcode::F32x4Ne:
    case Opcode::F64x2Ne: return vector_compare(op, CmpInst::FCMP_UNE);
    case Opcode::F32x4Lt:
    case Opcode::F64x2Lt: return vector_compare(op, CmpInst::FCMP_OLT);
    case Opcode::F32x4Gt:
    case Opcode::F64x2Gt: return vector_compare(op, CmpInst::FCMP_OGT);
    case Opcode::F32x4Le:
    case Opcode::F64x2Le: return vector_compare(op, CmpInst::FCMP_OLE);
    case Opcode::F32x4Ge:
    case Opcode::F64x2Ge: return vector_compare(op, CmpInst::FCMP_OGE);
    case Opcode::F32x4Abs:
    case Opcode::F64x2Abs: return vector_unary_intrinsic(op, Intrinsic::fabs);
    case Opcode::F32x4Neg:
    case Opcode::F64x2Neg: return push(b.CreateFNeg(pop_vector(lanes_of(op))));
    case Opcode::F32x4Sqrt:
    case Opcode::F64x2Sqrt: return vector_unary_intrinsic(op, Intrinsic::sqrt);
    case Opcode::F32x4Ceil:
    case Opcode::F64x2Ceil: return vector_unary_intrinsic(op, Intrinsic::ceil);
    case Opcode::F32x4Floor:
    case Opcode::F64x2Floor: return vector_unary_intrinsic(op, Intrinsic::floor);
    case Opcode::F32x4Trunc:
    case Opcode::F64x2Trunc: return vector_unary_intrinsic(op, Intrinsic::trunc);
    case Opcode::F32x4Nearest:
    case Opcode::F64x2Nearest: return vector_unary_intrinsic(op, Intrinsic::roundeven);
    case Opcode::F32x4Add:
    case Opcode::F64x2Add: return vector_float_binary(op, Instruction::FAdd);
    case Opcode::F32x4Sub:
    case Opcode::F64x2Sub: return vector_float_binary(op, Instruction::FSub);
    case Opcode::F32x4Mul:
    case Opcode::F64x2Mul: return vector_float_binary(op, Instruction::FMul);
    case Opcode::F32x4Div:
    case Opcode::F64x2Div: return vector_float_binary(op, Instruction::FDiv);
    case Opcode::F32x4Min:
    case Opcode::F64x2Min:
    case Opcode::F32x4RelaxedMin:
    case Opcode::F64x2RelaxedMin: return vector_extremum(op, false);
    case Opcode::F32x4Max:
    case Opcode::F64x2Max:
    case Opcode::F32x4RelaxedMax:
    case Opcode::F64x2RelaxedMax: return vector_extremum(op, true);
    case Opcode::F32x4Pmin:
    case Opcode::F64x2Pmin: return vector_pseudo_extremum(op, false);
    case Opcode::F32x4Pmax:
    case Opcode::F64x2Pmax: return vector_pseudo_extremum(op, true);
    case Opcode::F32x4RelaxedMadd:
    case Opcode::F64x2RelaxedMadd: return vector_madd(op, false);
    case Opcode::F32x4RelaxedNmadd:
    case Opcode::F64x2RelaxedNmadd: return vector_madd(op, true);

    case Opcode::I32x4TruncSatF32x4S:
    case Opcode::I32x4RelaxedTruncF32x4S: return vector_truncate(s.f32x4, true);
    case Opcode::I32x4TruncSatF32x4U:
    case Opcode::I32x4RelaxedTruncF32x4U: return vector_truncate(s.f32x4, false);
    case Opcode::I32x4TruncSatF64x2SZero:
    case Opcode::I32x4RelaxedTruncF64x2S: return vector_truncate(s.f64x2, true);
    case Opcode::I32x4TruncSatF64x2UZero:
    case Opcode::I32x4RelaxedTruncF64x2U: return vector_truncate(s.f64x2, false);
    case Opcode::F32x4ConvertI32x4S: return push(b.CreateSIToFP(pop_vector(s.i32x4), s.f32x4));
    case Opcode::F32x4ConvertI32x4U: return push(b.CreateUIToFP(pop_vector(s.i32x4), s.f32x4));
    case Opcode::F64x2ConvertLowI32x4S: return push(b.CreateSIToFP(low_half(s.i32x4), s.f64x2));
    case Opcode::F64x2ConvertLowI32x4U: return push(b.CreateUIToFP(low_half(s.i32x4), s.f64x2));
    case Opcode::F64x2PromoteLowF32x4: return push(b.CreateFPExt(low_half(s.f32x4), s.f64x2));
    case Opcode::F32x4DemoteF64x2Zero: {
      llvm::Type* type = llvm::FixedVectorType::get(s.f32, 2);
      Value* low = b.CreateFPTrunc(pop_vector(s.f64x2), type);
      return push(b.CreateShuffleVector(low, llvm::Constant::getNullValue(type), with_zeros));
    }
    default: return unsupported(info(op).text);
  }
}

void FunctionEmitter::vector_float_binary(Opcode op, llvm::Instruction::BinaryOps instruction) {
  Value* rhs = pop_vector(lanes_of(op));
  Value* lhs = pop_vector(lanes_of(op));
  push(float_arithmetic(instruction, lhs, rhs));
}

void FunctionEmitter::vector_extremum(Opcode op, bool is_max) {
  Value* rhs = pop_vector(lanes_of(op));
  Value* lhs = pop_vector(lanes_of(op));
  push(float_extremum(lhs, rhs, is_max));
}

// pmin: rhs < lhs ? rhs : lhs; pmax: lhs < rhs ? rhs : lhs.
void FunctionEmitter::vector_pseudo_extremum(Opcode op, bool is_max) {
  Value* rhs = pop_vector(lanes_of(op));
  Value* lhs = pop_vector(lanes_of(op));
  Value* take_rhs = is_max ? b.CreateFCmpOLT(lhs, rhs) : b.CreateFCmpOLT(rhs, lhs);
  push(b.CreateSelect(take_rhs, rhs, lhs));
}

// Not fused: the same result on every machine.
void FunctionEmitter::vector_madd(Opcode op, bool negate) {
  Value* addend = pop_vector(lanes_of(op));
  Value* rhs = pop_vector(lanes_of(op));
  Value* lhs = pop_vector(lanes_of(op));
  if (negate) lhs = b.CreateFNeg(lhs);
  push(float_arithmetic(llvm::Instruction::FAdd, float_arithmetic(llvm::Instruction::FMul, lhs, rhs), addend));
}

// Saturating; from f64x2 the upper two lanes are 0.
void FunctionEmitter::vector_truncate(llvm::FixedVectorType* from, bool is_signed) {
  auto id = is_signed ? llvm::Intrinsic::fptosi_sat : llvm::Intrinsic::fptoui_sat;
  llvm::Type* type = llvm::FixedVectorType::get(s.i32, from->getNumElements());
  Value* result = b.CreateIntrinsic(id, {type, from}, {pop_vector(from)});
  constexpr int with_zeros[] = {0, 1, 2, 3};
  if (from == s.f64x2) result = b.CreateShuffleVector(result, llvm::Constant::getNullValue(type), with_zeros);
  push(result);
}

}  // namespace wjit::ir
