// Core WebAssembly types: data only. The words are the core specification's, section "Types".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace wjit {

// A heap type as its s33 encoding: a type index if >= 0, else one of these abstract types.
using HeapType = int32_t;
namespace heap {
constexpr HeapType NoExn = -0x0C, NoFunc = -0x0D, NoExtern = -0x0E, None = -0x0F, Func = -0x10, Extern = -0x11,
                   Any = -0x12, Eq = -0x13, I31 = -0x14, Struct = -0x15, Array = -0x16, Exn = -0x17;
}

enum class ValKind : uint8_t {
  I32,
  I64,
  F32,
  F64,
  V128,
  Ref,
  Bottom,  // only inside the validator: the type of a value on a polymorphic stack
};

struct ValType {
  ValKind kind = ValKind::I32;
  bool nullable = false;  // Ref only
  HeapType heap = 0;      // Ref only

  bool operator==(const ValType&) const = default;
  bool is_ref() const { return kind == ValKind::Ref; }
  static constexpr ValType i32() { return {ValKind::I32, false, 0}; }
  static constexpr ValType i64() { return {ValKind::I64, false, 0}; }
  static constexpr ValType f32() { return {ValKind::F32, false, 0}; }
  static constexpr ValType f64() { return {ValKind::F64, false, 0}; }
  static constexpr ValType v128() { return {ValKind::V128, false, 0}; }
  static constexpr ValType ref(HeapType h, bool null) { return {ValKind::Ref, null, h}; }
  static constexpr ValType funcref() { return ref(heap::Func, true); }
  static constexpr ValType externref() { return ref(heap::Extern, true); }
};

// "i32", "(ref null func)", … with type indices as numbers.
std::string to_string(ValType type);

struct FuncType {
  std::vector<ValType> params;
  std::vector<ValType> results;
  bool operator==(const FuncType&) const = default;
};

enum class PackedType : uint8_t { NotPacked, I8, I16 };
struct FieldType {
  ValType type;                              // I32 when packed
  PackedType packed = PackedType::NotPacked;
  bool is_mutable = false;
  bool operator==(const FieldType&) const = default;
};

enum class CompositeKind : uint8_t { Func, Struct, Array };

// One type definition (a subtype of the specification); `rec_group` is the first type of its recursion group.
struct TypeDef {
  CompositeKind kind = CompositeKind::Func;
  FuncType func;                   // Func
  std::vector<FieldType> fields;   // Struct: all; Array: exactly one
  bool is_final = true;
  std::optional<uint32_t> supertype;
  uint32_t rec_group = 0;
  uint32_t rec_group_size = 1;
  // The number that all structurally equal (iso-recursive) types of the process share: what call_indirect compares.
  // Given by TypeRegistry (frontend/type_registry.h) when the module is validated.
  uint32_t canonical_id = 0;
};

struct Limits {
  uint64_t min = 0;
  std::optional<uint64_t> max;
  bool is_64 = false;   // address type i64
  bool operator==(const Limits&) const = default;
};

struct MemoryType {
  Limits limits;                // in pages
  uint8_t page_size_log2 = 16;  // 16, or 0 with custom page sizes
  bool shared = false;
  bool operator==(const MemoryType&) const = default;
};

struct TableType {
  Limits limits;  // in elements
  ValType element = ValType::funcref();
  bool operator==(const TableType&) const = default;
};

struct GlobalType {
  ValType type;
  bool is_mutable = false;
  bool operator==(const GlobalType&) const = default;
};

struct TagType {
  uint32_t type = 0;  // index of a function type
};

enum class ExternKind : uint8_t { Func = 0, Table = 1, Memory = 2, Global = 3, Tag = 4 };
const char* name(ExternKind kind);

}  // namespace wjit
