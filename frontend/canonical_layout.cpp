// See canonical_layout.h. A type's layout is built once, from the layouts of its parts (LayoutBuilder); the rest reads
// it.
#include "frontend/canonical_layout.h"

#include <algorithm>

#include "base/check.h"

namespace wjit {

namespace {

constexpr uint8_t kTooManyFlat = kMaxFlatParams + 1;

uint32_t clamp32(uint64_t n) { return n > UINT32_MAX ? UINT32_MAX : static_cast<uint32_t>(n); }

// Core value types in two bits each, as AbiLayout::flat has them.
enum Flat : uint32_t { kI32 = 0, kI64 = 1, kF32 = 2, kF64 = 3 };
Flat flat_at(uint32_t packed, uint32_t i) { return static_cast<Flat>((packed >> (2 * i)) & 3); }
uint32_t with_flat(uint32_t packed, uint32_t i, Flat f) {
  return (packed & ~(3u << (2 * i))) | (uint32_t{f} << (2 * i));
}

Flat join(Flat a, Flat b) {
  if (a == b) return a;
  if ((a == kI32 && b == kF32) || (a == kF32 && b == kI32)) return kI32;
  return kI64;
}

// Builds the layout of one type from those of its parts.
class LayoutBuilder {
 public:
  explicit LayoutBuilder(const ComponentTypes& types) : types_(types) {}

  AbiLayout build(const ComponentTypeDef& def) {
    switch (def.kind) {
      case TypeKind::Bool:
      case TypeKind::S8:
      case TypeKind::U8: scalar(1, kI32); break;
      case TypeKind::S16:
      case TypeKind::U16: scalar(2, kI32); break;
      case TypeKind::S32:
      case TypeKind::U32:
      case TypeKind::Char:
      case TypeKind::ErrorContext: scalar(4, kI32); break;
      case TypeKind::S64:
      case TypeKind::U64: scalar(8, kI64); break;
      case TypeKind::F32: scalar(4, kF32); break;
      case TypeKind::F64: scalar(8, kF64); break;
      case TypeKind::String: pointer_and_length(); break;
      case TypeKind::List:
        pointer_and_length();
        mention(def.element);
        break;
      case TypeKind::Map:
        pointer_and_length();
        mention(def.entry);
        break;
      case TypeKind::FixedList: fixed_list(def); break;
      case TypeKind::Record:
      case TypeKind::Tuple:
        for (const NamedType& part : def.parts) field(part.type);
        finish_size();
        break;
      case TypeKind::Flags:
        scalar(flags_size(def.parts.size()), kI32);
        out_.tree_size = clamp32(1 + def.parts.size());
        break;
      case TypeKind::Variant:
      case TypeKind::Enum:
      case TypeKind::Option:
      case TypeKind::Result: variant(def); break;
      case TypeKind::Own:
      case TypeKind::Borrow:
        scalar(4, kI32);
        out_.has_resource = true;
        out_.has_borrow = def.kind == TypeKind::Borrow;
        break;
      case TypeKind::Stream:
      case TypeKind::Future:
        scalar(4, kI32);
        mention(def.element);
        out_.has_pointer = false;  // the elements are not copied when the handle is
        break;
      case TypeKind::Resource: out_.has_resource = true; break;
      case TypeKind::Func:
        for (const NamedType& part : def.parts) mention(part.type);
        mention(def.element);
        break;
      case TypeKind::Component:
        for (const ExternDecl& decl : def.imports) mention(decl.type);
        [[fallthrough]];
      case TypeKind::Instance:
        for (const ExternDecl& decl : def.exports) mention(decl.type);
        break;
      case TypeKind::CoreModule: out_.tree_size = clamp32(1 + def.core_imports.size() + def.core_exports.size()); break;
    }
    return out_;
  }

 private:
  void scalar(uint32_t size, Flat flat) {
    out_.size[0] = out_.size[1] = size;
    out_.alignment[0] = out_.alignment[1] = static_cast<uint8_t>(size);
    out_.flat_count = 1;
    out_.flat[0] = out_.flat[1] = flat;
  }

  void pointer_and_length() {
    for (int w = 0; w < 2; w++) {
      out_.size[w] = 2 * ptr_size(w == 1);
      out_.alignment[w] = static_cast<uint8_t>(ptr_size(w == 1));
      Flat pointer = w == 1 ? kI64 : kI32;
      out_.flat[w] = with_flat(with_flat(0, 0, pointer), 1, pointer);
    }
    out_.flat_count = 2;
    out_.has_pointer = true;
  }

  // What every use of a type inside another one contributes, however it is laid out.
  void mention(TypeId t) {
    out_.tree_size = clamp32(uint64_t{out_.tree_size} + 1);
    if (t == kNoType) return;
    const AbiLayout& part = types_[t].layout;
    out_.tree_size = clamp32(uint64_t{out_.tree_size} + part.tree_size);
    out_.depth = static_cast<uint16_t>(std::max<uint32_t>(out_.depth, std::min(part.depth + 1u, 0xffffu)));
    out_.has_borrow |= part.has_borrow;
    out_.has_pointer |= part.has_pointer;
    out_.has_resource |= part.has_resource;
  }

