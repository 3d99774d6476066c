// v128 loads and stores: whole, widened, splat, zero-extended, and single lanes.
#include "ir/emit.h"

namespace wjit::ir {

void FunctionEmitter::emit_vector_memory(Opcode op) {
  locate();
  auto narrow = [&](llvm::Type* element, unsigned lanes) { return llvm::FixedVectorType::get(element, lanes); };
  switch (op) {
    case Opcode::V128Load: return push(memory_load(s.i64x2, reader_.mem_arg()));
    case Opcode::V128Store: {
      Value* value = pop_any();  // in whatever type it has
      return memory_store(value, reader_.mem_arg());
    }
    case Opcode::V128Load8x8S: return load_widened(narrow(s.i8, 8), true);
    case Opcode::V128Load8x8U: return load_widened(narrow(s.i8, 8), false);
    case Opcode::V128Load16x4S: return load_widened(narrow(s.i16, 4), true);
    case Opcode::V128Load16x4U: return load_widened(narrow(s.i16, 4), false);
    case Opcode::V128Load32x2S: return load_widened(narrow(s.i32, 2), true);
    case Opcode::V128Load32x2U: return load_widened(narrow(s.i32, 2), false);
    case Opcode::V128Load8Splat: return load_splat(s.i8x16);
    case Opcode::V128Load16Splat: return load_splat(s.i16x8);
    case Opcode::V128Load32Splat: return load_splat(s.i32x4);
    case Opcode::V128Load64Splat: return load_splat(s.i64x2);
    case Opcode::V128Load32Zero: return load_zero(s.i32x4);
    case Opcode::V128Load64Zero: return load_zero(s.i64x2);
    case Opcode::V128Load8Lane: return load_lane(s.i8x16);
    case Opcode::V128Load16Lane: return load_lane(s.i16x8);
    case Opcode::V128Load32Lane: return load_lane(s.i32x4);
    case Opcode::V128Load64Lane: return load_lane(s.i64x2);
    case Opcode::V128Store8Lane: return store_lane(s.i8x16);
    case Opcode::V128Store16Lane: return store_lane(s.i16x8);
    case Opcode::V128Store32Lane: return store_lane(s.i32x4);
    case Opcode::V128Store64Lane: return store_lane(s.i64x2);
    default: return unsupported(info(op).text);
  }
}

void FunctionEmitter::load_widened(llvm::FixedVectorType* narrow, bool is_signed) {
  push(widen(memory_load(narrow, reader_.mem_arg()), is_signed));
}

void FunctionEmitter::load_splat(llvm::FixedVectorType* type) {
  Value* value = memory_load(type->getElementType(), reader_.mem_arg());
  push(b.CreateVectorSplat(type->getNumElements(), value));
}

void FunctionEmitter::load_zero(llvm::FixedVectorType* type) {
  Value* value = memory_load(type->getElementType(), reader_.mem_arg());
  push(b.CreateInsertElement(llvm::Constant::getNullValue(type), value, uint64_t{0}));
}

void FunctionEmitter::load_lane(llvm::FixedVectorType* type) {
  Value* vector = pop_vector(type);
  Value* value = memory_load(type->getElementType(), reader_.mem_arg());
  push(b.CreateInsertElement(vector, value, uint64_t{reader_.byte()}));
}

void FunctionEmitter::store_lane(llvm::FixedVectorType* type) {
  Value* vector = pop_vector(type);
  MemArg arg = reader_.mem_arg();
  memory_store(b.CreateExtractElement(vector, uint64_t{reader_.byte()}), arg);
}

}  // namespace wjit::ir
