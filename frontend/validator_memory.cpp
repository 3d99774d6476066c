// Typing of memories, tables and their segments (frontend/validator.h). Chapter 3.4, "Memory Instructions" and "Table
// Instructions". Addresses and sizes have the address type of their memory or table.
#include "frontend/validator.h"

namespace wjit {

const Table* Validator::table_at(uint32_t index) {
  if (!in_.ok()) return nullptr;
  if (index < module_.tables.size()) return &module_.tables[index];
  invalid("unknown table {}", index);
  return nullptr;
}

const Memory* Validator::memory_at(uint32_t index) {
  if (!in_.ok()) return nullptr;
  if (index < module_.memories.size()) return &module_.memories[index];
  invalid("unknown memory {}", index);
  return nullptr;
}

const Table* Validator::table_index() { return table_at(in_.u32()); }

const Memory* Validator::memory_index() { return memory_at(in_.u32()); }

const ElemSegment* Validator::elem_index() { return elem_at(in_.u32()); }

const ElemSegment* Validator::elem_at(uint32_t i) {
  if (!in_.ok()) return nullptr;
  if (i < module_.elems.size()) return &module_.elems[i];
  invalid("unknown elem segment {}", i);
  return nullptr;
}

void Validator::data_index() { check_data(in_.u32()); }

void Validator::check_data(uint32_t i) {
  if (!in_.ok()) return;
  if (!data_count_) return in_.malformed_at(at_, "data count section required");
  if (i >= *data_count_) invalid("unknown data segment {}", i);
}

ValType Validator::memarg(unsigned natural_log2) {
  constexpr uint32_t kHasMemory = 0x40;
  const uint32_t flags = in_.u32();
  if (flags >= 2 * kHasMemory) in_.malformed_at(at_, "malformed memop flags");
  const Memory* memory = memory_at(flags & kHasMemory ? in_.u32() : 0);
  const uint64_t offset = in_.u64();
  if (!memory || !in_.ok()) return ValType::i32();
  if ((flags & ~kHasMemory) > natural_log2) invalid("alignment must not be larger than natural");
  if (!memory->type.limits.is_64 && offset > UINT32_MAX) invalid("offset out of range");
  return address_type(memory->type.limits);
}

// Memories.

void Validator::memory_size_or_grow(bool grow) {
  const Memory* memory = memory_index();
  if (!memory) return;
  const ValType address = address_type(memory->type.limits);
  if (grow) pop(address);
  push(address);
}

void Validator::memory_fill() {
  const Memory* memory = memory_index();
  if (!memory) return;
  const ValType address = address_type(memory->type.limits);
  pop(address);
  pop_kind(ValKind::I32);
  pop(address);
}

void Validator::memory_copy() {
  const Memory* to = memory_index();
  const Memory* from = memory_index();
  if (!to || !from) return;
  const bool both_64 = to->type.limits.is_64 && from->type.limits.is_64;
  pop(both_64 ? ValType::i64() : ValType::i32());
  pop(address_type(from->type.limits));
  pop(address_type(to->type.limits));
}

void Validator::memory_init() {
  const uint32_t data = in_.u32();
  const Memory* memory = memory_index();
  check_data(data);
  if (!memory) return;
  pop_kind(ValKind::I32);
  pop_kind(ValKind::I32);
  pop(address_type(memory->type.limits));
}

// Tables.

void Validator::table_get() {
  const Table* table = table_index();
  if (!table) return;
  pop(address_type(table->type.limits));
  push(table->type.element);
}

void Validator::table_set() {
  const Table* table = table_index();
  if (!table) return;
  pop(table->type.element);
  pop(address_type(table->type.limits));
}

void Validator::table_size() {
  const Table* table = table_index();
  if (table) push(address_type(table->type.limits));
}

void Validator::table_grow() {
  const Table* table = table_index();
  if (!table) return;
  pop(address_type(table->type.limits));
  pop(table->type.element);
  push(address_type(table->type.limits));
}

void Validator::table_fill() {
  const Table* table = table_index();
  if (!table) return;
  pop(address_type(table->type.limits));
  pop(table->type.element);
  pop(address_type(table->type.limits));
}

void Validator::table_copy() {
  const Table* to = table_index();
  const Table* from = table_index();
  if (!to || !from) return;
  require_subtype(from->type.element, to->type.element);
  const bool both_64 = to->type.limits.is_64 && from->type.limits.is_64;
  pop(both_64 ? ValType::i64() : ValType::i32());
  pop(address_type(from->type.limits));
  pop(address_type(to->type.limits));
}

void Validator::table_init() {
  const uint32_t elem = in_.u32();
  const Table* table = table_index();
  const ElemSegment* segment = elem_at(elem);
  if (!segment || !table) return;
  require_subtype(segment->type, table->type.element);
  pop_kind(ValKind::I32);
  pop_kind(ValKind::I32);
  pop(address_type(table->type.limits));
}

}  // namespace wjit