  void append_flat(const AbiLayout& part) {
    if (out_.flat_count + part.flat_count > kMaxFlatParams) {
      out_.flat_count = kTooManyFlat;
      return;
    }
    for (uint32_t i = 0; i < part.flat_count; i++) {
      for (int w = 0; w < 2; w++) {
        out_.flat[w] = with_flat(out_.flat[w], out_.flat_count, flat_at(part.flat[w], i));
      }
      out_.flat_count++;
    }
  }

  void field(TypeId t) {
    mention(t);
    const AbiLayout& part = types_[t].layout;
    for (int w = 0; w < 2; w++) {
      out_.size[w] = clamp32(align_to(out_.size[w], part.alignment[w]) + part.size[w]);
      out_.alignment[w] = std::max(out_.alignment[w], part.alignment[w]);
    }
    append_flat(part);
  }

  void finish_size() {
    for (int w = 0; w < 2; w++) out_.size[w] = clamp32(align_to(out_.size[w], out_.alignment[w]));
  }

  void fixed_list(const ComponentTypeDef& def) {
    mention(def.element);
    const AbiLayout& part = types_[def.element].layout;
    for (int w = 0; w < 2; w++) {
      out_.size[w] = clamp32(uint64_t{part.size[w]} * def.length);
      out_.alignment[w] = part.alignment[w];
    }
    for (uint32_t i = 0; i < def.length && out_.flat_count < kTooManyFlat; i++) append_flat(part);
  }

  void variant(const ComponentTypeDef& def) {
    uint32_t cases = case_count(def);
    uint32_t tag = discriminant_size(cases);
    uint32_t payload_size[2] = {0, 0};
    uint8_t payload_alignment[2] = {1, 1};
    out_.flat_count = 1;  // the discriminant, an i32
    for (uint32_t i = 0; i < cases; i++) {
      TypeId t = case_type(def, i);
      mention(t);
      if (t == kNoType) continue;
      const AbiLayout& part = types_[t].layout;
      for (int w = 0; w < 2; w++) {
        payload_size[w] = std::max(payload_size[w], part.size[w]);
        payload_alignment[w] = std::max(payload_alignment[w], part.alignment[w]);
      }
      join_flat(part);
    }
    for (int w = 0; w < 2; w++) {
      out_.alignment[w] = std::max(static_cast<uint8_t>(tag), payload_alignment[w]);
      out_.size[w] = clamp32(align_to(align_to(tag, payload_alignment[w]) + payload_size[w], out_.alignment[w]));
    }
  }

  // Overlays one case's flat values on those of the cases before it, behind the discriminant.
  void join_flat(const AbiLayout& part) {
    if (out_.flat_count == kTooManyFlat) return;
    if (part.flat_count + 1u > kMaxFlatParams) {
      out_.flat_count = kTooManyFlat;
      return;
    }
    for (uint32_t i = 0; i < part.flat_count; i++) {
      bool is_new = i + 1 >= out_.flat_count;
      for (int w = 0; w < 2; w++) {
        Flat f = flat_at(part.flat[w], i);
        out_.flat[w] = with_flat(out_.flat[w], i + 1, is_new ? f : join(flat_at(out_.flat[w], i + 1), f));
      }
      if (is_new) out_.flat_count++;
    }
  }

