// The loop, the operand stack and plain instructions (frontend/validator.h). The strings of the opcode table are worked
// out at compile time into a table of small numbers: a plain instruction costs one look-up and the comparison of its
// operands.
#include "frontend/validator.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace wjit {
namespace {

// Operands on the stack: real code has hundreds; without a limit, calls with 1,000 results would multiply the input's
// size.
constexpr size_t kMaxOperands = 1'000'000;

constexpr uint8_t kNoType = 0xFF;
constexpr uint8_t kAddress = 0xFE;  // the address type of the memory immediate

// A row of the opcode table, its strings worked out.
struct Row {
  Opcode opcode{};
  Immediate immediate{};
  bool special = false;
  uint8_t param_count = 0;
  std::array<uint8_t, 3> params{};  // ValKind or kAddress
  uint8_t result = kNoType;         // ValKind
  uint8_t access_log2 = 0;          // MemArg*: log2 of the bytes accessed
  uint8_t lanes = 0;                // Lane, MemArgLane: number of lanes
};

constexpr uint8_t kind_of(char letter) {
  switch (letter) {
    case 'i': return static_cast<uint8_t>(ValKind::I32);
    case 'l': return static_cast<uint8_t>(ValKind::I64);
    case 'f': return static_cast<uint8_t>(ValKind::F32);
    case 'd': return static_cast<uint8_t>(ValKind::F64);
    case 'v': return static_cast<uint8_t>(ValKind::V128);
    default: return kAddress;
  }
}

constexpr unsigned number_at(std::string_view text, size_t at) {
  unsigned n = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at)
    n = n * 10 + static_cast<unsigned>(text[at] - '0');
  return n;
}

// "i64.load16_u" accesses 16 bits, "v128.load8x8_s" 64, "v128.load" 128.
constexpr unsigned access_bits(std::string_view text) {
  const size_t load = text.find(".load");
  const size_t behind = load != text.npos ? load + 5 : text.find(".store") + 6;
  const unsigned bits = number_at(text, behind);
  if (bits == 0) return number_at(text, 1);
  return text.find('x', behind) != text.npos ? 64 : bits;
}

// "i16x8.extract_lane_s" has 8 lanes.
constexpr unsigned shape_lanes(std::string_view text) { return number_at(text, text.find('x') + 1); }

constexpr uint8_t log2_of(unsigned n) { return n <= 1 ? 0 : static_cast<uint8_t>(1 + log2_of(n / 2)); }

constexpr Row make_row(Opcode opcode, std::string_view text, Immediate immediate, std::string_view signature) {
  Row row;
  row.opcode = opcode;
  row.immediate = immediate;
  row.special = signature == "*";
  if (!row.special) {
    const size_t colon = signature.find(':');
    row.param_count = static_cast<uint8_t>(colon);
    for (size_t i = 0; i < colon; ++i) row.params[i] = kind_of(signature[i]);
    if (colon + 1 < signature.size()) row.result = kind_of(signature[colon + 1]);
  }
  if (immediate == Immediate::MemArg || immediate == Immediate::MemArgLane) {
    row.access_log2 = log2_of(access_bits(text) / 8);
  }
  if (immediate == Immediate::MemArgLane) row.lanes = static_cast<uint8_t>(128 / access_bits(text));
  if (immediate == Immediate::Lane) row.lanes = static_cast<uint8_t>(shape_lanes(text));
  return row;
}

constexpr Row kRows[] = {
#define OPCODE(name, prefix, code, text, immediate, signature, feature) \
  make_row(Opcode::name, text, Immediate::immediate, signature),
#include "frontend/opcodes.def"
#undef OPCODE
};

constexpr uint16_t kIllegal = 0xFFFF;
struct Encodings {
  std::array<uint16_t, 256> plain{};
  std::array<std::array<uint16_t, 512>, 3> prefixed{};
  constexpr Encodings() {
    plain.fill(kIllegal);
    for (auto& table : prefixed) table.fill(kIllegal);
    uint16_t row = 0;
#define OPCODE(name, prefix, code, ...)                                                       \
  (prefix == 0 ? plain[code & 0xFF] : prefixed[prefix == 0 ? 0 : prefix - 0xFB][code]) = row; \
  ++row;
#include "frontend/opcodes.def"
#undef OPCODE
  }
};
constexpr Encodings kEncodings;

constexpr ValType type_of(ValKind kind) { return {kind, false, 0}; }

