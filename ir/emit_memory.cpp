// Loads, stores, memory.size and memory.grow.
//
// An i32 address of a memory with 64 KiB pages needs no check: base + zero-extended address + offset lies in the reservation or
// its guard, and what is not accessible faults. i64 addresses and other page sizes are compared with the current length.
// Accesses have alignment 1 whatever the hint says, and are ordinary, so LLVM may merge and move them; see memory_load
// for what keeps an unused load.
#include "ir/emit.h"

namespace wjit::ir {

void FunctionEmitter::emit_memory(Opcode op) {
  locate();
  switch (op) {
    case Opcode::I32Load: return push(memory_load(s.i32, reader_.mem_arg()));
    case Opcode::I64Load: return push(memory_load(s.i64, reader_.mem_arg()));
    case Opcode::F32Load: return push(memory_load(s.f32, reader_.mem_arg()));
    case Opcode::F64Load: return push(memory_load(s.f64, reader_.mem_arg()));
    case Opcode::I32Load8S: return load_extended(s.i8, s.i32, true);
    case Opcode::I32Load8U: return load_extended(s.i8, s.i32, false);
    case Opcode::I32Load16S: return load_extended(s.i16, s.i32, true);
    case Opcode::I32Load16U: return load_extended(s.i16, s.i32, false);
    case Opcode::I64Load8S: return load_extended(s.i8, s.i64, true);
    case Opcode::I64Load8U: return load_extended(s.i8, s.i64, false);
    case Opcode::I64Load16S: return load_extended(s.i16, s.i64, true);
    case Opcode::I64Load16U: return load_extended(s.i16, s.i64, false);
    case Opcode::I64Load32S: return load_extended(s.i32, s.i64, true);
    case Opcode::I64Load32U: return load_extended(s.i32, s.i64, false);
    case Opcode::I32Store:
    case Opcode::I64Store:
    case Opcode::F32Store:
    case Opcode::F64Store: {
      Value* value = pop();
      return memory_store(value, reader_.mem_arg());
    }
    case Opcode::I32Store8:
    case Opcode::I64Store8: return store_wrapped(s.i8);
    case Opcode::I32Store16:
    case Opcode::I64Store16: return store_wrapped(s.i16);
    case Opcode::I64Store32: return store_wrapped(s.i32);
    case Opcode::MemorySize: {
      uint32_t memory = reader_.u32();
      const MemoryType& type = memory_type(memory);
      Value* field = offset_pointer(memory_instance(memory), offsetof(MemoryInstance, byte_length));
      Value* pages = b.CreateLShr(load(s.i64, field, Alias::Records, 8), type.page_size_log2);
      return push(type.limits.is_64 ? pages : b.CreateTrunc(pages, s.i32));
    }
    case Opcode::MemoryGrow: {
      uint32_t memory = reader_.u32();
      bool is_64 = memory_type(memory).limits.is_64;
      Value* delta = pop_address(is_64);
      Value* old = call_builtin(Builtin::memory_grow, {const32(memory), delta});
      return push(is_64 ? old : b.CreateTrunc(old, s.i32));
    }
    default: return unsupported(info(op).text);
  }
}

// Loaded once at the entry: a base never changes while the instance lives.
Value* FunctionEmitter::memory_base(uint32_t memory) {
  Value*& base = memory_bases_[memory];
  if (!base) base = at_entry([&] { return load_vmctx_pointer(s.layout.memory_base(memory), 0); });
  return base;
}

Value* FunctionEmitter::memory_instance(uint32_t memory) {
  return load_vmctx_pointer(s.layout.memory(memory), sizeof(MemoryInstance));
}

Value* FunctionEmitter::memory_address(MemArg arg, uint32_t size) {
  const MemoryType& type = memory_type(arg.memory);
  Value* address = pop_address(type.limits.is_64);
  if (type.limits.is_64 || type.page_size_log2 != 16) {
    uint64_t reach = arg.offset + size;
    if (reach < arg.offset) {
      trap_if(b.getTrue(), TrapNumber::MemoryOutOfBounds);
    } else {
      Value* end = b.CreateAdd(address, const64(reach));
      Value* field = offset_pointer(memory_instance(arg.memory), offsetof(MemoryInstance, byte_length));
      Value* bad = b.CreateICmpUGT(end, load(s.i64, field, Alias::Records, 8));
      // An i32 address and offset cannot wrap around in 64 bits.
      if (type.limits.is_64) bad = b.CreateOr(bad, b.CreateICmpULT(end, address));
      trap_if(bad, TrapNumber::MemoryOutOfBounds);
    }
  }
  Value* pointer = b.CreateInBoundsGEP(s.i8, memory_base(arg.memory), address);
  return offset_pointer(pointer, arg.offset);
}

// A load must trap even if nobody reads its value. In Full IR the fake use keeps it from being deleted and from being sunk
// into a branch, but equal loads still merge and invariant ones leave loops; it emits no code. In Fast IR see
// keep_dead_loads.
Value* FunctionEmitter::memory_load(llvm::Type* type, MemArg arg) {
  auto size = static_cast<uint32_t>(type->getPrimitiveSizeInBits().getFixedValue() / 8);
  Value* value = load(type, memory_address(arg, size), Alias::LinearMemory, 1);
  if (s.full) b.CreateIntrinsic(s.void_type, llvm::Intrinsic::fake_use, {value});
  return value;
}

void FunctionEmitter::memory_store(Value* value, MemArg arg) {
  auto size = static_cast<uint32_t>(value->getType()->getPrimitiveSizeInBits().getFixedValue() / 8);
  store(value, memory_address(arg, size), Alias::LinearMemory, 1);
}

void FunctionEmitter::load_extended(llvm::Type* type, llvm::Type* result, bool is_signed) {
  Value* value = memory_load(type, reader_.mem_arg());
  push(is_signed ? b.CreateSExt(value, result) : b.CreateZExt(value, result));
}

void FunctionEmitter::store_wrapped(llvm::Type* type) {
  Value* value = b.CreateTrunc(pop(), type);
  memory_store(value, reader_.mem_arg());
}

}  // namespace wjit::ir
