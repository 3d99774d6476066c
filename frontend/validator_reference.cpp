// Typing of the reference instructions (frontend/validator.h). Chapter 3.4, "Reference Instructions" and, of the
// branches, those on references.
#include "frontend/validator.h"

namespace wjit {
namespace {

// The type at the top of a heap type's hierarchy: what a cast to it can start from.
HeapType top_of(std::span<const TypeDef> types, HeapType type) {
  if (type >= 0) return types[static_cast<size_t>(type)].kind == CompositeKind::Func ? heap::Func : heap::Any;
  switch (type) {
    case heap::Func:
    case heap::NoFunc: return heap::Func;
    case heap::Extern:
    case heap::NoExtern: return heap::Extern;
    case heap::Exn:
    case heap::NoExn: return heap::Exn;
    default: return heap::Any;
  }
}

}  // namespace

void Validator::ref_null() {
  const HeapType type = read_heap_type(in_, static_cast<uint32_t>(module_.types.size()));
  push(ValType::ref(type, true));
}

void Validator::ref_is_null() {
  pop_ref();
  push(ValType::i32());
}

void Validator::ref_func() {
  const uint32_t i = in_.u32();
  if (!in_.ok()) return;
  if (i >= module_.functions.size()) return invalid("unknown function {}", i);
  if (constant_) {
    module_.function_is_referenced[i] = true;
  } else if (!module_.function_is_referenced[i]) {
    return invalid("undeclared function reference {}", i);
  }
  push(ValType::ref(static_cast<HeapType>(module_.functions[i].type), false));
}

void Validator::ref_as_non_null() {
  const ValType type = pop_ref();
  push(ValType::ref(type.heap, false));
}

void Validator::br_on_null() {
  const Frame* label = label_index();
  if (!label) return;
  const ValType type = pop_ref();
  pop(label->label_types());
  push(label->label_types());
  push(ValType::ref(type.heap, false));
}

void Validator::br_on_non_null() {
  const Frame* label = label_index();
  if (!label) return;
  const std::span<const ValType> types = label->label_types();
  if (types.empty() || !types.back().is_ref()) return invalid("type mismatch: the label does not take a reference");
  const std::span<const ValType> others = types.first(types.size() - 1);
  pop(ValType::ref(types.back().heap, true));
  pop(others);
  push(others);
}

void Validator::br_on_cast(bool on_fail) {
  const uint32_t type_count = static_cast<uint32_t>(module_.types.size());
  const uint8_t flags = in_.byte();
  if (flags > 3) return in_.malformed_at(at_, "malformed br_on_cast flags");
  const Frame* label = label_index();
  const ValType from = ValType::ref(read_heap_type(in_, type_count), flags & 1);
  const ValType to = ValType::ref(read_heap_type(in_, type_count), flags & 2);
  if (!label || !in_.ok()) return;
  require_subtype(to, from);
  const std::span<const ValType> types = label->label_types();
  if (types.empty() || !types.back().is_ref()) return invalid("type mismatch: the label does not take a reference");
  // What is left when the cast fails: null is no more among it when the target admits null.
  const ValType rest = ValType::ref(from.heap, from.nullable && !to.nullable);
  require_subtype(on_fail ? rest : to, types.back());
  pop(from);
  const std::span<const ValType> others = types.first(types.size() - 1);
  pop(others);
  push(others);
  push(on_fail ? to : rest);
}

void Validator::ref_test(bool nullable) {
  const HeapType type = read_heap_type(in_, static_cast<uint32_t>(module_.types.size()));
  (void)nullable;  // the operand may be null in any case
  if (!in_.ok()) return;
  pop(ValType::ref(top_of(module_.types, type), true));
  push(ValType::i32());
}

void Validator::ref_cast(bool nullable) {
  const HeapType type = read_heap_type(in_, static_cast<uint32_t>(module_.types.size()));
  if (!in_.ok()) return;
  pop(ValType::ref(top_of(module_.types, type), true));
  push(ValType::ref(type, nullable));
}

// any.convert_extern, extern.convert_any: null stays null.
void Validator::convert(HeapType from, HeapType to) {
  const ValType type = pop(ValType::ref(from, true));
  push(ValType::ref(to, type.is_ref() && type.nullable));
}

}  // namespace wjit
