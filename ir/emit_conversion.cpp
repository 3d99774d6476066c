// Conversions between number types. The checked truncations compare with the bounds first, since LLVM's are poison out of range;
// the bounds are numbers that the float type represents exactly:
//
//             f32, lowest good                     f64, lowest good (exclusive)     too large
//   i32       >= -2^31 (the next below is -2^31 - 256)    > -2^31 - 1                 2^31
//   u32       > -1                                         > -1                        2^32
//   i64       >= -2^63                                     >= -2^63                    2^63
//   u64       > -1                                         > -1                        2^64
#include <cmath>

#include "ir/emit.h"

namespace wjit::ir {

void FunctionEmitter::emit_conversion(Opcode op) {
  auto convert = [&](llvm::Instruction::CastOps cast, llvm::Type* to) { push(b.CreateCast(cast, pop(), to)); };
  auto extend = [&](llvm::Type* from) {
    Value* value = pop();
    push(b.CreateSExt(b.CreateTrunc(value, from), value->getType()));
  };
  auto saturate = [&](llvm::Type* to, bool is_signed) {
    Value* value = pop();
    auto id = is_signed ? llvm::Intrinsic::fptosi_sat : llvm::Intrinsic::fptoui_sat;
    push(b.CreateIntrinsic(id, {to, value->getType()}, {value}));
  };
  switch (op) {
    case Opcode::I32WrapI64: return convert(llvm::Instruction::Trunc, s.i32);
    case Opcode::I64ExtendI32S: return convert(llvm::Instruction::SExt, s.i64);
    case Opcode::I64ExtendI32U: return convert(llvm::Instruction::ZExt, s.i64);
    case Opcode::I32Extend8S:
    case Opcode::I64Extend8S: return extend(s.i8);
    case Opcode::I32Extend16S:
    case Opcode::I64Extend16S: return extend(s.i16);
    case Opcode::I64Extend32S: return extend(s.i32);
    case Opcode::I32TruncF32S:
    case Opcode::I32TruncF64S: return truncate_checked(s.i32, true);
    case Opcode::I32TruncF32U:
    case Opcode::I32TruncF64U: return truncate_checked(s.i32, false);
    case Opcode::I64TruncF32S:
    case Opcode::I64TruncF64S: return truncate_checked(s.i64, true);
    case Opcode::I64TruncF32U:
    case Opcode::I64TruncF64U: return truncate_checked(s.i64, false);
    case Opcode::I32TruncSatF32S:
    case Opcode::I32TruncSatF64S: return saturate(s.i32, true);
    case Opcode::I32TruncSatF32U:
    case Opcode::I32TruncSatF64U: return saturate(s.i32, false);
    case Opcode::I64TruncSatF32S:
    case Opcode::I64TruncSatF64S: return saturate(s.i64, true);
    case Opcode::I64TruncSatF32U:
    case Opcode::I64TruncSatF64U: return saturate(s.i64, false);
    case Opcode::F32ConvertI32S:
    case Opcode::F32ConvertI64S: return convert(llvm::Instruction::SIToFP, s.f32);
    case Opcode::F64ConvertI32S:
    case Opcode::F64ConvertI64S: return convert(llvm::Instruction::SIToFP, s.f64);
    // A u32 as an i64 is not negative: the signed conversion, which every processor and FastISel have.
    case Opcode::F32ConvertI32U: return push(b.CreateSIToFP(b.CreateZExt(pop(), s.i64), s.f32));
    case Opcode::F64ConvertI32U: return push(b.CreateSIToFP(b.CreateZExt(pop(), s.i64), s.f64));
    case Opcode::F32ConvertI64U: return convert(llvm::Instruction::UIToFP, s.f32);
    case Opcode::F64ConvertI64U: return convert(llvm::Instruction::UIToFP, s.f64);
    case Opcode::F32DemoteF64: {
      // LLVM would take demote(promote(x)) for x, but a signalling NaN becomes quiet.
      Value* value = pop();
      if (llvm::isa<llvm::FPExtInst>(value)) value = fence(value);
      return push(b.CreateFPTrunc(value, s.f32));
    }
    case Opcode::F64PromoteF32: return convert(llvm::Instruction::FPExt, s.f64);
    case Opcode::I32ReinterpretF32: return convert(llvm::Instruction::BitCast, s.i32);
    case Opcode::I64ReinterpretF64: return convert(llvm::Instruction::BitCast, s.i64);
    case Opcode::F32ReinterpretI32: return convert(llvm::Instruction::BitCast, s.f32);
    case Opcode::F64ReinterpretI64: return convert(llvm::Instruction::BitCast, s.f64);
    default: return unsupported(info(op).text);
  }
}

void FunctionEmitter::truncate_checked(llvm::Type* to, bool is_signed) {
  locate();
  Value* value = pop();
  llvm::Type* from = value->getType();
  int width = static_cast<int>(to->getIntegerBitWidth());
  double limit = std::ldexp(1.0, is_signed ? width - 1 : width);
  Value* above_lowest;
  if (!is_signed) {
    above_lowest = b.CreateFCmpOGT(value, llvm::ConstantFP::get(from, -1.0));
  } else if (from == s.f64 && to == s.i32) {
    above_lowest = b.CreateFCmpOGT(value, llvm::ConstantFP::get(from, -limit - 1));
  } else {
    above_lowest = b.CreateFCmpOGE(value, llvm::ConstantFP::get(from, -limit));
  }
  Value* good = b.CreateAnd(above_lowest, b.CreateFCmpOLT(value, llvm::ConstantFP::get(from, limit)));
  Value* number = b.CreateSelect(b.CreateFCmpUNO(value, value),
                                 const32(static_cast<uint32_t>(TrapNumber::InvalidConversion)),
                                 const32(static_cast<uint32_t>(TrapNumber::IntegerOverflow)));
  trap_if(b.CreateNot(good), number);
  if (is_signed) return push(b.CreateFPToSI(value, to));
  if (to == s.i32) return push(b.CreateTrunc(b.CreateFPToSI(value, s.i64), to));  // as FastISel has it
  push(b.CreateFPToUI(value, to));
}

}  // namespace wjit::ir