  const ComponentTypes& types_;
  AbiLayout out_;
};

ValType to_val_type(Flat f) {
  switch (f) {
    case kI32: return ValType::i32();
    case kI64: return ValType::i64();
    case kF32: return ValType::f32();
    case kF64: return ValType::f64();
  }
  UNREACHABLE_CASE("flat core type");
}

}  // namespace

TypeId add_type(ComponentTypes& types, ComponentTypeDef def) {
  if (def.kind == TypeKind::Map) {
    ComponentTypeDef entry;
    entry.kind = TypeKind::Tuple;
    entry.parts = {{"", def.element}, {"", def.second}};
    def.entry = add_type(types, std::move(entry));
  }
  def.layout = LayoutBuilder(types).build(def);
  types.types.push_back(std::move(def));
  return static_cast<TypeId>(types.types.size() - 1);
}

uint32_t elem_size(const ComponentTypes& types, TypeId t, bool is_64) { return types[t].layout.size[is_64]; }

uint32_t alignment(const ComponentTypes& types, TypeId t, bool is_64) { return types[t].layout.alignment[is_64]; }

bool is_variant_like(TypeKind kind) {
  return kind == TypeKind::Variant || kind == TypeKind::Enum || kind == TypeKind::Option || kind == TypeKind::Result;
}

uint32_t case_count(const ComponentTypeDef& def) {
  if (def.kind == TypeKind::Option || def.kind == TypeKind::Result) return 2;
  return static_cast<uint32_t>(def.parts.size());
}

TypeId case_type(const ComponentTypeDef& def, uint32_t case_index) {
  switch (def.kind) {
    case TypeKind::Option: return case_index == 1 ? def.element : kNoType;
    case TypeKind::Result: return case_index == 0 ? def.element : def.second;
    default: return def.parts[case_index].type;
  }
}

uint32_t discriminant_size(uint32_t case_count) {
  if (case_count <= (1u << 8)) return 1;
  if (case_count <= (1u << 16)) return 2;
  return 4;
}

uint32_t payload_offset(const ComponentTypes& types, TypeId variant_like, bool is_64) {
  const ComponentTypeDef& def = types[variant_like];
  uint32_t cases = case_count(def);
  uint32_t max_alignment = 1;
  for (uint32_t i = 0; i < cases; i++) {
    TypeId t = case_type(def, i);
    if (t != kNoType) max_alignment = std::max(max_alignment, alignment(types, t, is_64));
  }
  return static_cast<uint32_t>(align_to(discriminant_size(cases), max_alignment));
}

std::vector<uint32_t> field_offsets(const ComponentTypes& types, TypeId record_like, bool is_64) {
  std::vector<uint32_t> offsets;
  uint64_t offset = 0;
  for (const NamedType& part : types[record_like].parts) {
    offset = align_to(offset, alignment(types, part.type, is_64));
    offsets.push_back(clamp32(offset));
    offset += elem_size(types, part.type, is_64);
  }
  return offsets;
}

uint32_t flags_size(size_t labels) { return labels <= 8 ? 1 : labels <= 16 ? 2 : 4; }

SizeAlign params_size(const ComponentTypes& types, TypeId func, bool is_64) {
  uint64_t size = 0;
  uint32_t max_alignment = 1;
  for (const NamedType& part : types[func].parts) {
    uint32_t a = alignment(types, part.type, is_64);
    size = align_to(size, a) + elem_size(types, part.type, is_64);
    max_alignment = std::max(max_alignment, a);
  }
  return {clamp32(align_to(size, max_alignment)), max_alignment};
}

uint32_t flat_count(const ComponentTypes& types, TypeId t) { return types[t].layout.flat_count; }

uint32_t flat_param_count(const ComponentTypes& types, TypeId func) {
  uint32_t count = 0;
  for (const NamedType& part : types[func].parts) {
    count += flat_count(types, part.type);
    if (count > kMaxFlatParams) return kTooManyFlat;
  }
  return count;
}

uint32_t flat_result_count(const ComponentTypes& types, TypeId func) {
  TypeId result = types[func].element;
  return result == kNoType ? 0 : flat_count(types, result);
}

void flatten_type(const ComponentTypes& types, TypeId t, bool is_64, std::vector<ValType>& out) {
  const AbiLayout& layout = types[t].layout;
  CHECK(layout.flat_count <= kMaxFlatParams);
  for (uint32_t i = 0; i < layout.flat_count; i++) out.push_back(to_val_type(flat_at(layout.flat[is_64], i)));
}

std::vector<ValType> flatten_type(const ComponentTypes& types, TypeId t, bool is_64) {
  std::vector<ValType> out;
  flatten_type(types, t, is_64, out);
  return out;
}

FuncType flatten_functype(const ComponentTypes& types, const CanonOptions& options, TypeId func, CanonContext context) {
  const ComponentTypeDef& def = types[func];
  bool is_64 = options.memory_is_64;
  bool is_async_lower = options.is_async && context == CanonContext::Lower;
  FuncType out;
  if (flat_param_count(types, func) > (is_async_lower ? kMaxFlatAsyncParams : kMaxFlatParams)) {
    out.params = {ptr_type(is_64)};
  } else {
    for (const NamedType& part : def.parts) flatten_type(types, part.type, is_64, out.params);
  }
  uint32_t results = flat_result_count(types, func);
  if (is_async_lower) {
    if (results > 0) out.params.push_back(ptr_type(is_64));
    out.results = {ValType::i32()};
  } else if (options.is_async) {
    if (options.callback) out.results = {ValType::i32()};
  } else if (results <= kMaxFlatResults) {
    if (def.element != kNoType) flatten_type(types, def.element, is_64, out.results);
  } else if (context == CanonContext::Lift) {
    out.results = {ptr_type(is_64)};
  } else {
    out.params.push_back(ptr_type(is_64));
  }
  return out;
}

bool contains_borrow(const ComponentTypes& types, TypeId t) { return types[t].layout.has_borrow; }
bool contains_pointer(const ComponentTypes& types, TypeId t) { return types[t].layout.has_pointer; }
bool contains_resource(const ComponentTypes& types, TypeId t) { return types[t].layout.has_resource; }

}  // namespace wjit
