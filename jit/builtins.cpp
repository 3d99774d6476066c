// Bulk operations and growth of memories and tables, and traps of emitted checks. Interface: jit/builtins.h.
#include "jit/builtins.h"

#include <cstring>
#include <string_view>
#include <type_traits>

#include "jit/instance.h"
#include "jit/trap.h"

namespace wjit {
namespace {

// The table's letters of a prototype, to be compared with its row.
template <typename T>
constexpr char letter() {
  if (std::is_pointer_v<T>) return 'p';
  return sizeof(T) == 4 ? 'i' : 'l';
}
template <typename Result, typename... Params>
constexpr bool fits(Result (*)(VmContext*, Params...), std::string_view params, std::string_view result) {
  constexpr char kLetters[] = {letter<Params>()..., 0};
  if (params != std::string_view(kLetters, sizeof...(Params)) || sizeof...(Params) > 5) return false;
  if constexpr (std::is_void_v<Result>) {
    return result.empty();
  } else {
    return result.size() == 1 && result[0] == letter<Result>();
  }
}
#define BUILTIN(name, params, result) static_assert(fits(&builtin_##name, params, result), #name);
#include "jit/builtins.def"
#undef BUILTIN

bool in_bounds(uint64_t begin, uint64_t count, uint64_t size) { return begin <= size && count <= size - begin; }

void check_memory(VmContext* vmctx, bool ok) {
  if (!ok) raise_trap(vmctx->store, TrapCode::MemoryOutOfBounds);
}
void check_table(VmContext* vmctx, bool ok) {
  if (!ok) raise_trap(vmctx->store, TrapCode::TableOutOfBounds);
}

}  // namespace

void builtin_trap(VmContext* vmctx, uint32_t code) { raise_trap(vmctx->store, static_cast<TrapCode>(code)); }

uint64_t builtin_memory_grow(VmContext* vmctx, uint32_t memory, uint64_t delta) {
  return static_cast<uint64_t>(grow_memory(*vmctx->instance->memory(memory), delta));
}

void builtin_memory_copy(VmContext* vmctx, uint32_t to, uint32_t from, uint64_t destination, uint64_t source,
                         uint64_t count) {
  MemoryInstance& target = *vmctx->instance->memory(to);
  const MemoryInstance& origin = *vmctx->instance->memory(from);
  const bool ok = in_bounds(destination, count, target.byte_length) && in_bounds(source, count, origin.byte_length);
  if (ok && count != 0) memmove(target.base + destination, origin.base + source, count);
  check_memory(vmctx, ok);
}

void builtin_memory_fill(VmContext* vmctx, uint32_t memory, uint64_t destination, uint32_t value, uint64_t count) {
  MemoryInstance& target = *vmctx->instance->memory(memory);
  const bool ok = in_bounds(destination, count, target.byte_length);
  if (ok && count != 0) memset(target.base + destination, static_cast<uint8_t>(value), count);
  check_memory(vmctx, ok);
}

void builtin_memory_init(VmContext* vmctx, uint32_t memory, uint32_t segment, uint64_t destination, uint64_t source,
                         uint64_t count) {
  check_memory(vmctx, vmctx->instance->memory_init(memory, segment, destination, source, count));
}

void builtin_data_drop(VmContext* vmctx, uint32_t segment) { vmctx->instance->data_drop(segment); }

uint64_t builtin_table_grow(VmContext* vmctx, uint32_t table, void* initial, uint64_t delta) {
  return static_cast<uint64_t>(grow_table(*vmctx->instance->table(table), initial, delta));
}

void builtin_table_fill(VmContext* vmctx, uint32_t table, uint64_t destination, void* value, uint64_t count) {
  check_table(vmctx, fill_table(*vmctx->instance->table(table), destination, value, count));
}

void builtin_table_copy(VmContext* vmctx, uint32_t to, uint32_t from, uint64_t destination, uint64_t source,
                        uint64_t count) {
  CoreInstance& instance = *vmctx->instance;
  check_table(vmctx, copy_table(*instance.table(to), *instance.table(from), destination, source, count));
}

void builtin_table_init(VmContext* vmctx, uint32_t table, uint32_t segment, uint64_t destination, uint64_t source,
                        uint64_t count) {
  check_table(vmctx, vmctx->instance->table_init(table, segment, destination, source, count));
}

void builtin_elem_drop(VmContext* vmctx, uint32_t segment) { vmctx->instance->elem_drop(segment); }

}  // namespace wjit
