// Core modules, text -> binary. The interface is frontend/text_module.h.
//
// A module is read twice. collect() gives every field its index and binds its id, skipping what is inside; then the
// types are encoded, and assemble_field() encodes the fields in the order of the text, each into the section that it
// belongs to. Sections are put together at the end, because instructions still add types (TypeTable::resolve).
#include "frontend/text_module.h"

#include <algorithm>

#include "frontend/binary_writer.h"
#include "frontend/text_context.h"
#include "frontend/text_instructions.h"
#include "frontend/text_numbers.h"
#include "frontend/text_types.h"

namespace wjit {
namespace {

enum SectionId : uint8_t {
  kImport = 2,
  kFunction = 3,
  kTable = 4,
  kMemory = 5,
  kGlobal = 6,
  kExport = 7,
  kStart = 8,
  kElem = 9,
  kCode = 10,
  kData = 11,
  kDataCount = 12,
  kTag = 13,
};

constexpr uint8_t kMagic[] = {0x00, 'a', 's', 'm', 0x01, 0x00, 0x00, 0x00};
constexpr uint32_t kMaxPageSizeLog2 = 63;

// A section that is a vector.
struct Section {
  uint32_t count = 0;
  Writer entries;
  Writer& add() {
    ++count;
    return entries;
  }
};

class ModuleAssembler {
 public:
  Parsed<Bytes> run(Cursor& c, std::optional<std::string_view> id) {
    uint32_t start = c.position();
    while (c.at_open()) collect(c);
    if (!c.failed() && !c.at_end()) c.unexpected("a module field");
    c.restore(start);
    for (uint32_t at : type_fields_) {
      c.restore(at);
      c.at_open("rec") ? context_.types.add_rec(c) : context_.types.add_type(c);
    }
    c.restore(start);
    while (c.at_open()) assemble_field(c);
    if (c.failed()) return std::unexpected(c.error());
    return binary(id);
  }

 private:
  // First pass.
  void collect(Cursor& c);
  void collect_external(Cursor& c, IndexSpace& space);
  void collect_inline_segment(Cursor& c, IndexSpace& space);
  void collect_import(Cursor& c);
  IndexSpace* space_of(std::string_view keyword);
  std::string import_too_late() const {
    return fmt::format("import after {}", first_definition_ == "func" ? "function" : first_definition_);
  }

  // Second pass.
  void assemble_field(Cursor& c);
  void assemble_import(Cursor& c);
  void assemble_func(Cursor& c);
  void assemble_locals(Cursor& c, Writer& out);
  void assemble_table(Cursor& c);
  void assemble_memory(Cursor& c);
  void assemble_global(Cursor& c);
  void assemble_tag(Cursor& c);
  void assemble_export(Cursor& c);
  void assemble_start(Cursor& c);
  void assemble_elem(Cursor& c);
  void assemble_data(Cursor& c);
  void inline_exports(Cursor& c, ExternKind kind, uint32_t index);
  bool inline_import(Cursor& c, ExternKind kind);
  void external_type(Cursor& c, ExternKind kind, Writer& out);
  uint32_t type_use(Cursor& c);
  void offset(Cursor& c, Writer& out);
  uint32_t function_indices(Cursor& c, Writer& out);
  void element_expression(Cursor& c, Writer& out);
  void inline_elem(Cursor& c, uint32_t table, bool is_64, std::span<const uint8_t> type, Writer& table_out);
  std::string data_strings(Cursor& c);
  void name_locals(uint32_t func);
  Bytes binary(std::optional<std::string_view> id);

  ModuleContext context_;
  InstructionAssembler instructions_{context_};
  std::vector<uint32_t> type_fields_;  // token positions of (type …) and (rec …)
  std::string_view first_definition_;  // keyword of the first func, table, … that is no import

  // Next index of each kind in the second pass.
  uint32_t next_[5] = {};
  Section imports_, functions_, tables_, memories_, tags_, globals_, exports_, elems_, codes_, datas_;
  std::optional<uint32_t> start_;

