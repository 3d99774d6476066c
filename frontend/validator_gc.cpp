// Typing of structures and arrays (frontend/validator.h). Chapter 3.4, "Aggregate Reference Instructions".
#include "frontend/validator.h"

namespace wjit {
namespace {

ValType reference_to(uint32_t type, bool nullable) { return ValType::ref(static_cast<HeapType>(type), nullable); }

}  // namespace

// Structures.

void Validator::struct_new(bool with_defaults) {
  uint32_t index = 0;
  const TypeDef* type = type_index(CompositeKind::Struct, &index);
  if (!type) return;
  for (size_t i = type->fields.size(); i-- > 0;) {
    if (!with_defaults) {
      pop(type->fields[i].type);
    } else if (!is_defaultable(type->fields[i].type)) {
      return invalid("type mismatch: field {} has no default value", i);
    }
  }
  push(reference_to(index, false));
}

const FieldType* Validator::field_index(const TypeDef& type) {
  const uint32_t i = in_.u32();
  if (!in_.ok()) return nullptr;
  if (i >= type.fields.size()) {
    invalid("unknown field {}", i);
    return nullptr;
  }
  return &type.fields[i];
}

void Validator::require_packing(const FieldType& field, bool has_sign) {
  const bool packed = field.packed != PackedType::NotPacked;
  if (packed && !has_sign) invalid("type mismatch: field is packed");
  if (!packed && has_sign) invalid("type mismatch: field is unpacked");
}

void Validator::struct_get(Opcode opcode) {
  uint32_t index = 0;
  const TypeDef* type = type_index(CompositeKind::Struct, &index);
  const FieldType* field = type ? field_index(*type) : nullptr;
  if (!field) return;
  require_packing(*field, opcode != Opcode::StructGet);
  pop(reference_to(index, true));
  push(field->type);
}

void Validator::struct_set() {
  uint32_t index = 0;
  const TypeDef* type = type_index(CompositeKind::Struct, &index);
  const FieldType* field = type ? field_index(*type) : nullptr;
  if (!field) return;
  if (!field->is_mutable) return invalid("immutable field");
  pop(field->type);
  pop(reference_to(index, true));
}

// Arrays.

void Validator::array_new(bool with_default) {
  uint32_t index = 0;
  const TypeDef* type = type_index(CompositeKind::Array, &index);
  if (!type) return;
  const ValType element = type->fields[0].type;
  pop_kind(ValKind::I32);
  if (!with_default) {
    pop(element);
  } else if (!is_defaultable(element)) {
    return invalid("type mismatch: array type {} has no default value", index);
  }
  push(reference_to(index, false));
}

void Validator::array_new_fixed() {
  uint32_t index = 0;
  const TypeDef* type = type_index(CompositeKind::Array, &index);
  const uint32_t n = in_.u32();
  if (!type || !in_.ok()) return;
  if (n > limit::kFields) return in_.unsupported_at(at_, "array.new_fixed: the limit is {} operands", limit::kFields);
  pop_repeated(type->fields[0].type, n);
  push(reference_to(index, false));
}

void Validator::array_new_segment(bool is_data) {
  uint32_t index = 0;
  const TypeDef* type = type_index(CompositeKind::Array, &index);
  if (!type) return;
  if (is_data) {
    data_index();
    require_numeric_element(type->fields[0]);
  } else {
    const ElemSegment* segment = elem_index();
    if (!segment) return;
    require_subtype(segment->type, type->fields[0].type);
  }
  pop_kind(ValKind::I32);
  pop_kind(ValKind::I32);
  push(reference_to(index, false));
}

void Validator::array_get(Opcode opcode) {
  uint32_t index = 0;
  const TypeDef* type = type_index(CompositeKind::Array, &index);
  if (!type) return;
  require_packing(type->fields[0], opcode != Opcode::ArrayGet);
  pop_kind(ValKind::I32);
  pop(reference_to(index, true));
  push(type->fields[0].type);
}

bool Validator::require_mutable(const FieldType& element) {
  if (!element.is_mutable) invalid("immutable array");
  return element.is_mutable;
}

void Validator::require_numeric_element(const FieldType& element) {
  if (element.type.is_ref()) invalid("array type is not numeric or vector");
}

void Validator::array_set() {
  uint32_t index = 0;
  const TypeDef* type = type_index(CompositeKind::Array, &index);
  if (!type || !require_mutable(type->fields[0])) return;
  pop(type->fields[0].type);
  pop_kind(ValKind::I32);
  pop(reference_to(index, true));
}

void Validator::array_fill() {
  uint32_t index = 0;
  const TypeDef* type = type_index(CompositeKind::Array, &index);
  if (!type || !require_mutable(type->fields[0])) return;
  pop_kind(ValKind::I32);
  pop(type->fields[0].type);
  pop_kind(ValKind::I32);
  pop(reference_to(index, true));
}

void Validator::array_copy() {
  uint32_t to = 0;
  uint32_t from = 0;
  const TypeDef* to_type = type_index(CompositeKind::Array, &to);
  const TypeDef* from_type = type_index(CompositeKind::Array, &from);
  if (!to_type || !from_type || !require_mutable(to_type->fields[0])) return;
  const FieldType& source = from_type->fields[0];
  const FieldType& target = to_type->fields[0];
  if (source.packed != target.packed || !subtype(source.type, target.type)) return invalid("array types do not match");
  pop_kind(ValKind::I32);
  pop_kind(ValKind::I32);
  pop(reference_to(from, true));
  pop_kind(ValKind::I32);
  pop(reference_to(to, true));
}

void Validator::array_init(bool is_data) {
  uint32_t index = 0;
  const TypeDef* type = type_index(CompositeKind::Array, &index);
  if (!type || !require_mutable(type->fields[0])) return;
  if (is_data) {
    data_index();
    require_numeric_element(type->fields[0]);
  } else {
    const ElemSegment* segment = elem_index();
    if (!segment) return;
    require_subtype(segment->type, type->fields[0].type);
  }
  pop_kind(ValKind::I32);
  pop_kind(ValKind::I32);
  pop_kind(ValKind::I32);
  pop(reference_to(index, true));
}

}  // namespace wjit
