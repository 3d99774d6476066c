// Tables and references. Tables are read and written here, growing and bulk operations are built-ins. A reference is a pointer:
// a FuncRef* for functions, whatever the host put in for the rest; null is ref.null.
#include "ir/emit.h"

namespace wjit::ir {

void FunctionEmitter::emit_table(Opcode op) {
  locate();
  switch (op) {
    case Opcode::TableGet: {
      uint32_t table = reader_.u32();
      Value* index = pop_address(table_type(table).limits.is_64);
      return push(load(s.pointer, table_element(table, index, TrapNumber::TableOutOfBounds), Alias::Tables, 8));
    }
    case Opcode::TableSet: {
      uint32_t table = reader_.u32();
      Value* value = pop();
      Value* index = pop_address(table_type(table).limits.is_64);
      return store(value, table_element(table, index, TrapNumber::TableOutOfBounds), Alias::Tables, 8);
    }
    case Opcode::TableSize: {
      uint32_t table = reader_.u32();
      Value* length = table_length(table_instance(table));
      return push(table_type(table).limits.is_64 ? length : b.CreateTrunc(length, s.i32));
    }
    case Opcode::TableGrow: {
      uint32_t table = reader_.u32();
      bool is_64 = table_type(table).limits.is_64;
      Value* delta = pop_address(is_64);
      Value* initial = pop();
      Value* old = call_builtin(Builtin::table_grow, {const32(table), initial, delta});
      return push(is_64 ? old : b.CreateTrunc(old, s.i32));
    }
    case Opcode::RefNull:
      reader_.skip(Immediate::HeapType);
      return push(llvm::ConstantPointerNull::get(s.pointer));
    case Opcode::RefIsNull: return push(b.CreateIsNull(pop()));
    case Opcode::RefFunc: return push(offset_pointer(vmctx_, s.layout.func_ref(reader_.u32())));
    case Opcode::RefAsNonNull: {
      Value* reference = pop();
      trap_if(b.CreateIsNull(reference), TrapNumber::NullReference);
      return push(reference);
    }
    default: return unsupported(name(info(op).feature));
  }
}

Value* FunctionEmitter::table_instance(uint32_t table) {
  return load_vmctx_pointer(s.layout.table(table), sizeof(TableInstance));
}

Value* FunctionEmitter::table_length(Value* table_instance) {
  return load(s.i64, offset_pointer(table_instance, offsetof(TableInstance, length)), Alias::Records, 8);
}

// The address of an element, after the bounds check.
Value* FunctionEmitter::table_element(uint32_t table, Value* index64, TrapNumber trap) {
  Value* instance = table_instance(table);
  trap_if(b.CreateICmpUGE(index64, table_length(instance)), trap);
  Value* elements =
      load(s.pointer, offset_pointer(instance, offsetof(TableInstance, elements)), Alias::Records, 8);
  return b.CreateInBoundsGEP(s.pointer, elements, index64);
}

}  // namespace wjit::ir
