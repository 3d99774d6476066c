// Opcodes and immediates of plain instructions. The interface is frontend/text_instructions.h.
#include <algorithm>
#include <array>
#include <bit>
#include <charconv>

#include "base/check.h"
#include "frontend/text_instructions.h"
#include "frontend/text_numbers.h"
#include "frontend/text_types.h"

namespace wjit {
namespace {

// The logarithm of a memory instruction's natural alignment, from its name: the digits behind "load" or "store" are its
// width in bits ("load8x8" eight times eight), none means the width of the type.
uint32_t natural_alignment(std::string_view name) {
  size_t dot = name.find('.');
  std::string_view type = name.substr(0, dot);
  std::string_view access = name.substr(dot + 1);
  access.remove_prefix(access.starts_with("load") ? 4 : 5);
  auto take_number = [&] {
    unsigned value = 0;
    auto end = std::from_chars(access.data(), access.data() + access.size(), value).ptr;
    access.remove_prefix(static_cast<size_t>(end - access.data()));
    return value;
  };
  unsigned bits = take_number();
  if (bits == 0) bits = type == "v128" ? 128 : type.ends_with("64") ? 64 : 32;
  if (access.starts_with("x")) {
    access.remove_prefix(1);
    bits *= take_number();
  }
  return static_cast<uint32_t>(std::countr_zero(bits / 8));
}

uint32_t alignment_of(const OpcodeInfo& row) {
  static const std::vector<uint8_t> table = [] {
    std::vector<uint8_t> alignments;
    for (const OpcodeInfo& each : opcode_table()) {
      bool accesses = each.immediate == Immediate::MemArg || each.immediate == Immediate::MemArgLane;
      alignments.push_back(accesses ? static_cast<uint8_t>(natural_alignment(each.text)) : uint8_t{0});
    }
    return alignments;
  }();
  return table[static_cast<size_t>(row.opcode)];
}

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
  auto optional_index = [&](const IndexSpace& space) { out.u32(c.at_index() ? space.parse_index(c) : 0); };
  auto type_index = [&] {
    uint32_t type = types.parse_index(c);
    out.u32(type);
    return type;
  };
  switch (row.immediate) {
    case Immediate::None: break;
    case Immediate::Label: out.u32(parse_label(c)); break;
    case Immediate::LabelTable: label_table(c, out); break;
    case Immediate::Func: out.u32(context_.funcs.parse_index(c)); break;
    case Immediate::Type: type_index(); break;
    case Immediate::CallIndirect: call_indirect(c, out); break;
    case Immediate::Local: out.u32(context_.locals.parse_index(c)); break;
    case Immediate::Global: out.u32(context_.globals.parse_index(c)); break;
    case Immediate::Table: optional_index(context_.tables); break;
    case Immediate::Memory: optional_index(context_.memories); break;
    case Immediate::Tag: out.u32(context_.tags.parse_index(c)); break;
    case Immediate::Data:
      out.u32(context_.datas.parse_index(c));
      context_.needs_data_count = true;
      break;
    case Immediate::Elem: out.u32(context_.elems.parse_index(c)); break;
    case Immediate::MemArg: memarg(c, row, false, out); break;
    case Immediate::MemArgLane:
      memarg(c, row, true, out);
      lane(c, out);
      break;
    case Immediate::Lane: lane(c, out); break;
    case Immediate::Shuffle:
      for (int i = 0; i < 16; ++i) lane(c, out);
      break;
    case Immediate::I32: out.s32(static_cast<int32_t>(parse_int(c, 32))); break;
    case Immediate::I64: out.s64(static_cast<int64_t>(parse_int(c, 64))); break;
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
      out.u32(context_.types.parse_field(c, type));
      break;
    }
    case Immediate::TypeCount:
      type_index();
      out.u32(parse_u32(c));
      break;
    case Immediate::TypeData:
      type_index();
      out.u32(context_.datas.parse_index(c));
      context_.needs_data_count = true;
      break;
    case Immediate::TypeElem:
      type_index();
      out.u32(context_.elems.parse_index(c));
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
    out.s33(context_.types.resolve(c, use));
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
    if (clause->has_tag) encoded.u32(context_.tags.parse_index(c));
    encoded.u32(parse_label(c));
    c.expect_close();
    ++count;
  }
  out.u32(count);
  out.bytes(encoded.span());
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
  std::vector<uint32_t> labels;
  do labels.push_back(parse_label(c));
  while (c.at_index());
  out.u32(static_cast<uint32_t>(labels.size() - 1));
  for (uint32_t label : labels) out.u32(label);
}

void InstructionAssembler::call_indirect(Cursor& c, Writer& out) {
  uint32_t table = c.at_index() ? context_.tables.parse_index(c) : 0;
  TypeUseText use = parse_type_use(c, context_.types.ids, false);
  if (c.failed()) return;
  out.u32(context_.types.resolve(c, use));
  out.u32(table);
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
  uint32_t memory = has_memory ? context_.memories.parse_index(c) : 0;
  uint64_t offset = take_assignment(c, "offset=").value_or(0);
  uint32_t alignment = alignment_of(row);
  const Token& align_token = c.peek();
  if (std::optional<uint64_t> align = take_assignment(c, "align=")) {
    if (!std::has_single_bit(*align)) c.fail_at(align_token, "alignment must be a power of two");
    alignment = *align == 0 ? 0 : static_cast<uint32_t>(std::countr_zero(*align));
  }
  out.u32(alignment | (memory != 0 ? 0x40u : 0u));
  if (memory != 0) out.u32(memory);
  out.u64(offset);
}

void InstructionAssembler::lane(Cursor& c, Writer& out) { out.byte(static_cast<uint8_t>(parse_unsigned(c, 0xFF))); }

// Two indices of one space, or none for 0 0.
void InstructionAssembler::two_indices(Cursor& c, const IndexSpace& space, Writer& out) {
  bool given = c.at_index();
  for (int i = 0; i < 2; ++i) out.u32(given ? space.parse_index(c) : 0);
}

// `space? segment` in the text, segment then space in the binary format.
void InstructionAssembler::segment_and_space(Cursor& c, const IndexSpace& segments, const IndexSpace& space,
                                             Writer& out) {
  bool both = c.kind(1) == TokenKind::Number || c.kind(1) == TokenKind::Id;
  uint32_t index = both ? space.parse_index(c) : 0;
  out.u32(segments.parse_index(c));
  out.u32(index);
}

void InstructionAssembler::ref_test_or_cast(Cursor& c, const OpcodeInfo& row, Writer& out) {
  RefTypeText type = parse_ref_type(c, context_.types.ids);
  auto opcode = static_cast<uint16_t>(static_cast<uint16_t>(row.opcode) + (type.nullable ? 1 : 0));
  write_opcode(opcode_table()[opcode], out);
  out.s33(type.heap);
}

void InstructionAssembler::br_on_cast(Cursor& c, Writer& out) {
  uint32_t label = parse_label(c);
  RefTypeText from = parse_ref_type(c, context_.types.ids);
  RefTypeText to = parse_ref_type(c, context_.types.ids);
  out.byte(static_cast<uint8_t>((from.nullable ? 1 : 0) | (to.nullable ? 2 : 0)));
  out.u32(label);
  out.s33(from.heap);
  out.s33(to.heap);
}

}  // namespace wjit
