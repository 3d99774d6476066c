// Bulk operations on memories and tables: calls of built-ins, which take all addresses and counts as i64.
#include "ir/emit.h"

namespace wjit::ir {

void FunctionEmitter::emit_bulk(Opcode op) {
  locate();
  auto is_64 = [&](uint32_t memory) { return memory_type(memory).limits.is_64; };
  auto table_is_64 = [&](uint32_t table) { return table_type(table).limits.is_64; };
  switch (op) {
    case Opcode::MemoryInit: {
      uint32_t segment = reader_.u32();
      uint32_t memory = reader_.u32();
      Value* count = pop_address(false);
      Value* source = pop_address(false);
      Value* destination = pop_address(is_64(memory));
      call_builtin(Builtin::memory_init, {const32(memory), const32(segment), destination, source, count});
      return;
    }
    case Opcode::DataDrop: call_builtin(Builtin::data_drop, {const32(reader_.u32())}); return;
    case Opcode::MemoryCopy: {
      uint32_t to = reader_.u32();
      uint32_t from = reader_.u32();
      Value* count = pop_address(is_64(to) && is_64(from));
      Value* source = pop_address(is_64(from));
      Value* destination = pop_address(is_64(to));
      call_builtin(Builtin::memory_copy, {const32(to), const32(from), destination, source, count});
      return;
    }
    case Opcode::MemoryFill: {
      uint32_t memory = reader_.u32();
      Value* count = pop_address(is_64(memory));
      Value* value = pop();
      Value* destination = pop_address(is_64(memory));
      call_builtin(Builtin::memory_fill, {const32(memory), destination, value, count});
      return;
    }
    case Opcode::TableInit: {
      uint32_t segment = reader_.u32();
      uint32_t table = reader_.u32();
      Value* count = pop_address(false);
      Value* source = pop_address(false);
      Value* destination = pop_address(table_is_64(table));
      call_builtin(Builtin::table_init, {const32(table), const32(segment), destination, source, count});
      return;
    }
    case Opcode::ElemDrop: call_builtin(Builtin::elem_drop, {const32(reader_.u32())}); return;
    case Opcode::TableCopy: {
      uint32_t to = reader_.u32();
      uint32_t from = reader_.u32();
      Value* count = pop_address(table_is_64(to) && table_is_64(from));
      Value* source = pop_address(table_is_64(from));
      Value* destination = pop_address(table_is_64(to));
      call_builtin(Builtin::table_copy, {const32(to), const32(from), destination, source, count});
      return;
    }
    case Opcode::TableFill: {
      uint32_t table = reader_.u32();
      Value* count = pop_address(table_is_64(table));
      Value* value = pop();
      Value* destination = pop_address(table_is_64(table));
      call_builtin(Builtin::table_fill, {const32(table), destination, value, count});
      return;
    }
    default: return unsupported(info(op).text);
  }
}

}  // namespace wjit::ir
