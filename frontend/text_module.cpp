// Core modules, text -> binary: the first pass over the fields, and the sections put together. The interface is
// frontend/text_module.h, the plan frontend/text_assembler.h.
#include "frontend/text_module.h"

#include "frontend/binary_writer.h"
#include "frontend/text_assembler.h"

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

}  // namespace

Parsed<Bytes> ModuleAssembler::run(Cursor& c, std::optional<std::string_view> id) {
  uint32_t start = c.position();
  while (c.at_open()) collect(c);
  if (!c.failed() && !c.at_end()) c.unexpected("a module field");
  for (uint32_t at : type_fields_) {
    c.restore(at);
    c.at_open("rec") ? context_.types.add_rec(c) : context_.types.add_type(c);
  }
  c.restore(start);
  while (c.at_open()) assemble_field(c);
  if (c.failed()) return std::unexpected(c.error());
  return binary(id);
}

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

Bytes ModuleAssembler::binary(std::optional<std::string_view> id) {
  Writer out;
  out.bytes(kMagic);
  auto put = [&](SectionId section, const SectionText& content) {
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

namespace {

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