// The instructions that chapter 3.4, "Constant Expressions", allows.
bool is_constant(Opcode opcode) {
  switch (opcode) {
    case Opcode::I32Const:
    case Opcode::I64Const:
    case Opcode::F32Const:
    case Opcode::F64Const:
    case Opcode::V128Const:
    case Opcode::I32Add:
    case Opcode::I32Sub:
    case Opcode::I32Mul:
    case Opcode::I64Add:
    case Opcode::I64Sub:
    case Opcode::I64Mul:
    case Opcode::GlobalGet:
    case Opcode::RefNull:
    case Opcode::RefFunc:
    case Opcode::RefI31:
    case Opcode::StructNew:
    case Opcode::StructNewDefault:
    case Opcode::ArrayNew:
    case Opcode::ArrayNewDefault:
    case Opcode::ArrayNewFixed:
    case Opcode::AnyConvertExtern:
    case Opcode::ExternConvertAny:
    case Opcode::End: return true;
    default: return false;
  }
}

}  // namespace

void Validator::validate_function(Reader in, Function& function) {
  in_ = in;
  constant_ = false;
  const FuncType& type = module_.types[function.type].func;
  results_ = type.results;
  param_count_ = static_cast<uint32_t>(type.params.size());
  read_locals(type, function);
  if (!in_.ok()) return;
  function.body = {in_.offset(), in_.end_offset()};
  stack_.clear();
  frames_.clear();
  init_stack_.clear();
  ++epoch_;
  frames_.push_back({.type = {.func = &type, .single = {}, .has_single = false}});
  // The parameters are locals, not operands; nobody asks for `params()` of this frame.
  is_leaf_ = true;
  run();
  if (in_.ok()) in_.expect_end();
  function.is_leaf = is_leaf_;
}

ConstExpr Validator::validate_const_expr(Reader& in, ValType expected) {
  in_ = in;
  constant_ = true;
  stack_.clear();
  frames_.clear();
  init_stack_.clear();
  local_count_ = 0;
  const uint32_t begin = in_.offset();
  frames_.push_back({.type = {.func = nullptr, .single = expected, .has_single = true}});
  run();
  in = in_;
  return {begin, in.offset()};
}

void Validator::run() {
  while (!frames_.empty()) {
    at_ = in_.offset();
    const uint8_t b = in_.byte();
    uint16_t row = kEncodings.plain[b];
    if (row == kIllegal) [[unlikely]] {
      uint32_t code = 0;
      if (b >= 0xFB && b <= 0xFD) {
        code = in_.u32();
        if (code < 512) row = kEncodings.prefixed[b - 0xFB][code];
      }
      if (row == kIllegal) return illegal_opcode(b, code);
    }
    if (!in_.ok()) return;
    if (constant_ && !is_constant(kRows[row].opcode)) {
      return invalid("constant expression required, found {}", info(kRows[row].opcode).text);
    }
    if (kRows[row].special) {
      special(kRows[row].opcode);
    } else {
      plain(row);
    }
    if (stack_.size() > kMaxOperands) in_.unsupported_at(at_, "operand stack too deep: the limit is {}", kMaxOperands);
  }
}

void Validator::illegal_opcode(uint8_t prefix, uint32_t code) {
  if (prefix >= 0xFB && prefix <= 0xFD) {
    in_.malformed_at(at_, "illegal opcode {:02x} {:02x}", prefix, code);
  } else if (prefix == 0x06 || prefix == 0x07 || prefix == 0x09 || prefix == 0x18 || prefix == 0x19) {
    in_.unsupported_at(at_,
                       "legacy exception instructions are not supported; use those of WebAssembly 3.0 (try_table)");
  } else if (prefix == 0xFE) {
    in_.unsupported_at(at_, "atomic instructions (the threads proposal) are not supported");
  } else {
    in_.malformed_at(at_, "illegal opcode {:02x}", prefix);
  }
}

void Validator::plain(size_t index) {
  const Row& row = kRows[index];
  ValType address = ValType::i32();
  switch (row.immediate) {
    case Immediate::None: break;
    case Immediate::I32: in_.s32(); break;
    case Immediate::I64: in_.s64(); break;
    case Immediate::F32: in_.fixed32(); break;
    case Immediate::F64: in_.fixed64(); break;
    case Immediate::V128: in_.take(16); break;
    case Immediate::MemArg: address = memarg(row.access_log2); break;
    case Immediate::MemArgLane:
      address = memarg(row.access_log2);
      lane(row.lanes);
      break;
    case Immediate::Lane: lane(row.lanes); break;
    case Immediate::Shuffle:
      for (int i = 0; i < 16; ++i) lane(32);
      break;
    case Immediate::Data: data_index(); break;
    case Immediate::Elem: elem_index(); break;
    default: UNREACHABLE_CASE("immediate of a plain instruction");
  }
  for (int i = row.param_count - 1; i >= 0; --i) {
    const uint8_t kind = row.params[static_cast<size_t>(i)];
    pop_kind(kind == kAddress ? address.kind : static_cast<ValKind>(kind));
  }
  if (row.result != kNoType) push(type_of(static_cast<ValKind>(row.result)));
}

