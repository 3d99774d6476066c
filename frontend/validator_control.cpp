// Typing of structured control, branches, calls and exceptions (frontend/validator.h). Chapter 3.4, "Control
// Instructions".
#include "frontend/validator.h"

namespace wjit {

Validator::BlockType Validator::block_type() {
  BlockType type;
  // One-byte negative numbers are value types (or nothing), everything else is a type index.
  if ((in_.peek() & 0xC0) == 0x40) {
    if (in_.peek() == 0x40) {
      in_.byte();
    } else {
      type.single = read_val_type(in_, static_cast<uint32_t>(module_.types.size()));
      type.has_single = true;
    }
    return type;
  }
  const int64_t index = in_.s33();
  if (!in_.ok()) return type;
  if (index < 0) {
    in_.malformed_at(at_, "malformed block type");
  } else if (static_cast<uint64_t>(index) >= module_.types.size()) {
    invalid("unknown type {}", index);
  } else if (module_.types[static_cast<size_t>(index)].kind != CompositeKind::Func) {
    invalid("type mismatch: block type {} is not a function type", index);
  } else {
    type.func = &module_.types[static_cast<size_t>(index)].func;
  }
  return type;
}

// The parameters have been popped already.
void Validator::push_frame(Opcode opcode, BlockType type) {
  frames_.push_back({.type = type,
                     .height = static_cast<uint32_t>(stack_.size()),
                     .inits = static_cast<uint32_t>(init_stack_.size()),
                     .opcode = opcode});
  push(type.params());
}

// The results of the innermost frame are popped; nothing may be left above its height.
void Validator::pop_frame_results() {
  pop(frames_.back().type.results());
  const size_t left = stack_.size() - frames_.back().height;
  if (left != 0) invalid("type mismatch: {} values left on the stack at the end of a block", left);
  undo_initializations(frames_.back().inits);
}

void Validator::block(Opcode opcode) {
  const BlockType type = block_type();
  if (opcode == Opcode::If) pop_kind(ValKind::I32);
  pop(type.params());
  push_frame(opcode, type);
}

void Validator::else_() {
  if (frames_.back().opcode != Opcode::If) return in_.malformed_at(at_, "else without if");
  pop_frame_results();
  if (!in_.ok()) return;
  const BlockType type = frames_.back().type;
  frames_.pop_back();
  push_frame(Opcode::Else, type);
}

void Validator::end() {
  pop_frame_results();
  if (!in_.ok()) return;
  const Frame frame = frames_.back();
  if (frame.opcode == Opcode::If) {
    // Without an else the parameters are the results.
    if (frame.type.func) require_subtypes(frame.type.params(), frame.type.results());
    if (!frame.type.func && frame.type.has_single) mismatch(frame.type.single, std::nullopt);
  }
  frames_.pop_back();
  if (!frames_.empty()) push(frame.type.results());
}

Validator::Frame* Validator::label_index() {
  const uint32_t i = in_.u32();
  if (!in_.ok()) return nullptr;
  if (i >= frames_.size()) {
    invalid("unknown label {}", i);
    return nullptr;
  }
  return &frames_[frames_.size() - 1 - i];
}

void Validator::br() {
  const Frame* label = label_index();
  if (!label) return;
  pop(label->label_types());
  set_unreachable();
}

void Validator::br_if() {
  pop_kind(ValKind::I32);
  const Frame* label = label_index();
  if (!label) return;
  pop(label->label_types());
  push(label->label_types());
}

void Validator::br_table() {
  pop_kind(ValKind::I32);
  const uint32_t n = in_.count(UINT32_MAX, "labels");
  std::optional<size_t> arity;
  for (uint32_t i = 0; i <= n && in_.ok(); ++i) {  // the last one is the default
    Frame* label = label_index();
    if (!label) return;
    // Large tables name few labels many times.
    if (label->checked_by == at_) continue;
    label->checked_by = static_cast<uint32_t>(at_);
    const std::span<const ValType> types = label->label_types();
    if (arity && types.size() != *arity) return invalid("type mismatch: labels of different arity");
    arity = types.size();
    check_top(types);
  }
  set_unreachable();
}

void Validator::return_() {
  pop(results_);
  set_unreachable();
}

void Validator::call(const FuncType* type, bool is_tail) {
  if (!type) return;
  pop(type->params);
  if (!is_tail) return push(type->results);
  require_subtypes(type->results, results_);
  set_unreachable();
}

void Validator::call_indirect(bool is_tail) {
  const TypeDef* type = type_index(CompositeKind::Func);
  const Table* table = table_index();
  if (!type || !table) return;
  require_subtype(table->type.element, ValType::funcref());
  pop(address_type(table->type.limits));
  call(&type->func, is_tail);
}

void Validator::call_ref(bool is_tail) {
  uint32_t index = 0;
  const TypeDef* type = type_index(CompositeKind::Func, &index);
  if (!type) return;
  pop(ValType::ref(static_cast<HeapType>(index), true));
  call(&type->func, is_tail);
}

void Validator::throw_() {
  const TagType* tag = tag_index();
  if (!tag) return;
  pop(module_.types[tag->type].func.params);
  set_unreachable();
}

void Validator::try_table() {
  const BlockType type = block_type();
  const uint32_t n = in_.count(UINT32_MAX, "catch clauses");
  for (uint32_t i = 0; i < n && in_.ok(); ++i) catch_clause();
  pop(type.params());
  push_frame(Opcode::TryTable, type);
}

// The labels of catch clauses are those outside of the try_table.
void Validator::catch_clause() {
  enum : uint8_t { kCatch, kCatchRef, kCatchAll, kCatchAllRef };
  const size_t at = in_.offset();
  const uint8_t kind = in_.byte();
  if (kind > kCatchAllRef) return in_.malformed_at(at, "malformed catch clause");
  const bool has_tag = kind == kCatch || kind == kCatchRef;
  const bool has_ref = kind == kCatchRef || kind == kCatchAllRef;
  std::span<const ValType> given;
  if (has_tag) {
    const TagType* tag = tag_index();
    if (!tag) return;
    given = module_.types[tag->type].func.params;
  }
  const Frame* label = label_index();
  if (!label) return;
  std::span<const ValType> wanted = label->label_types();
  if (has_ref) {
    if (wanted.empty()) return invalid("type mismatch: the label of a catch clause takes no exception reference");
    require_subtype(ValType::ref(heap::Exn, false), wanted.back());
    wanted = wanted.first(wanted.size() - 1);
  }
  require_subtypes(given, wanted);
}

}  // namespace wjit
