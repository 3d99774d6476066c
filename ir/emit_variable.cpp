// Locals, globals and constants. A local is a current value (or a slot, where the function is too large for SSA form).
#include "ir/emit.h"

namespace wjit::ir {

void FunctionEmitter::emit_variable(Opcode op) {
  switch (op) {
    case Opcode::LocalGet: return push(local(reader_.u32()));
    case Opcode::LocalSet: {
      uint32_t index = reader_.u32();
      return set_local(index, pop());
    }
    case Opcode::LocalTee: {
      uint32_t index = reader_.u32();
      Value* value = pop_any();
      set_local(index, canonical(value));
      return push(value);
    }
    case Opcode::GlobalGet: {
      uint32_t index = reader_.u32();
      const GlobalType& type = s.module.globals[index].type;
      llvm::Type* value_type = s.value_type(type.type);
      // Immutable globals are written before any function of the instance runs.
      Alias alias = type.is_mutable ? Alias::Globals : Alias::InstanceFixed;
      return push(load(value_type, global_pointer(index), alias, type.type.kind == ValKind::V128 ? 16 : 8));
    }
    case Opcode::GlobalSet: {
      uint32_t index = reader_.u32();
      Value* value = pop();
      return store(value, global_pointer(index), Alias::Globals, value->getType()->isVectorTy() ? 16 : 8);
    }
    case Opcode::I32Const: return push(const32(static_cast<uint32_t>(reader_.s32())));
    case Opcode::I64Const: return push(const64(static_cast<uint64_t>(reader_.s64())));
    case Opcode::F32Const: {
      llvm::APInt bits(32, reader_.fixed<uint32_t>());
      return push(llvm::ConstantFP::get(s.context, llvm::APFloat(llvm::APFloat::IEEEsingle(), bits)));
    }
    case Opcode::F64Const: {
      llvm::APInt bits(64, reader_.fixed<uint64_t>());
      return push(llvm::ConstantFP::get(s.context, llvm::APFloat(llvm::APFloat::IEEEdouble(), bits)));
    }
    default: return unsupported(info(op).text);
  }
}

Value* FunctionEmitter::local(uint32_t index) {
  Value* current = locals_[index];
  return scan_.locals_in_slots ? b.CreateLoad(local_types_[index], current) : current;
}

void FunctionEmitter::set_local(uint32_t index, Value* value) {
  if (scan_.locals_in_slots) {
    b.CreateStore(value, locals_[index]);
  } else {
    locals_[index] = value;
  }
}

Value* FunctionEmitter::global_pointer(uint32_t index) {
  if (index >= s.module.imported_globals) {
    return offset_pointer(vmctx_, s.layout.global(index - s.module.imported_globals));
  }
  return load_vmctx_pointer(s.layout.imported_global(index), sizeof(GlobalCell));
}

}  // namespace wjit::ir
