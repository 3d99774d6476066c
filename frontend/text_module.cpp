// Core modules, text -> binary: the first pass over the fields, and the sections put together. The interface is
// frontend/text_module.h, the plan frontend/text_assembler.h.
#include "frontend/text_module.h"

#include <algorithm>

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

Parsed<Bytes> ModuleAssembler::run(Cursor& c, std::optional<std::string> name) {
  uint32_t start = c.position();
  names_.module = own_name(c, std::move(name));
  while (c.at_open()) collect(c);
  if (!c.failed() && !c.at_end()) c.unexpected("a module field");
  const uint32_t end = c.position();
  for (uint32_t at : type_fields_) {
    c.restore(at);
    c.at_open("rec") ? context_.types.add_rec(c) : context_.types.add_type(c);
  }
  c.restore(start);
  while (c.at_open()) {
    take_annotations(c);
    if (c.position() != start) refuse_name_annotation(c);
    assemble_field(c);
  }
  take_annotations(c);
  if (c.position() != start) refuse_name_annotation(c);
  size_t customs = 0;
  for (const Annotation& each : c.list().annotations) {
    if (each.before >= start && each.before <= end && each.id == "custom") ++customs;
  }
  if (customs != customs_.size()) c.fail("misplaced @custom annotation");
  if (c.failed()) return std::unexpected(c.error());
  return binary();
}

// Those that stand between fields.
void ModuleAssembler::take_annotations(Cursor& c) {
  for (const Annotation& each : annotations_here(c)) {
    if (each.id == "custom") customs_.push_back(parse_custom(c, each));
    if (each.id == "section") wanted_sections_.insert(parse_section(c, each));
  }
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

void ModuleAssembler::put_customs(CustomText::Place place, std::string_view section, Writer& out) const {
  for (const CustomText& custom : customs_) {
    if (custom.place != place || custom.section != section) continue;
    Writer contents;
    contents.bytes(custom.contents);
    out.custom_section(custom.name, contents);
  }
}

// Sections in their order, each between the custom sections that want to be before and after it. The name section is
// the last but for custom sections without a place, and is not made where there is a custom section of its name.
Bytes ModuleAssembler::binary() {
  using Place = CustomText::Place;
  Writer out;
  out.bytes(kMagic);
  put_customs(Place::First, "first", out);
  auto around = [&](std::string_view keyword, auto&& section) {
    put_customs(Place::Before, keyword, out);
    section();
    put_customs(Place::After, keyword, out);
  };
  auto put = [&](std::string_view keyword, SectionId section, const SectionText& content) {
    around(keyword, [&] {
      const bool is_wanted = wanted_sections_.contains(keyword);
      out.vector_section(section, content.count, content.entries, is_wanted);
    });
  };
  auto put_number = [&](std::string_view keyword, SectionId section, std::optional<uint32_t> number) {
    around(keyword, [&] {
      if (!number) return;
      Writer content;
      content.u32(*number);
      out.section(section, content);
    });
  };
  const bool has_data_count = context_.needs_data_count || wanted_sections_.contains("datacount");
  around("type", [&] { context_.types.write_section(out, wanted_sections_.contains("type")); });
  put("import", kImport, imports_);
  put("func", kFunction, functions_);
  put("table", kTable, tables_);
  put("memory", kMemory, memories_);
  put("tag", kTag, tags_);
  put("global", kGlobal, globals_);
  put("export", kExport, exports_);
  put_number("start", kStart, start_);
  put("elem", kElem, elems_);
  put_number("datacount", kDataCount, has_data_count ? std::optional(datas_.count) : std::nullopt);
  put("code", kCode, codes_);
  put("data", kData, datas_);

  names_.types = std::move(context_.types.names);
  names_.fields = std::move(context_.types.field_names);
  const Writer names = names_.encode();
  const bool is_given = std::ranges::find(customs_, "name", &CustomText::name) != customs_.end();
  if (!names.empty() && !is_given) out.custom_section("name", names);
  put_customs(Place::Last, "last", out);
  put_customs(Place::None, "", out);
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

Parsed<Bytes> assemble_module_fields(Cursor& c, std::optional<std::string> name) {
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
    Parsed<Bytes> bytes =
        inner.at_open("module") ? assemble_module(inner) : assemble_module_fields(inner, std::move(name));
    if (bytes && !inner.at(TokenKind::End)) inner.unexpected("the end");
    if (!inner.failed()) return bytes;
    const InputError& error = inner.error();
    c.fail_at(at, fmt::format("quoted text {}:{}: {}", error.line, error.column, error.message), error.fault);
    return std::unexpected(c.error());
  }
  return ModuleAssembler().run(c, std::move(name));
}

Parsed<Bytes> assemble_module(Cursor& c) {
  c.expect_open("module");
  NameMap name;
  take_named_id(c, name, 0);
  Parsed<Bytes> bytes = assemble_module_fields(c, name.empty() ? std::nullopt : std::optional(name[0].second));
  c.expect_close();
  if (c.failed()) return std::unexpected(c.error());
  return bytes;
}

}  // namespace wjit