void Validator::special(Opcode opcode) {
  switch (opcode) {
    case Opcode::Unreachable: return set_unreachable();
    case Opcode::Block:
    case Opcode::Loop:
    case Opcode::If: return block(opcode);
    case Opcode::Else: return else_();
    case Opcode::Throw: is_leaf_ = false; return throw_();
    case Opcode::ThrowRef: is_leaf_ = false; pop(ValType::ref(heap::Exn, true)); return set_unreachable();
    case Opcode::End: return end();
    case Opcode::Br: return br();
    case Opcode::BrIf: return br_if();
    case Opcode::BrTable: return br_table();
    case Opcode::Return: return return_();
    case Opcode::Call: is_leaf_ = false; return call(function_index(), false);
    case Opcode::CallIndirect: is_leaf_ = false; return call_indirect(false);
    case Opcode::ReturnCall: is_leaf_ = false; return call(function_index(), true);
    case Opcode::ReturnCallIndirect: is_leaf_ = false; return call_indirect(true);
    case Opcode::CallRef: is_leaf_ = false; return call_ref(false);
    case Opcode::ReturnCallRef: is_leaf_ = false; return call_ref(true);
    case Opcode::TryTable: return try_table();

    case Opcode::Drop: pop_any(); return;
    case Opcode::Select: return select();
    case Opcode::SelectT: return select_typed();
    case Opcode::LocalGet: return local_get();
    case Opcode::LocalSet: return local_set(false);
    case Opcode::LocalTee: return local_set(true);
    case Opcode::GlobalGet: return global_get();
    case Opcode::GlobalSet: return global_set();

    case Opcode::TableGet: return table_get();
    case Opcode::TableSet: return table_set();
    case Opcode::TableSize: return table_size();
    case Opcode::TableGrow: return table_grow();
    case Opcode::TableFill: return table_fill();
    case Opcode::TableCopy: return table_copy();
    case Opcode::TableInit: return table_init();
    case Opcode::MemorySize: return memory_size_or_grow(false);
    case Opcode::MemoryGrow: return memory_size_or_grow(true);
    case Opcode::MemoryFill: return memory_fill();
    case Opcode::MemoryCopy: return memory_copy();
    case Opcode::MemoryInit: return memory_init();

    case Opcode::RefNull: return ref_null();
    case Opcode::RefIsNull: return ref_is_null();
    case Opcode::RefFunc: return ref_func();
    case Opcode::RefEq:
      pop(ValType::ref(heap::Eq, true));
      pop(ValType::ref(heap::Eq, true));
      return push(ValType::i32());
    case Opcode::RefAsNonNull: return ref_as_non_null();
    case Opcode::BrOnNull: return br_on_null();
    case Opcode::BrOnNonNull: return br_on_non_null();
    case Opcode::BrOnCast: return br_on_cast(false);
    case Opcode::BrOnCastFail: return br_on_cast(true);
    case Opcode::RefTest: return ref_test(false);
    case Opcode::RefTestNull: return ref_test(true);
    case Opcode::RefCast: return ref_cast(false);
    case Opcode::RefCastNull: return ref_cast(true);
    case Opcode::AnyConvertExtern: return convert(heap::Extern, heap::Any);
    case Opcode::ExternConvertAny: return convert(heap::Any, heap::Extern);
    case Opcode::RefI31: pop(ValType::i32()); return push(ValType::ref(heap::I31, false));
    case Opcode::I31GetS:
    case Opcode::I31GetU: pop(ValType::ref(heap::I31, true)); return push(ValType::i32());

    case Opcode::StructNew: return struct_new(false);
    case Opcode::StructNewDefault: return struct_new(true);
    case Opcode::StructGet:
    case Opcode::StructGetS:
    case Opcode::StructGetU: return struct_get(opcode);
    case Opcode::StructSet: return struct_set();
    case Opcode::ArrayNew: return array_new(false);
    case Opcode::ArrayNewDefault: return array_new(true);
    case Opcode::ArrayNewFixed: return array_new_fixed();
    case Opcode::ArrayNewData: return array_new_segment(true);
    case Opcode::ArrayNewElem: return array_new_segment(false);
    case Opcode::ArrayGet:
    case Opcode::ArrayGetS:
    case Opcode::ArrayGetU: return array_get(opcode);
    case Opcode::ArraySet: return array_set();
    case Opcode::ArrayLen: pop(ValType::ref(heap::Array, true)); return push(ValType::i32());
    case Opcode::ArrayFill: return array_fill();
    case Opcode::ArrayCopy: return array_copy();
    case Opcode::ArrayInitData: return array_init(true);
    case Opcode::ArrayInitElem: return array_init(false);
    default: UNREACHABLE_CASE("instruction without typing");
  }
}

