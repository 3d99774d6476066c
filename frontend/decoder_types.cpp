// Core types: reading them, the rules for declared supertypes, subtyping. Byte values are those of chapter 5.3; a heap
// type keeps its encoding (frontend/types.h), so that reading an abstract one is a subtraction. A recursion group is
// read whole, then gets its canonical numbers, and only then its supertypes are checked, since those compare by
// canonical numbers.
#include "frontend/decoder_types.h"

#include <algorithm>

#include "frontend/type_registry.h"

namespace wjit {
namespace {

constexpr uint8_t kArrayType = 0x5E, kStructType = 0x5F, kFuncType = 0x60;
constexpr uint8_t kRecGroup = 0x4E, kSubFinal = 0x4F, kSub = 0x50;
constexpr uint8_t kRef = 0x64, kRefNull = 0x63;
constexpr uint8_t kPackedI8 = 0x78, kPackedI16 = 0x77;

constexpr bool is_abstract_heap_byte(uint8_t b) { return b >= 0x69 && b <= 0x74; }
constexpr HeapType abstract_heap(uint8_t b) { return static_cast<HeapType>(b) - 0x80; }

HeapType read_type_index_as_heap(Reader& in, uint32_t type_count) {
  const size_t at = in.offset();
  const int64_t index = in.s33();
  if (index < 0) {
    in.malformed_at(at, "malformed heap type");
    return heap::Any;
  }
  if (index >= type_count) {
    in.invalid_at(at, "unknown type {}", index);
    return heap::Any;
  }
  return static_cast<HeapType>(index);
}

bool read_mutability(Reader& in) {
  const uint8_t b = in.byte();
  if (b > 1) in.malformed_at(in.offset() - 1, "malformed mutability");
  return b == 1;
}

FieldType read_field_type(Reader& in, uint32_t type_count) {
  FieldType field;
  if (in.peek() == kPackedI8 || in.peek() == kPackedI16) {
    field.packed = in.byte() == kPackedI8 ? PackedType::I8 : PackedType::I16;
    field.type = ValType::i32();
  } else {
    field.type = read_val_type(in, type_count);
  }
  field.is_mutable = read_mutability(in);
  return field;
}

void read_composite_type(Reader& in, uint32_t type_count, TypeDef& type) {
  const uint8_t form = in.byte();
  switch (form) {
    case kArrayType:
      type.kind = CompositeKind::Array;
      type.fields.push_back(read_field_type(in, type_count));
      return;
    case kStructType: {
      type.kind = CompositeKind::Struct;
      const uint32_t n = in.count(limit::kFields, "fields");
      type.fields.reserve(n);
      for (uint32_t i = 0; i < n && in.ok(); ++i) type.fields.push_back(read_field_type(in, type_count));
      return;
    }
    case kFuncType:
      type.kind = CompositeKind::Func;
      type.func = read_func_type(in, type_count);
      return;
    default: in.malformed_at(in.offset() - 1, "malformed type form {:#04x}", form);
  }
}

// `self` is the index that the type will have.
TypeDef read_sub_type(Reader& in, uint32_t type_count, uint32_t self) {
  TypeDef type;
  if (in.peek() == kSub || in.peek() == kSubFinal) {
    type.is_final = in.byte() == kSubFinal;
    const size_t at = in.offset();
    const uint32_t supers = in.count(limit::kItems, "supertypes");
    if (supers > 1) in.invalid_at(at, "sub type {} has more than one super type", self);
    if (supers == 1) {
      const size_t index_at = in.offset();
      const uint32_t super = in.u32();
      if (super >= self) in.invalid_at(index_at, "unknown type {}", super);
      type.supertype = super;
    }
  }
  read_composite_type(in, type_count, type);
  return type;
}

bool field_matches(std::span<const TypeDef> types, const FieldType& sub, const FieldType& super) {
  if (sub.is_mutable != super.is_mutable || sub.packed != super.packed) return false;
  if (!is_subtype(types, sub.type, super.type)) return false;
  return !sub.is_mutable || is_subtype(types, super.type, sub.type);
}

bool all_subtypes(std::span<const TypeDef> types, const std::vector<ValType>& sub, const std::vector<ValType>& super) {
  return std::ranges::equal(sub, super, [&](ValType a, ValType b) { return is_subtype(types, a, b); });
}

bool composite_matches(std::span<const TypeDef> types, const TypeDef& sub, const TypeDef& super) {
  if (sub.kind != super.kind) return false;
  switch (sub.kind) {
    case CompositeKind::Func:
      return all_subtypes(types, super.func.params, sub.func.params) &&
             all_subtypes(types, sub.func.results, super.func.results);
    case CompositeKind::Struct:
    case CompositeKind::Array:
      if (sub.fields.size() < super.fields.size()) return false;
      for (size_t i = 0; i < super.fields.size(); ++i) {
        if (!field_matches(types, sub.fields[i], super.fields[i])) return false;
      }
      return true;
  }
  return false;
}

// The rule Subtype_ok of chapter 3.2, when the whole group has its canonical ids.
void check_supertype(Reader& in, size_t at, const std::vector<TypeDef>& types, uint32_t index,
                     std::vector<uint32_t>& depths) {
  const TypeDef& type = types[index];
  const uint32_t first = type.rec_group;
  if (!type.supertype) return;
  const uint32_t super = *type.supertype;
  uint32_t depth = 1;
  if (super >= first) {
    depth = depths[super - first] + 1;
  } else {
    for (std::optional<uint32_t> up = types[super].supertype; up; up = types[*up].supertype) ++depth;
  }
  depths[index - first] = depth;
  if (depth > limit::kSubtypeDepth) {
    in.unsupported_at(at, "sub type {} has more than {} super types", index, limit::kSubtypeDepth);
  } else if (types[super].is_final || !composite_matches(types, type, types[super])) {
    in.invalid_at(at, "sub type {} does not match super type {}", index, super);
  }
}

enum LimitsFlag : uint8_t { kHasMax = 1, kShared = 2, kIs64 = 4, kPageSize = 8 };

Limits read_bounds(Reader& in, uint8_t flags) {
  Limits limits;
  limits.is_64 = flags & kIs64;
  limits.min = in.u64();
  if (flags & kHasMax) limits.max = in.u64();
  return limits;
}

void check_limits(Reader& in, size_t at, const Limits& limits, uint64_t range, std::string_view what) {
  if (!in.ok()) return;
  if (limits.min > range || (limits.max && *limits.max > range)) {
    in.invalid_at(at, "{} must be at most {}", what, range);
  } else if (limits.max && *limits.max < limits.min) {
    in.invalid_at(at, "size minimum must not be greater than maximum");
  }
}

}  // namespace

HeapType read_heap_type(Reader& in, uint32_t type_count) {
  if (is_abstract_heap_byte(in.peek())) return abstract_heap(in.byte());
  return read_type_index_as_heap(in, type_count);
}

ValType read_ref_type(Reader& in, uint32_t type_count) {
  const uint8_t b = in.byte();
  if (is_abstract_heap_byte(b)) return ValType::ref(abstract_heap(b), true);
  if (b == kRefNull || b == kRef) return ValType::ref(read_heap_type(in, type_count), b == kRefNull);
  in.malformed_at(in.offset() - 1, "malformed reference type {:#04x}", b);
  return ValType::funcref();
}

ValType read_val_type(Reader& in, uint32_t type_count) {
  switch (in.peek()) {
    case 0x7F: in.byte(); return ValType::i32();
    case 0x7E: in.byte(); return ValType::i64();
    case 0x7D: in.byte(); return ValType::f32();
    case 0x7C: in.byte(); return ValType::f64();
    case 0x7B: in.byte(); return ValType::v128();
    default: break;
  }
  const uint8_t b = in.peek();
  if (!is_abstract_heap_byte(b) && b != kRefNull && b != kRef && !in.at_end()) {
    in.malformed("malformed value type {:#04x}", b);
    return ValType::i32();
  }
  return read_ref_type(in, type_count);
}

Limits read_table_limits(Reader& in) {
  const size_t at = in.offset();
  const uint8_t flags = in.byte();
  if (flags & ~(kHasMax | kIs64)) in.malformed_at(at, "malformed limits flags {:#04x}", flags);
  const Limits limits = read_bounds(in, flags);
  check_limits(in, at, limits, limits.is_64 ? UINT64_MAX : UINT32_MAX, "table size");
  return limits;
}

TableType read_table_type(Reader& in, uint32_t type_count) {
  TableType table;
  table.element = read_ref_type(in, type_count);
  table.limits = read_table_limits(in);
  return table;
}

MemoryType read_memory_type(Reader& in) {
  MemoryType memory;
  const size_t at = in.offset();
  const uint8_t flags = in.byte();
  if (flags & ~(kHasMax | kShared | kIs64 | kPageSize)) in.malformed_at(at, "malformed limits flags {:#04x}", flags);
  memory.limits = read_bounds(in, flags);
  if (in.ok() && (flags & kShared) && !memory.limits.max) in.invalid_at(at, "shared memory must have maximum size");
  memory.shared = flags & kShared;
  if (flags & kPageSize) {
    const size_t size_at = in.offset();
    const uint32_t log2 = in.u32();
    if (log2 >= 64) {
      in.malformed_at(size_at, "invalid custom page size");
    } else if (log2 != 0 && log2 != 16) {
      in.invalid_at(size_at, "invalid custom page size");
    }
    memory.page_size_log2 = static_cast<uint8_t>(log2);
  }
  uint64_t range = memory.limits.is_64 ? limit::kMaxPages64 : limit::kMaxPages32;
  if (memory.page_size_log2 == 0) range = memory.limits.is_64 ? UINT64_MAX : UINT32_MAX;
  check_limits(in, at, memory.limits, range, "memory size");
  return memory;
}

GlobalType read_global_type(Reader& in, uint32_t type_count) {
  GlobalType global;
  global.type = read_val_type(in, type_count);
  global.is_mutable = read_mutability(in);
  return global;
}

FuncType read_func_type(Reader& in, uint32_t type_count) {
  FuncType type;
  const uint32_t params = in.count(limit::kParams, "parameters");
  type.params.reserve(params);
  for (uint32_t i = 0; i < params && in.ok(); ++i) type.params.push_back(read_val_type(in, type_count));
  const uint32_t results = in.count(limit::kParams, "results");
  type.results.reserve(results);
  for (uint32_t i = 0; i < results && in.ok(); ++i) type.results.push_back(read_val_type(in, type_count));
  return type;
}

void read_rec_type(Reader& in, std::vector<TypeDef>& types) {
  const size_t at = in.offset();
  const uint32_t first = static_cast<uint32_t>(types.size());
  uint32_t size = 1;
  if (in.peek() == kRecGroup) {
    in.byte();
    size = in.count(limit::kItems, "types in a recursion group");
  }
  if (size > limit::kItems - std::min(first, limit::kItems)) {
    in.unsupported_at(at, "too many types: the limit is {}", limit::kItems);
    return;
  }
  for (uint32_t i = 0; i < size && in.ok(); ++i) {
    TypeDef type = read_sub_type(in, first + size, first + i);
    type.rec_group = first;
    type.rec_group_size = size;
    types.push_back(std::move(type));
  }
  if (!in.ok() || size == 0) return;
  canonicalize_rec_group(types, first, size);
  std::vector<uint32_t> depths;
  for (uint32_t i = first; i < first + size && in.ok(); ++i) {
    if (!types[i].supertype) continue;
    depths.resize(size);
    check_supertype(in, at, types, i, depths);
  }
}

TagType read_tag_type(Reader& in, std::span<const TypeDef> types) {
  if (in.byte() != 0) in.malformed_at(in.offset() - 1, "malformed tag attribute");
  const size_t at = in.offset();
  const uint32_t type = in.u32();
  if (!in.ok()) return {};
  if (type >= types.size()) {
    in.invalid_at(at, "unknown type {}", type);
  } else if (types[type].kind != CompositeKind::Func) {
    in.invalid_at(at, "type {} is not a function type", type);
  } else if (!types[type].func.results.empty()) {
    in.invalid_at(at, "non-empty tag result type");
  }
  return {type};
}

ExternKind read_extern_kind(Reader& in, std::string_view what) {
  const uint8_t b = in.byte();
  if (b <= static_cast<uint8_t>(ExternKind::Tag)) return static_cast<ExternKind>(b);
  in.malformed_at(in.offset() - 1, "malformed {} kind", what);
  return ExternKind::Func;
}

bool is_heap_subtype(std::span<const TypeDef> types, HeapType sub, HeapType super) {
  if (sub == super || sub == kBottomHeap) return true;
  if (sub >= 0 && super >= 0) {
    // Canonical numbers compare whole recursion groups; declared supertypes have lower indices, so this ends.
    const uint32_t wanted = types[static_cast<uint32_t>(super)].canonical_id;
    for (std::optional<uint32_t> up = static_cast<uint32_t>(sub); up; up = types[*up].supertype) {
      if (types[*up].canonical_id == wanted) return true;
    }
    return false;
  }
  if (sub >= 0) {
    switch (types[static_cast<uint32_t>(sub)].kind) {
      case CompositeKind::Func: return super == heap::Func;
      case CompositeKind::Struct: return super == heap::Struct || super == heap::Eq || super == heap::Any;
      case CompositeKind::Array: return super == heap::Array || super == heap::Eq || super == heap::Any;
    }
  }
  const bool super_is_func = super >= 0 && types[static_cast<uint32_t>(super)].kind == CompositeKind::Func;
  switch (sub) {
    case heap::None:
      if (super >= 0) return !super_is_func;
      return super == heap::I31 || super == heap::Struct || super == heap::Array || super == heap::Eq ||
             super == heap::Any;
    case heap::I31:
    case heap::Struct:
    case heap::Array: return super == heap::Eq || super == heap::Any;
    case heap::Eq: return super == heap::Any;
    case heap::NoFunc: return super == heap::Func || super_is_func;
    case heap::NoExtern: return super == heap::Extern;
    case heap::NoExn: return super == heap::Exn;
    default: return false;
  }
}

bool is_subtype(std::span<const TypeDef> types, ValType sub, ValType super) {
  if (sub.kind == ValKind::Bottom) return true;
  if (sub.kind != super.kind) return false;
  if (sub.kind != ValKind::Ref) return true;
  return (!sub.nullable || super.nullable) && is_heap_subtype(types, sub.heap, super.heap);
}

}  // namespace wjit
