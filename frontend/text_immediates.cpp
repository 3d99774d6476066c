// Opcodes and immediates of plain instructions. The interface is frontend/text_instructions.h.
#include <algorithm>
#include <array>
#include <bit>

#include "base/check.h"
#include "frontend/text_annotations.h"
#include "frontend/text_instructions.h"
#include "frontend/text_numbers.h"
#include "frontend/text_types.h"

namespace wjit {
namespace {

constexpr unsigned kMaxLeb32 = 5, kMaxLeb64 = 10;  // bytes

// `offset=n` and `align=n` are one token each.
std::optional<uint64_t> take_assignment(Cursor& c, std::string_view prefix) {
  if (!c.at(TokenKind::Keyword) || !c.spelling().starts_with(prefix)) return std::nullopt;
  bool overflow = false;
  std::optional<uint64_t> value = literal_unsigned(c.spelling().substr(prefix.size()), overflow);
  if (!value) {
    c.fail(fmt::format("unknown operator {:.40}", c.spelling()));
  } else if (overflow) {
    c.fail(fmt::format("constant out of range: {:.40}", c.spelling()));
  }
  c.advance();
  return value.value_or(0);
}

}  // namespace

void InstructionAssembler::write_opcode(const OpcodeInfo& row, Writer& out) {
  if (row.prefix != 0) {
    out.byte(row.prefix);
    out.u32(row.code);
  } else {
    out.byte(static_cast<uint8_t>(row.code));
  }
}

void InstructionAssembler::plain(Cursor& c, const OpcodeInfo& row, Writer& out) {
  // Rows that share their name with the next one: immediates decide which it is.
  if (row.opcode == Opcode::Select) return select(c, out);
  if (row.opcode == Opcode::RefTest || row.opcode == Opcode::RefCast) return ref_test_or_cast(c, row, out);

  write_opcode(row, out);
  const IndexSpace& types = context_.types.ids;
  auto optional_index = [&](const IndexSpace& space) { c.at_index() ? index(c, space, out) : out.u32(0); };
  auto type_index = [&] {
    const unsigned width = leb_width(c, kMaxLeb32);
    uint32_t type = types.parse_index(c);
    out.u32(type, width);
    return type;
  };
  switch (row.immediate) {
    case Immediate::None: break;
    case Immediate::Label: label(c, out); break;
    case Immediate::LabelTable: label_table(c, out); break;
    case Immediate::Func: index(c, context_.funcs, out); break;
    case Immediate::Type: type_index(); break;
    case Immediate::CallIndirect: call_indirect(c, out); break;
    case Immediate::Local: index(c, context_.locals, out); break;
    case Immediate::Global: index(c, context_.globals, out); break;
    case Immediate::Table: optional_index(context_.tables); break;
    case Immediate::Memory: optional_index(context_.memories); break;
    case Immediate::Tag: index(c, context_.tags, out); break;
    case Immediate::Data:
      index(c, context_.datas, out);
      context_.needs_data_count = true;
      break;
    case Immediate::Elem: index(c, context_.elems, out); break;
    case Immediate::MemArg: memarg(c, row, false, out); break;
    case Immediate::MemArgLane:
      memarg(c, row, true, out);
      lane(c, out);
      break;
    case Immediate::Lane: lane(c, out); break;
    case Immediate::Shuffle:
      for (int i = 0; i < 16; ++i) lane(c, out);
      break;
    case Immediate::I32: {
      const unsigned width = leb_width(c, kMaxLeb32);
      out.s32(static_cast<int32_t>(parse_int(c, 32)), width);
      break;
    }
    case Immediate::I64: {
      const unsigned width = leb_width(c, kMaxLeb64);
      out.s64(static_cast<int64_t>(parse_int(c, 64)), width);
      break;
    }
    case Immediate::F32: out.fixed32(parse_f32(c)); break;
    case Immediate::F64: out.fixed64(parse_f64(c)); break;
    case Immediate::V128: out.bytes(parse_v128(c)); break;
    case Immediate::HeapType: out.s33(parse_heap_type(c, types)); break;
    case Immediate::DataMemory:
      segment_and_space(c, context_.datas, context_.memories, out);
      context_.needs_data_count = true;
      break;
    case Immediate::MemoryMemory: two_indices(c, context_.memories, out); break;
    case Immediate::ElemTable: segment_and_space(c, context_.elems, context_.tables, out); break;
    case Immediate::TableTable: two_indices(c, context_.tables, out); break;
    case Immediate::TypeField: {
      uint32_t type = type_index();
      const unsigned width = leb_width(c, kMaxLeb32);
      out.u32(context_.types.parse_field(c, type), width);
      break;
    }
    case Immediate::TypeCount: {
      type_index();
      const unsigned width = leb_width(c, kMaxLeb32);
      out.u32(parse_u32(c), width);
      break;
    }
    case Immediate::TypeData:
      type_index();
      index(c, context_.datas, out);
      context_.needs_data_count = true;
      break;
    case Immediate::TypeElem:
      type_index();
      index(c, context_.elems, out);
      break;
    case Immediate::TypeType:
      type_index();
      type_index();
      break;
    case Immediate::BrOnCast: br_on_cast(c, out); break;
    case Immediate::Block:
    case Immediate::TryTable:
    case Immediate::SelectTypes: UNREACHABLE_CASE("blocks and select have parsers of their own");
  }
}

// A type use, which stays a value type (or nothing) where it has no parameters, one result at most and no `(type x)`.
void InstructionAssembler::block_type(Cursor& c, Writer& out) {
  TypeUseText use = parse_type_use(c, context_.types.ids, false);
  if (c.failed()) return;
  const Bytes& type = use.inline_type;
  if (use.index || type[1] != 0 || type[2] > 1) {
    out.s33(context_.types.resolve(c, use), use.index_width);
  } else if (type[2] == 0) {
    out.byte(0x40);
  } else {
    out.bytes(std::span(type).subspan(3));
  }
}

void InstructionAssembler::catches(Cursor& c, Writer& out) {
  struct Clause {
    std::string_view name;
    uint8_t code;
    bool has_tag;
  };
  static constexpr Clause clauses[] = {
      {"catch", 0, true}, {"catch_ref", 1, true}, {"catch_all", 2, false}, {"catch_all_ref", 3, false}};
  Writer encoded;
  uint32_t count = 0;
  for (;;) {
    const Clause* clause = std::ranges::find_if(clauses, [&](const Clause& each) { return c.take_open(each.name); });
    if (clause == std::end(clauses)) break;
    encoded.byte(clause->code);
    if (clause->has_tag) index(c, context_.tags, encoded);
    label(c, encoded);
    c.expect_close();
    ++count;
  }
  out.u32(count);
  out.bytes(encoded.span());
}

void InstructionAssembler::index(Cursor& c, const IndexSpace& space, Writer& out) {
  const unsigned width = leb_width(c, kMaxLeb32);
  out.u32(space.parse_index(c), width);
}

void InstructionAssembler::label(Cursor& c, Writer& out) {
  const unsigned width = leb_width(c, kMaxLeb32);
  out.u32(parse_label(c), width);
}

uint32_t InstructionAssembler::parse_label(Cursor& c) {
  if (!c.at_id()) return parse_u32(c);
  auto it = label_depths_.find(c.list().id_name(c.peek()));
  if (it == label_depths_.end()) {
    c.fail(fmt::format("unknown label {:.60}", c.spelling()));
    return 0;
  }
  c.advance();
  return static_cast<uint32_t>(labels_.size()) - 1 - it->second;
}

void InstructionAssembler::label_table(Cursor& c, Writer& out) {
  Writer labels;
  uint32_t count = 0;
  do {
    label(c, labels);
    ++count;
  } while (c.at_index());
  out.u32(count - 1);
  out.bytes(labels.span());
}

void InstructionAssembler::call_indirect(Cursor& c, Writer& out) {
  Writer table;
  c.at_index() ? index(c, context_.tables, table) : table.u32(0);
  TypeUseText use = parse_type_use(c, context_.types.ids, false);
  if (c.failed()) return;
  out.u32(context_.types.resolve(c, use), use.index_width);
  out.bytes(table.span());
}

void InstructionAssembler::select(Cursor& c, Writer& out) {
  if (!c.at_open("result")) return write_opcode(info(Opcode::Select), out);
  write_opcode(info(Opcode::SelectT), out);
  Writer types;
  uint32_t count = 0;
  while (c.take_open("result")) {
    for (; !c.at_end(); ++count) assemble_val_type(c, context_.types.ids, types);
    c.expect_close();
  }
  out.u32(count);
  out.bytes(types.span());
}

void InstructionAssembler::memarg(Cursor& c, const OpcodeInfo& row, bool has_lane, Writer& out) {
  // With a lane, a single number is the lane; a memory index is followed by something more.
  bool has_memory = c.at_id() || c.at(TokenKind::Number);
  if (has_lane && c.at(TokenKind::Number)) {
    has_memory = c.kind(1) == TokenKind::Number ||
                 (c.kind(1) == TokenKind::Keyword &&
                  (c.spelling(1).starts_with("offset=") || c.spelling(1).starts_with("align=")));
  }
  Writer memory;
  const bool is_explicit = has_annotation(c, "leb");  // encoded, even 0
  if (has_memory) index(c, context_.memories, memory);
  const unsigned offset_width = leb_width(c, kMaxLeb64);
  uint64_t offset = take_assignment(c, "offset=").value_or(0);
  uint32_t alignment = natural_alignment_log2(row);
  const Token& align_token = c.peek();
  if (std::optional<uint64_t> align = take_assignment(c, "align=")) {
    if (!std::has_single_bit(*align)) c.fail_at(align_token, "alignment must be a power of two");
    alignment = *align == 0 ? 0 : static_cast<uint32_t>(std::countr_zero(*align));
  }
  const bool is_first = !has_memory || (!is_explicit && memory.size() == 1 && memory.get()[0] == 0);
  out.u32(alignment | (is_first ? 0 : 0x40u));
  if (!is_first) out.bytes(memory.span());
  out.u64(offset, offset_width);
}

void InstructionAssembler::lane(Cursor& c, Writer& out) { out.byte(static_cast<uint8_t>(parse_unsigned(c, 0xFF))); }

// Two indices of one space, or none for 0 0.
void InstructionAssembler::two_indices(Cursor& c, const IndexSpace& space, Writer& out) {
  bool given = c.at_index();
  for (int i = 0; i < 2; ++i) given ? index(c, space, out) : out.u32(0);
}

// `space? segment` in the text, segment then space in the binary format.
void InstructionAssembler::segment_and_space(Cursor& c, const IndexSpace& segments, const IndexSpace& space,
                                             Writer& out) {
  bool both = c.kind(1) == TokenKind::Number || c.kind(1) == TokenKind::Id;
  Writer second;
  both ? index(c, space, second) : second.u32(0);
  index(c, segments, out);
  out.bytes(second.span());
}

void InstructionAssembler::ref_test_or_cast(Cursor& c, const OpcodeInfo& row, Writer& out) {
  RefTypeText type = parse_ref_type(c, context_.types.ids);
  auto opcode = static_cast<uint16_t>(static_cast<uint16_t>(row.opcode) + (type.nullable ? 1 : 0));
  write_opcode(opcode_table()[opcode], out);
  out.s33(type.heap);
}

void InstructionAssembler::br_on_cast(Cursor& c, Writer& out) {
  Writer target;
  label(c, target);
  RefTypeText from = parse_ref_type(c, context_.types.ids);
  RefTypeText to = parse_ref_type(c, context_.types.ids);
  out.byte(static_cast<uint8_t>((from.nullable ? 1 : 0) | (to.nullable ? 2 : 0)));
  out.bytes(target.span());
  out.s33(from.heap);
  out.s33(to.heap);
}

}  // namespace wjit
