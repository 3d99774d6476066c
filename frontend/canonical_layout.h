// How component values look to core code: size and alignment in linear memory, and the core values that they flatten
// to. Each type's layout for 32-bit and for 64-bit pointers is worked out once, when add_type puts it into the arena,
// so everything here is a constant-time reading of that and hostile types cannot make it slow. The validator checks
// core signatures with flatten_functype; abi's adapter generator takes offsets and flattened types from the same
// functions. Words: component-model CanonicalABI.md, "Alignment", "Element Size", "Flattening", "Despecialization". All
// functions are pure; any thread. Test: test/unit/canonical_layout_test.cpp.
#pragma once

#include <cstdint>
#include <vector>

#include "frontend/component.h"
#include "frontend/component_types.h"

namespace wjit {

constexpr uint32_t kMaxFlatParams = 16;
constexpr uint32_t kMaxFlatAsyncParams = 4;
constexpr uint32_t kMaxFlatResults = 1;
constexpr uint32_t kMaxListByteLength = (1u << 28) - 1;
constexpr uint32_t kMaxStringByteLength = (1u << 28) - 1;

// Appends `def` (its parts refer to types that are in the arena already) with its layout and returns its id. A Map also
// gets the Tuple type of its entries, just before it. The only way to make a type. Not thread-safe.
TypeId add_type(ComponentTypes& types, ComponentTypeDef def);

// Bytes of one element of type `t` in a list, and its alignment. `is_64`: the memory's address type is i64.
uint32_t elem_size(const ComponentTypes& types, TypeId t, bool is_64);
uint32_t alignment(const ComponentTypes& types, TypeId t, bool is_64);
inline uint32_t ptr_size(bool is_64) { return is_64 ? 8 : 4; }
// The bit of a latin1+utf16 string's length that says: UTF-16.
constexpr uint64_t utf16_tag(bool is_64) { return uint64_t{1} << (is_64 ? 63 : 31); }
inline ValType ptr_type(bool is_64) { return is_64 ? ValType::i64() : ValType::i32(); }
constexpr uint64_t align_to(uint64_t offset, uint64_t alignment) {
  return (offset + alignment - 1) / alignment * alignment;
}

// --- Variants, enums, options and results: all are variants once despecialized ---

bool is_variant_like(TypeKind kind);                                 // Variant, Enum, Option, Result
uint32_t case_count(const ComponentTypeDef& def);                    // Option: none, some. Result: ok, error.
TypeId case_type(const ComponentTypeDef& def, uint32_t case_index);  // kNoType: no payload
uint32_t discriminant_size(uint32_t case_count);                     // 1, 2 or 4 bytes
uint32_t payload_offset(const ComponentTypes& types, TypeId variant_like, bool is_64);

// --- Records and tuples ---

// Byte offset of each field of a Record or Tuple, or of each parameter of a Func seen as a tuple.
std::vector<uint32_t> field_offsets(const ComponentTypes& types, TypeId record_like, bool is_64);
uint32_t flags_size(size_t labels);  // 1, 2 or 4 bytes

// What a function's parameters take when they are passed in memory as one tuple.
struct SizeAlign {
  uint32_t size = 0;
  uint32_t alignment = 1;
};
SizeAlign params_size(const ComponentTypes& types, TypeId func, bool is_64);

// --- Flattening ---

// Number of core values that a value of type `t` flattens to; kMaxFlatParams + 1 stands for any larger number.
uint32_t flat_count(const ComponentTypes& types, TypeId t);
// Sum over all parameters, at most kMaxFlatParams + 1.
uint32_t flat_param_count(const ComponentTypes& types, TypeId func);
// 0 without a result.
uint32_t flat_result_count(const ComponentTypes& types, TypeId func);

// The core types that `t` flattens to, appended to `out`. Requires flat_count(t) <= kMaxFlatParams.
void flatten_type(const ComponentTypes& types, TypeId t, bool is_64, std::vector<ValType>& out);
std::vector<ValType> flatten_type(const ComponentTypes& types, TypeId t, bool is_64);

enum class CanonContext : uint8_t { Lift, Lower };
// The core signature of lifting or lowering `func` with `options`.
FuncType flatten_functype(const ComponentTypes& types, const CanonOptions& options, TypeId func, CanonContext context);

// --- Type predicates: of value types, transitively ---

bool contains_borrow(const ComponentTypes& types, TypeId t);
// True where lowering needs `memory` and lifting needs `realloc`: a string or a list without a fixed length in it.
bool contains_pointer(const ComponentTypes& types, TypeId t);
// Own, borrow or resource in it (also Func, Instance and Component types).
bool contains_resource(const ComponentTypes& types, TypeId t);

}  // namespace wjit
