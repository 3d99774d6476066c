// Comparisons and arithmetic of f32 and f64. LLVM may treat a NaN's payload as it likes, and does: it deletes x * 1 and
// x + -0, although wasm wants a signalling NaN made quiet. Constants with which it would do so go through an arithmetic fence,
// which costs an instruction in those rare cases and leaves everything else to the optimiser.
#include "ir/emit.h"

namespace wjit::ir {

void FunctionEmitter::emit_float(Opcode op) {
  using llvm::CmpInst;
  using llvm::Instruction;
  using llvm::Intrinsic::ID;
  auto unary = [&](ID id) {
    Value* value = pop();
    push(intrinsic(id, value->getType(), {value}));
  };
  switch (op) {
    case Opcode::F32Eq:
    case Opcode::F64Eq: return compare(CmpInst::FCMP_OEQ);
    case Opcode::F32Ne:
    case Opcode::F64Ne: return compare(CmpInst::FCMP_UNE);
    case Opcode::F32Lt:
    case Opcode::F64Lt: return compare(CmpInst::FCMP_OLT);
    case Opcode::F32Gt:
    case Opcode::F64Gt: return compare(CmpInst::FCMP_OGT);
    case Opcode::F32Le:
    case Opcode::F64Le: return compare(CmpInst::FCMP_OLE);
    case Opcode::F32Ge:
    case Opcode::F64Ge: return compare(CmpInst::FCMP_OGE);
    case Opcode::F32Abs:
    case Opcode::F64Abs:
    case Opcode::F32Neg:
    case Opcode::F64Neg:
    case Opcode::F32Copysign:
    case Opcode::F64Copysign: return float_sign(op);
    case Opcode::F32Ceil:
    case Opcode::F64Ceil: return unary(llvm::Intrinsic::ceil);
    case Opcode::F32Floor:
    case Opcode::F64Floor: return unary(llvm::Intrinsic::floor);
    case Opcode::F32Trunc:
    case Opcode::F64Trunc: return unary(llvm::Intrinsic::trunc);
    case Opcode::F32Nearest:
    case Opcode::F64Nearest: return unary(llvm::Intrinsic::roundeven);
    case Opcode::F32Sqrt:
    case Opcode::F64Sqrt: return unary(llvm::Intrinsic::sqrt);
    case Opcode::F32Add:
    case Opcode::F64Add: return float_binary(Instruction::FAdd);
    case Opcode::F32Sub:
    case Opcode::F64Sub: return float_binary(Instruction::FSub);
    case Opcode::F32Mul:
    case Opcode::F64Mul: return float_binary(Instruction::FMul);
    case Opcode::F32Div:
    case Opcode::F64Div: return float_binary(Instruction::FDiv);
    case Opcode::F32Min:
    case Opcode::F64Min:
    case Opcode::F32Max:
    case Opcode::F64Max: {
      Value* rhs = pop();
      Value* lhs = pop();
      return push(float_extremum(lhs, rhs, op == Opcode::F32Max || op == Opcode::F64Max));
    }
    default: return unsupported(info(op).text);
  }
}

Value* FunctionEmitter::fence(Value* value) {
  return intrinsic(llvm::Intrinsic::arithmetic_fence, value->getType(), {value});
}

void FunctionEmitter::float_binary(llvm::Instruction::BinaryOps op) {
  Value* rhs = pop();
  Value* lhs = pop();
  push(float_arithmetic(op, lhs, rhs));
}

// Which constants make LLVM forget that the operation quiets: x + -0, x - +0, x * 1, x / 1 are x to it, -0 - x, x * -1 and
// x / -1 a change of sign.
static bool is_neutral(llvm::Instruction::BinaryOps op, Value* value, bool is_rhs) {
  auto* constant = llvm::dyn_cast<llvm::Constant>(value);
  if (constant && value->getType()->isVectorTy()) constant = constant->getSplatValue();
  auto* number = llvm::dyn_cast_or_null<llvm::ConstantFP>(constant);
  if (!number) return false;
  switch (op) {
    case llvm::Instruction::FAdd: return number->isZero() && number->isNegative();
    case llvm::Instruction::FSub: return number->isZero() && number->isNegative() != is_rhs;
    default: return number->isExactlyValue(1.0) || number->isExactlyValue(-1.0);
  }
}

Value* FunctionEmitter::float_arithmetic(llvm::Instruction::BinaryOps op, Value* lhs, Value* rhs) {
  if (is_neutral(op, lhs, false)) {
    lhs = fence(lhs);
  } else if (is_neutral(op, rhs, true)) {
    rhs = fence(rhs);
  }
  return b.CreateBinOp(op, lhs, rhs);
}

// Core specification 3.0, fmin and fmax: a NaN if either is one (quiet, hence the addition), and -0 < +0. LLVM's own
// minimum and maximum would let a signalling NaN through.
Value* FunctionEmitter::float_extremum(Value* lhs, Value* rhs, bool is_max) {
  llvm::Type* type = lhs->getType();
  llvm::Type* bits = type == s.f32     ? static_cast<llvm::Type*>(s.i32)
                     : type == s.f64   ? static_cast<llvm::Type*>(s.i64)
                     : type == s.f32x4 ? static_cast<llvm::Type*>(s.i32x4)
                                       : static_cast<llvm::Type*>(s.i64x2);
  Value* lhs_bits = b.CreateBitCast(lhs, bits);
  Value* rhs_bits = b.CreateBitCast(rhs, bits);
  // Equal numbers have equal bits, but for zeros of different signs.
  Value* equal = b.CreateBitCast(is_max ? b.CreateAnd(lhs_bits, rhs_bits) : b.CreateOr(lhs_bits, rhs_bits), type);
  Value* is_first = is_max ? b.CreateFCmpOGT(lhs, rhs) : b.CreateFCmpOLT(lhs, rhs);
  Value* number = b.CreateSelect(is_first, lhs, rhs);
  number = b.CreateSelect(b.CreateFCmpOEQ(lhs, rhs), equal, number);
  return b.CreateSelect(b.CreateFCmpUNO(lhs, rhs), b.CreateFAdd(lhs, rhs), number);
}

// abs, neg and copysign only touch the sign bit. FastISel knows neither fabs nor copysign, so Fast IR works on the bits.
void FunctionEmitter::float_sign(Opcode op) {
  Value* sign = op == Opcode::F32Copysign || op == Opcode::F64Copysign ? pop() : nullptr;
  Value* value = pop();
  llvm::Type* type = value->getType();
  if (op == Opcode::F32Neg || op == Opcode::F64Neg) return push(b.CreateFNeg(value));
  if (s.full) {
    return push(sign ? intrinsic(llvm::Intrinsic::copysign, type, {value, sign})
                     : intrinsic(llvm::Intrinsic::fabs, type, {value}));
  }
  llvm::IntegerType* bits = type == s.f32 ? s.i32 : s.i64;
  llvm::APInt sign_bit = llvm::APInt::getSignMask(bits->getBitWidth());
  Value* result = b.CreateAnd(b.CreateBitCast(value, bits), llvm::ConstantInt::get(s.context, ~sign_bit));
  if (sign) {
    sign = b.CreateAnd(b.CreateBitCast(sign, bits), llvm::ConstantInt::get(s.context, sign_bit));
    result = b.CreateOr(result, sign);
  }
  push(b.CreateBitCast(result, type));
}

}  // namespace wjit::ir
