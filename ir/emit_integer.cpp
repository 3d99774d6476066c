// Integer comparisons and arithmetic of i32 and i64. Division checks its operands; nothing else here can trap.
#include "ir/emit.h"

namespace wjit::ir {

void FunctionEmitter::emit_integer(Opcode op) {
  using llvm::CmpInst;
  using llvm::Instruction;
  switch (op) {
    case Opcode::I32Eqz:
    case Opcode::I64Eqz: {
      Value* value = pop_any();
      if (auto* compared = llvm::dyn_cast<CmpInst>(value)) {
        return push(b.CreateCmp(compared->getInversePredicate(), compared->getOperand(0), compared->getOperand(1)));
      }
      return push(value->getType() == s.i1 ? b.CreateNot(value) : b.CreateIsNull(value));
    }
    case Opcode::I32Eq:
    case Opcode::I64Eq: return compare(CmpInst::ICMP_EQ);
    case Opcode::I32Ne:
    case Opcode::I64Ne: return compare(CmpInst::ICMP_NE);
    case Opcode::I32LtS:
    case Opcode::I64LtS: return compare(CmpInst::ICMP_SLT);
    case Opcode::I32LtU:
    case Opcode::I64LtU: return compare(CmpInst::ICMP_ULT);
    case Opcode::I32GtS:
    case Opcode::I64GtS: return compare(CmpInst::ICMP_SGT);
    case Opcode::I32GtU:
    case Opcode::I64GtU: return compare(CmpInst::ICMP_UGT);
    case Opcode::I32LeS:
    case Opcode::I64LeS: return compare(CmpInst::ICMP_SLE);
    case Opcode::I32LeU:
    case Opcode::I64LeU: return compare(CmpInst::ICMP_ULE);
    case Opcode::I32GeS:
    case Opcode::I64GeS: return compare(CmpInst::ICMP_SGE);
    case Opcode::I32GeU:
    case Opcode::I64GeU: return compare(CmpInst::ICMP_UGE);
    case Opcode::I32Clz:
    case Opcode::I64Clz: return count_bits(llvm::Intrinsic::ctlz);
    case Opcode::I32Ctz:
    case Opcode::I64Ctz: return count_bits(llvm::Intrinsic::cttz);
    case Opcode::I32Popcnt:
    case Opcode::I64Popcnt: return count_bits(llvm::Intrinsic::ctpop);
    case Opcode::I32Add:
    case Opcode::I64Add: return binary(Instruction::Add);
    case Opcode::I32Sub:
    case Opcode::I64Sub: return binary(Instruction::Sub);
    case Opcode::I32Mul:
    case Opcode::I64Mul: return binary(Instruction::Mul);
    case Opcode::I32And:
    case Opcode::I64And: return binary(Instruction::And);
    case Opcode::I32Or:
    case Opcode::I64Or: return binary(Instruction::Or);
    case Opcode::I32Xor:
    case Opcode::I64Xor: return binary(Instruction::Xor);
    case Opcode::I32Shl:
    case Opcode::I64Shl: return shift(Instruction::Shl);
    case Opcode::I32ShrS:
    case Opcode::I64ShrS: return shift(Instruction::AShr);
    case Opcode::I32ShrU:
    case Opcode::I64ShrU: return shift(Instruction::LShr);
    case Opcode::I32Rotl:
    case Opcode::I64Rotl: return rotate(true);
    case Opcode::I32Rotr:
    case Opcode::I64Rotr: return rotate(false);
    case Opcode::I32DivS:
    case Opcode::I64DivS: return divide(true, false);
    case Opcode::I32DivU:
    case Opcode::I64DivU: return divide(false, false);
    case Opcode::I32RemS:
    case Opcode::I64RemS: return divide(true, true);
    case Opcode::I32RemU:
    case Opcode::I64RemU: return divide(false, true);
    default: return unsupported(info(op).text);
  }
}

void FunctionEmitter::compare(llvm::CmpInst::Predicate predicate) {
  Value* rhs = pop();
  Value* lhs = pop();
  push(b.CreateCmp(predicate, lhs, rhs));
}

void FunctionEmitter::binary(llvm::Instruction::BinaryOps op) {
  Value* rhs = pop();
  Value* lhs = pop();
  push(b.CreateBinOp(op, lhs, rhs));
}

// The count modulo the width; LLVM's shifts by more are poison.
void FunctionEmitter::shift(llvm::Instruction::BinaryOps op) {
  Value* count = pop();
  Value* value = pop();
  llvm::Type* type = value->getType();
  count = b.CreateAnd(count, llvm::ConstantInt::get(type, type->getIntegerBitWidth() - 1));
  push(b.CreateBinOp(op, value, count));
}

// FastISel does not know funnel shifts, so Fast IR spells them out.
void FunctionEmitter::rotate(bool left) {
  Value* count = pop();
  Value* value = pop();
  llvm::Type* type = value->getType();
  if (s.full) {
    return push(intrinsic(left ? llvm::Intrinsic::fshl : llvm::Intrinsic::fshr, type, {value, value, count}));
  }
  Value* mask = llvm::ConstantInt::get(type, type->getIntegerBitWidth() - 1);
  Value* forth = b.CreateAnd(count, mask);
  Value* back = b.CreateAnd(b.CreateNeg(count), mask);
  Value* high = left ? b.CreateShl(value, forth) : b.CreateLShr(value, forth);
  Value* low = left ? b.CreateLShr(value, back) : b.CreateShl(value, back);
  push(b.CreateOr(high, low));
}

void FunctionEmitter::divide(bool is_signed, bool remainder) {
  locate();
  Value* rhs = pop();
  Value* lhs = pop();
  llvm::Type* type = lhs->getType();
  unsigned width = type->getIntegerBitWidth();
  trap_if(b.CreateIsNull(rhs), TrapNumber::IntegerDivideByZero);
  if (!is_signed) return push(remainder ? b.CreateURem(lhs, rhs) : b.CreateUDiv(lhs, rhs));
  Value* by_minus_1 = b.CreateICmpEQ(rhs, llvm::ConstantInt::getAllOnesValue(type));
  if (remainder) {
    // x % -1 is 0, as is x % 1; the processor's instruction would fault for the smallest x.
    rhs = b.CreateSelect(by_minus_1, llvm::ConstantInt::get(type, 1), rhs);
    return push(b.CreateSRem(lhs, rhs));
  }
  // A constant divisor needs no check.
  if (auto* constant = llvm::dyn_cast<llvm::ConstantInt>(by_minus_1); constant && constant->isZero()) {
    return push(b.CreateSDiv(lhs, rhs));
  }
  Value* smallest = llvm::ConstantInt::get(s.context, llvm::APInt::getSignedMinValue(width));
  trap_if(b.CreateAnd(by_minus_1, b.CreateICmpEQ(lhs, smallest)), TrapNumber::IntegerOverflow);
  push(b.CreateSDiv(lhs, rhs));
}

void FunctionEmitter::count_bits(llvm::Intrinsic::ID id) {
  Value* value = pop();
  if (id == llvm::Intrinsic::ctpop) return push(intrinsic(id, value->getType(), {value}));
  push(intrinsic(id, value->getType(), {value, b.getFalse()}));  // false: defined for 0
}

}  // namespace wjit::ir