// Operand stack.

void Validator::push(std::span<const ValType> types) { stack_.insert(stack_.end(), types.begin(), types.end()); }

ValType Validator::pop_any() {
  if (stack_.size() > frames_.back().height) {
    const ValType type = stack_.back();
    stack_.pop_back();
    return type;
  }
  if (!frames_.back().unreachable) invalid("type mismatch: instruction requires a value, the stack is empty");
  return type_of(ValKind::Bottom);
}

ValType Validator::pop(ValType expected) {
  if (stack_.size() > frames_.back().height) {
    const ValType type = stack_.back();
    stack_.pop_back();
    if (!subtype(type, expected)) mismatch(expected, type);
    return type;
  }
  if (!frames_.back().unreachable) mismatch(expected, std::nullopt);
  return type_of(ValKind::Bottom);
}

void Validator::pop_kind(ValKind kind) {
  if (stack_.size() > frames_.back().height) [[likely]] {
    const ValType type = stack_.back();
    stack_.pop_back();
    if (type.kind != kind && type.kind != ValKind::Bottom) mismatch(type_of(kind), type);
  } else if (!frames_.back().unreachable) {
    mismatch(type_of(kind), std::nullopt);
  }
}

void Validator::pop(std::span<const ValType> types) { stack_.resize(stack_.size() - check_top(types)); }

// Looks only at operands that are there: hostile code pops thousands from a polymorphic stack by few bytes.
void Validator::pop_repeated(ValType type, size_t count) {
  const size_t available = std::min(count, stack_.size() - frames_.back().height);
  for (size_t i = 0; i < available; ++i) pop(type);
  if (available < count && !frames_.back().unreachable) mismatch(type, std::nullopt);
}

ValType Validator::pop_ref() {
  const ValType type = pop_any();
  if (type.is_ref()) return type;
  if (type.kind != ValKind::Bottom) invalid("type mismatch: expected a reference, found {}", to_string(type));
  return ValType::ref(kBottomHeap, false);
}

size_t Validator::check_top(std::span<const ValType> types) {
  const size_t available = std::min(types.size(), stack_.size() - frames_.back().height);
  const ValType* found = stack_.data() + stack_.size();
  const ValType* expected = types.data() + types.size();
  for (size_t i = 0; i < available; ++i) {
    if (!subtype(*--found, *--expected)) mismatch(*expected, *found);
  }
  if (available < types.size() && !frames_.back().unreachable) mismatch(*--expected, std::nullopt);
  return available;
}

void Validator::set_unreachable() {
  stack_.resize(frames_.back().height);
  frames_.back().unreachable = true;
}

void Validator::require_subtype(ValType sub, ValType super) {
  if (!subtype(sub, super)) mismatch(super, sub);
}

void Validator::require_subtypes(std::span<const ValType> sub, std::span<const ValType> super) {
  if (sub.size() != super.size())
    return invalid("type mismatch: {} values where {} are needed", sub.size(), super.size());
  for (size_t i = 0; i < sub.size(); ++i) require_subtype(sub[i], super[i]);
}

void Validator::mismatch(ValType expected, std::optional<ValType> found) {
  if (!in_.ok()) return;
  invalid("type mismatch: expected {}, found {}", to_string(expected), found ? to_string(*found) : "an empty stack");
}

// Immediates.

const TypeDef* Validator::type_index(CompositeKind kind, uint32_t* index) {
  const uint32_t i = in_.u32();
  if (!in_.ok()) return nullptr;
  if (i >= module_.types.size()) {
    invalid("unknown type {}", i);
    return nullptr;
  }
  const TypeDef& type = module_.types[i];
  if (type.kind != kind) {
    static constexpr const char* kNames[] = {"a function", "a structure", "an array"};
    invalid("type mismatch: type {} is not {} type", i, kNames[static_cast<size_t>(kind)]);
    return nullptr;
  }
  if (index) *index = i;
  return &type;
}

const FuncType* Validator::function_index() {
  const uint32_t i = in_.u32();
  if (!in_.ok()) return nullptr;
  if (i >= module_.functions.size()) {
    invalid("unknown function {}", i);
    return nullptr;
  }
  return &module_.function_type(i);
}

const TagType* Validator::tag_index() {
  const uint32_t i = in_.u32();
  if (!in_.ok()) return nullptr;
  if (i >= module_.tags.size()) {
    invalid("unknown tag {}", i);
    return nullptr;
  }
  return &module_.tags[i];
}

void Validator::lane(unsigned lanes) {
  if (in_.byte() >= lanes) invalid("invalid lane index");
}

}  // namespace wjit
