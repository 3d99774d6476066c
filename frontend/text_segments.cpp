// Tables, memories, element and data segments, also those written inside a table or memory. The class is in
// frontend/text_assembler.h.
#include <algorithm>

#include "frontend/text_assembler.h"
#include "frontend/text_types.h"

namespace wjit {
namespace {

constexpr uint32_t kMaxPageSizeLog2 = 63;
// Opcodes of the expressions that abbreviations stand for.
constexpr uint8_t kI32Const = 0x41, kI64Const = 0x42, kRefFunc = 0xD2, kEnd = 0x0B;

// `i32.const 0` or `i64.const 0`, the offset of inline segments.
void write_zero_offset(bool is_64, Writer& out) {
  out.byte(is_64 ? kI64Const : kI32Const);
  out.byte(0);
  out.byte(kEnd);
}

}  // namespace

void ModuleAssembler::assemble_table(Cursor& c) {
  uint32_t index = next_[static_cast<int>(ExternKind::Table)]++;
  take_named_id(c, names_.tables, index);
  inline_exports(c, ExternKind::Table, index);
  if (inline_import(c, ExternKind::Table)) return;

  const IndexSpace& types = context_.types.ids;
  Writer& out = tables_.add();
  uint32_t start = c.position();
  bool is_64 = c.take_keyword("i64");
  if (!is_64) c.take_keyword("i32");
  if (!c.at(TokenKind::Number)) {
    Writer type;
    assemble_ref_type(c, types, type);
    return inline_elem(c, index, is_64, type.span(), out);
  }
  c.restore(start);
  Writer type;
  assemble_table_type(c, types, type);
  if (c.at_end()) {
    out.bytes(type.span());
  } else {
    out.byte(0x40);
    out.byte(0x00);
    out.bytes(type.span());
    instructions_.expression(c, out);
  }
}

// `(elem …)` inside a table, which has as many elements; the segment follows the table.
void ModuleAssembler::inline_elem(Cursor& c, uint32_t table, bool is_64, std::span<const uint8_t> type,
                                  Writer& table_out) {
  c.expect_open("elem");
  bool is_funcref = type.size() == 1 && type[0] == 0x70;
  bool by_index = c.at_index() || c.at_end();
  Writer entries;
  uint32_t count = 0;
  for (; !c.at_end(); ++count) {
    if (!by_index) {
      element_expression(c, entries);
    } else if (is_funcref) {
      entries.u32(context_.funcs.parse_index(c));
    } else {
      entries.byte(kRefFunc);
      entries.u32(context_.funcs.parse_index(c));
      entries.byte(kEnd);
    }
  }
  c.expect_close();
  table_out.bytes(type);
  write_limits(Limits{.min = count, .max = count, .is_64 = is_64}, 0, table_out);

  bool as_indices = by_index && is_funcref;
  bool short_form = table == 0 && is_funcref;
  Writer& out = elems_.add();
  out.byte(static_cast<uint8_t>((as_indices ? 0 : 4) | (short_form ? 0 : 2)));
  if (!short_form) out.u32(table);
  write_zero_offset(is_64, out);
  if (!short_form) as_indices ? out.byte(0) : out.bytes(type);
  out.u32(count);
  out.bytes(entries.span());
}

void ModuleAssembler::assemble_memory(Cursor& c) {
  uint32_t index = next_[static_cast<int>(ExternKind::Memory)]++;
  take_named_id(c, names_.memories, index);
  inline_exports(c, ExternKind::Memory, index);
  if (inline_import(c, ExternKind::Memory)) return;

  Writer& out = memories_.add();
  uint32_t start = c.position();
  bool is_64 = c.take_keyword("i64");
  if (!is_64) c.take_keyword("i32");
  if (!c.at_open("data") && !c.at_open("pagesize")) {
    c.restore(start);
    assemble_memory_type(c, out);
    return;
  }
  // `(pagesize n)? (data …)`: as many pages as the data takes; the segment follows the memory.
  std::optional<uint32_t> page_size_log2 = parse_page_size(c);
  c.expect_open("data");
  std::string bytes = data_strings(c);
  c.expect_close();
  uint32_t shift = std::min(page_size_log2.value_or(16), kMaxPageSizeLog2);
  uint64_t pages = (bytes.size() >> shift) + ((bytes.size() & ((uint64_t{1} << shift) - 1)) != 0 ? 1 : 0);
  write_limits(Limits{.min = pages, .max = pages, .is_64 = is_64}, page_size_log2 ? 8 : 0, out);
  if (page_size_log2) out.u32(*page_size_log2);

  Writer& data = datas_.add();
  data.byte(index == 0 ? 0 : 2);
  if (index != 0) data.u32(index);
  write_zero_offset(is_64, data);
  data.name(bytes);
}

// `(offset instr*)` or one folded instruction, as an expression.
void ModuleAssembler::offset(Cursor& c, Writer& out) {
  if (c.take_open("offset")) {
    instructions_.expression(c, out);
    c.expect_close();
  } else {
    instructions_.folded_expression(c, out);
  }
}

// Appends the indices, gives their number.
uint32_t ModuleAssembler::function_indices(Cursor& c, Writer& out) {
  uint32_t count = 0;
  for (; !c.at_end(); ++count) out.u32(context_.funcs.parse_index(c));
  return count;
}

// `(item instr*)` or one folded instruction.
void ModuleAssembler::element_expression(Cursor& c, Writer& out) {
  if (c.take_open("item")) {
    instructions_.expression(c, out);
    c.expect_close();
  } else {
    instructions_.folded_expression(c, out);
  }
}

void ModuleAssembler::assemble_elem(Cursor& c) {
  take_named_id(c, names_.elems, elems_.count);
  bool declarative = c.take_keyword("declare");
  uint32_t table = 0;
  bool has_table = !declarative && c.take_open("table");
  unsigned width = 0;  // (@leb …): the index is encoded, even 0
  if (has_table) {
    width = leb_width(c, 5);
    table = context_.tables.parse_index(c);
    c.expect_close();
  }
  // A `(ref …)` is the type of a passive segment; any other form here is an offset.
  bool active = has_table || (!declarative && c.at_open() && !c.at_open("ref"));
  Writer offset_expression;
  if (active) offset(c, offset_expression);

  Writer type;
  bool is_funcref = true;
  bool by_index = c.take_keyword("func");
  if (!by_index) {
    if (active && !has_table && !at_val_type(c)) {
      by_index = true;  // `func` may be left out
    } else {
      assemble_ref_type(c, context_.types.ids, type);
      is_funcref = type.size() == 1 && type.get()[0] == 0x70;
    }
  }
  Writer entries;
  uint32_t count = 0;
  if (by_index) {
    count = function_indices(c, entries);
  } else {
    for (; !c.at_end(); ++count) element_expression(c, entries);
  }

  // Bit 0: not active; bit 1: an index or declarative; bit 2: expressions.
  bool short_form = active && table == 0 && width == 0 && is_funcref;
  int flags = (active ? 0 : 1) | (declarative || (active && !short_form) ? 2 : 0) | (by_index ? 0 : 4);
  Writer& out = elems_.add();
  out.byte(static_cast<uint8_t>(flags));
  if (active && !short_form) out.u32(table, width);
  out.bytes(offset_expression.span());
  if (!short_form) by_index ? out.byte(0) : out.bytes(type.span());
  out.u32(count);
  out.bytes(entries.span());
}

std::string ModuleAssembler::data_strings(Cursor& c) {
  std::string bytes;
  while (c.at_string()) bytes += c.expect_string();
  return bytes;
}

void ModuleAssembler::assemble_data(Cursor& c) {
  take_named_id(c, names_.datas, datas_.count);
  Writer& out = datas_.add();
  if (c.at_open()) {
    uint32_t memory = 0;
    unsigned width = 0;  // (@leb …): the index is encoded, even 0
    if (c.take_open("memory")) {
      width = leb_width(c, 5);
      memory = context_.memories.parse_index(c);
      c.expect_close();
    }
    const bool is_first = memory == 0 && width == 0;
    out.byte(is_first ? 0 : 2);
    if (!is_first) out.u32(memory, width);
    offset(c, out);
  } else {
    out.byte(1);
  }
  out.name(data_strings(c));
}

}  // namespace wjit