  // Locals' names in index order, for the name section.
  std::vector<std::pair<uint32_t, std::string_view>> local_names_;
  Section func_names_, local_name_maps_;
};

// --- First pass ---

IndexSpace* ModuleAssembler::space_of(std::string_view keyword) {
  if (keyword == "func") return &context_.funcs;
  if (keyword == "table") return &context_.tables;
  if (keyword == "memory") return &context_.memories;
  if (keyword == "global") return &context_.globals;
  if (keyword == "tag") return &context_.tags;
  return nullptr;
}

void ModuleAssembler::collect(Cursor& c) {
  uint32_t field = c.position();
  uint32_t end = c.form_end();
  c.advance();
  std::string_view keyword = c.at(TokenKind::Keyword) ? c.spelling() : std::string_view();
  if (keyword == "type") {
    c.advance();
    context_.types.ids.add_here(c);
    type_fields_.push_back(field);
  } else if (keyword == "rec") {
    c.advance();
    while (c.at_open("type")) {
      uint32_t type_end = c.form_end();
      c.advance(), c.advance();
      context_.types.ids.add_here(c);
      c.restore(type_end);
    }
    type_fields_.push_back(field);
  } else if (keyword == "import") {
    collect_import(c);
  } else if (IndexSpace* space = space_of(keyword)) {
    collect_external(c, *space);
  } else if (keyword == "elem") {
    c.advance();
    context_.elems.add_here(c);
  } else if (keyword == "data") {
    c.advance();
    context_.datas.add_here(c);
  } else if (keyword != "export" && keyword != "start") {
    c.unexpected("a module field");
  }
  c.restore(end);
}

void ModuleAssembler::collect_external(Cursor& c, IndexSpace& space) {
  const Token& field = c.peek();
  c.advance();
  space.add_here(c);
  while (c.at_open("export")) c.skip_form();
  if (c.at_open("import")) {
    if (!first_definition_.empty()) c.fail_at(field, import_too_late());
  } else {
    if (first_definition_.empty()) first_definition_ = c.list().spelling(field);
    if (&space == &context_.tables) collect_inline_segment(c, context_.elems);
    if (&space == &context_.memories) collect_inline_segment(c, context_.datas);
  }
}

// An inline (elem …) or (data …) takes an index too: it is there when no limits are.
void ModuleAssembler::collect_inline_segment(Cursor& c, IndexSpace& space) {
  if (!c.take_keyword("i64")) c.take_keyword("i32");
  if (c.at(TokenKind::Number)) return;
  while (!c.at_end()) {
    if (c.at_open("elem") || c.at_open("data")) space.add(c, std::nullopt);
    c.skip_form();
  }
}

void ModuleAssembler::collect_import(Cursor& c) {
  if (!first_definition_.empty()) c.fail(import_too_late());
  c.advance();
  c.expect_name();
  c.expect_name();
  c.expect_open();
  IndexSpace* space = c.at(TokenKind::Keyword) ? space_of(c.spelling()) : nullptr;
  if (space == nullptr) {
    c.unexpected("func, table, memory, global or tag");
    return;
  }
  c.advance();
  space->add_here(c);
}

// --- Second pass ---

void ModuleAssembler::assemble_field(Cursor& c) {
  c.advance();
  if (c.at_keyword("type") || c.at_keyword("rec")) {
    // Encoded already; back to its parenthesis to skip it.
    c.restore(c.position() - 1);
    c.skip_form();
    return;
  }
  if (c.take_keyword("import"))
    assemble_import(c);
  else if (c.take_keyword("func"))
    assemble_func(c);
  else if (c.take_keyword("table"))
    assemble_table(c);
  else if (c.take_keyword("memory"))
    assemble_memory(c);
  else if (c.take_keyword("global"))
    assemble_global(c);
  else if (c.take_keyword("tag"))
    assemble_tag(c);
  else if (c.take_keyword("export"))
    assemble_export(c);
  else if (c.take_keyword("start"))
    assemble_start(c);
  else if (c.take_keyword("elem"))
    assemble_elem(c);
  else if (c.take_keyword("data"))
    assemble_data(c);
  else
    c.unexpected("a module field");
  c.expect_close();
}

std::optional<ExternKind> take_extern_kind(Cursor& c) {
  static constexpr std::pair<std::string_view, ExternKind> kinds[] = {{"func", ExternKind::Func},
                                                                      {"table", ExternKind::Table},
                                                                      {"memory", ExternKind::Memory},
                                                                      {"global", ExternKind::Global},
                                                                      {"tag", ExternKind::Tag}};
  for (auto [keyword, kind] : kinds) {
    if (c.take_open(keyword)) return kind;
  }
  c.unexpected("func, table, memory, global or tag");
  return std::nullopt;
}

void ModuleAssembler::assemble_import(Cursor& c) {
  Writer& out = imports_.add();
  out.name(c.expect_name());
  out.name(c.expect_name());
  std::optional<ExternKind> kind = take_extern_kind(c);
  if (!kind) return;
  uint32_t index = next_[static_cast<int>(*kind)]++;
  if (auto id = c.take_id(); id && *kind == ExternKind::Func) {
    func_names_.add().u32(index);
    func_names_.entries.name(*id);
  }
  external_type(c, *kind, out);
  c.expect_close();
}

// The byte of its kind, then the type of an import.
void ModuleAssembler::external_type(Cursor& c, ExternKind kind, Writer& out) {
  out.byte(static_cast<uint8_t>(kind));
  const IndexSpace& types = context_.types.ids;
  switch (kind) {
    case ExternKind::Func: out.u32(type_use(c)); break;
    case ExternKind::Table: assemble_table_type(c, types, out); break;
    case ExternKind::Memory: assemble_memory_type(c, out); break;
    case ExternKind::Global: assemble_global_type(c, types, out); break;
    case ExternKind::Tag:
      out.byte(0);
      out.u32(type_use(c));
      break;
  }
}

// A type use whose parameter names do not matter, except that they must differ.
uint32_t ModuleAssembler::type_use(Cursor& c) {
  TypeUseText use = parse_type_use(c, context_.types.ids);
  IndexSpace names("parameter");
  for (const auto& name : use.params.names) names.add(c, name);
  return c.failed() ? 0 : context_.types.resolve(c, use);
}

void ModuleAssembler::inline_exports(Cursor& c, ExternKind kind, uint32_t index) {
  while (c.take_open("export")) {
    Writer& out = exports_.add();
    out.name(c.expect_name());
    out.byte(static_cast<uint8_t>(kind));
    out.u32(index);
    c.expect_close();
  }
}

// `(import "m" "n") type`: true when it was there.
bool ModuleAssembler::inline_import(Cursor& c, ExternKind kind) {
  if (!c.take_open("import")) return false;
  Writer& out = imports_.add();
  out.name(c.expect_name());
  out.name(c.expect_name());
  c.expect_close();
  external_type(c, kind, out);
  return true;
}

void ModuleAssembler::assemble_func(Cursor& c) {
  uint32_t index = next_[static_cast<int>(ExternKind::Func)]++;
  if (auto id = c.take_id()) {
    func_names_.add().u32(index);
    func_names_.entries.name(*id);
  }
  inline_exports(c, ExternKind::Func, index);
  if (inline_import(c, ExternKind::Func)) return;

  TypeUseText use = parse_type_use(c, context_.types.ids);
  if (c.failed()) return;
  uint32_t type = context_.types.resolve(c, use);
  functions_.add().u32(type);
  // Parameters are the first locals; those that only `(type x)` mentions have no names.
  context_.locals.clear();
  local_names_.clear();
  uint32_t param_count =
      use.has_inline ? static_cast<uint32_t>(use.params.names.size()) : context_.types.param_count(type);
  for (uint32_t i = 0; i < param_count; ++i) {
    auto id = i < use.params.names.size() ? use.params.names[i] : std::nullopt;
    uint32_t local = context_.locals.add(c, id);
    if (id) local_names_.emplace_back(local, *id);
  }

  Writer body;
  assemble_locals(c, body);
  instructions_.expression(c, body);
  codes_.add().sized(body);
  name_locals(index);
}

// `(local $id type)` or `(local type*)`, as runs of equal types.
void ModuleAssembler::assemble_locals(Cursor& c, Writer& out) {
  struct Run {
    uint32_t count;
    Bytes type;
  };
  std::vector<Run> runs;
  auto add = [&](std::optional<std::string_view> id) {
    uint32_t local = context_.locals.add(c, id);
    if (id) local_names_.emplace_back(local, *id);
    Writer type;
    assemble_val_type(c, context_.types.ids, type);
    if (!runs.empty() && runs.back().type == type.get()) {
      ++runs.back().count;
    } else {
      runs.push_back({1, type.take()});
    }
  };
  while (c.take_open("local")) {
    if (auto id = c.take_id()) {
      add(id);
    } else {
      while (!c.at_end()) add(std::nullopt);
    }
    c.expect_close();
  }
  out.u32(static_cast<uint32_t>(runs.size()));
  for (const Run& run : runs) {
    out.u32(run.count);
    out.bytes(run.type);
  }
}

void ModuleAssembler::name_locals(uint32_t func) {
  if (local_names_.empty()) return;
  Writer& out = local_name_maps_.add();
  out.u32(func);
  out.u32(static_cast<uint32_t>(local_names_.size()));
  for (auto [index, name] : local_names_) {
    out.u32(index);
    out.name(name);
  }
}

void ModuleAssembler::assemble_table(Cursor& c) {
  uint32_t index = next_[static_cast<int>(ExternKind::Table)]++;
  c.take_id();
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
      entries.byte(0xD2);  // ref.func
      entries.u32(context_.funcs.parse_index(c));
      entries.byte(0x0B);
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
  out.byte(is_64 ? 0x42 : 0x41);  // i32.const or i64.const 0
  out.byte(0);
  out.byte(0x0B);
  if (!short_form) as_indices ? out.byte(0) : out.bytes(type);
  out.u32(count);
  out.bytes(entries.span());
}

void ModuleAssembler::assemble_memory(Cursor& c) {
  uint32_t index = next_[static_cast<int>(ExternKind::Memory)]++;
  c.take_id();
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
  data.byte(is_64 ? 0x42 : 0x41);
  data.byte(0);
  data.byte(0x0B);
  data.name(bytes);
}

void ModuleAssembler::assemble_global(Cursor& c) {
  uint32_t index = next_[static_cast<int>(ExternKind::Global)]++;
  c.take_id();
  inline_exports(c, ExternKind::Global, index);
  if (inline_import(c, ExternKind::Global)) return;
  Writer& out = globals_.add();
  assemble_global_type(c, context_.types.ids, out);
  instructions_.expression(c, out);
}

void ModuleAssembler::assemble_tag(Cursor& c) {
  uint32_t index = next_[static_cast<int>(ExternKind::Tag)]++;
  c.take_id();
  inline_exports(c, ExternKind::Tag, index);
  if (inline_import(c, ExternKind::Tag)) return;
  Writer& out = tags_.add();
  out.byte(0);
  out.u32(type_use(c));
}

void ModuleAssembler::assemble_export(Cursor& c) {
  Writer& out = exports_.add();
  out.name(c.expect_name());
  std::optional<ExternKind> kind = take_extern_kind(c);
  if (!kind) return;
  const IndexSpace* spaces[] = {&context_.funcs, &context_.tables, &context_.memories, &context_.globals,
                                &context_.tags};
  out.byte(static_cast<uint8_t>(*kind));
  out.u32(spaces[static_cast<int>(*kind)]->parse_index(c));
  c.expect_close();
}

void ModuleAssembler::assemble_start(Cursor& c) {
  if (start_) c.fail("multiple start sections");
  start_ = context_.funcs.parse_index(c);
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
  c.take_id();
  bool declarative = c.take_keyword("declare");
  uint32_t table = 0;
  bool has_table = !declarative && c.take_open("table");
  if (has_table) {
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
  bool short_form = active && table == 0 && is_funcref;
  int flags = (active ? 0 : 1) | (declarative || (active && !short_form) ? 2 : 0) | (by_index ? 0 : 4);
  Writer& out = elems_.add();
  out.byte(static_cast<uint8_t>(flags));
  if (active && !short_form) out.u32(table);
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
  c.take_id();
  Writer& out = datas_.add();
  if (c.at_open()) {
    uint32_t memory = 0;
    if (c.take_open("memory")) {
      memory = context_.memories.parse_index(c);
      c.expect_close();
    }
    out.byte(memory == 0 ? 0 : 2);
    if (memory != 0) out.u32(memory);
    offset(c, out);
  } else {
    out.byte(1);
  }
  out.name(data_strings(c));
}

Bytes ModuleAssembler::binary(std::optional<std::string_view> id) {
  Writer out;
  out.bytes(kMagic);
  auto put = [&](SectionId section, const Section& content) {
    out.vector_section(section, content.count, content.entries);
  };
  context_.types.write_section(out);
  put(kImport, imports_);
  put(kFunction, functions_);
  put(kTable, tables_);
  put(kMemory, memories_);
  put(kTag, tags_);
  put(kGlobal, globals_);
  put(kExport, exports_);
  if (start_) {
    Writer start;
    start.u32(*start_);
    out.section(kStart, start);
  }
  put(kElem, elems_);
  if (context_.needs_data_count) {
    Writer count;
    count.u32(datas_.count);
    out.section(kDataCount, count);
  }
  put(kCode, codes_);
  put(kData, datas_);

  Writer names;
  if (id) {
    Writer module_name;
    module_name.name(*id);
    names.section(0, module_name);
  }
  names.vector_section(1, func_names_.count, func_names_.entries);
  names.vector_section(2, local_name_maps_.count, local_name_maps_.entries);
  if (!names.empty()) out.custom_section("name", names);
  return out.take();
}

// The strings of `binary "…"*` and `quote "…"*`, put together.
std::string take_strings(Cursor& c) {
  std::string bytes;
  while (c.at_string()) bytes += c.expect_string();
  if (!c.at_end()) c.unexpected("a string");
  return bytes;
}

}  // namespace

Parsed<Bytes> assemble_module_fields(Cursor& c, std::optional<std::string_view> id) {
  if (c.take_keyword("binary")) {
    std::string bytes = take_strings(c);
    if (c.failed()) return std::unexpected(c.error());
    return Bytes(bytes.begin(), bytes.end());
  }
  if (c.at_keyword("quote")) {
    Token at = c.peek();
    c.advance();
    std::string text = take_strings(c);
    if (c.failed()) return std::unexpected(c.error());
    TokenList list = lex(text);
    Cursor inner(list);
    Parsed<Bytes> bytes = inner.at_open("module") ? assemble_module(inner) : assemble_module_fields(inner, id);
    if (bytes && !inner.at(TokenKind::End)) inner.unexpected("the end");
    if (!inner.failed()) return bytes;
    const InputError& error = inner.error();
    c.fail_at(at, fmt::format("quoted text {}:{}: {}", error.line, error.column, error.message), error.fault);
    return std::unexpected(c.error());
  }
  return ModuleAssembler().run(c, id);
}

Parsed<Bytes> assemble_module(Cursor& c) {
  c.expect_open("module");
  std::optional<std::string_view> id = c.take_id();
  Parsed<Bytes> bytes = assemble_module_fields(c, id);
  c.expect_close();
  if (c.failed()) return std::unexpected(c.error());
  return bytes;
}

}  // namespace wjit
