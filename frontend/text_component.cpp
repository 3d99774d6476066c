// Components: the list of definitions, the sections that they go to, and the name section.
// The idea and the interface: frontend/text_component.h, frontend/text_component_impl.h. Binary.md, "Component
// Definitions". Test: test/unit/text_component_test.cpp.
#include "frontend/text_component.h"

#include <fmt/format.h>

#include <utility>

#include "frontend/text_component_impl.h"
#include "frontend/text_module.h"

namespace wjit {

Parsed<Bytes> assemble_component(Cursor& c) {
  c.expect_open("component");
  const auto id = c.take_id();
  Parsed<Bytes> bytes = assemble_component_fields(c, id);
  c.expect_close();
  if (c.failed()) return std::unexpected(c.error());
  return bytes;
}

Parsed<Bytes> assemble_component_fields(Cursor& c, std::optional<std::string_view> id) {
  component_text::Assembler assembler(c, nullptr, 0);
  Bytes bytes = assembler.component_contents({id, std::string(id.value_or(""))});
  if (!c.at_end()) c.unexpected("a definition");
  if (c.failed()) return std::unexpected(c.error());
  return bytes;
}

namespace component_text {

namespace {

// Deep enough for any real text, and far from the end of a worker's stack.
constexpr unsigned kMaxNesting = 200;

template <size_t... I>
std::array<IndexSpace, kSpaceCount> all_spaces(std::index_sequence<I...>) {
  return {IndexSpace(words(static_cast<Space>(I)))...};
}

// The first byte of a declarator: componentdecl and instancedecl, core:moduledecl.
uint8_t declarator_code(ScopeKind kind, Section section) {
  const bool module = kind == ScopeKind::ModuleType;
  switch (section) {
    case Section::CoreType: return module ? 0x01 : 0x00;
    case Section::Type: return 0x01;
    case Section::Alias: return 0x02;
    case Section::Import: return module ? 0x00 : 0x03;
    default: return module ? 0x03 : 0x04;  // Export
  }
}

}  // namespace

// --- scopes ---

Scope::Scope(ScopeKind scope_kind, OptionalId scope_id, Scope* outer_scope)
    : kind(scope_kind), id(scope_id), outer(outer_scope), spaces(all_spaces(std::make_index_sequence<kSpaceCount>())) {}

void Scope::append(Section to, const Writer& entry) {
  if (kind != ScopeKind::Component) {
    out.byte(declarator_code(kind, to));
    out.bytes(entry.span());
    ++count;
    return;
  }
  if (to != section) end_section();
  section = to;
  entries.bytes(entry.span());
  ++count;
  // These hold one item each, without a count.
  if (to == Section::CoreModule || to == Section::Component || to == Section::Start) end_section();
}

void Scope::end_section() {
  if (count != 0) {
    Writer content;
    if (section != Section::CoreModule && section != Section::Component && section != Section::Start) {
      content.u32(count);
    }
    content.bytes(entries.span());
    out.section(static_cast<uint8_t>(section), content);
  }
  count = 0;
  entries.clear();
  section = Section::Custom;
}

Assembler::Nesting::Nesting(Assembler& assembler) : assembler_(assembler) {
  if (++assembler_.depth_ > kMaxNesting) assembler_.c_.fail("nested too deep");
}

// --- components ---

Bytes Assembler::component_contents(const NewId& id) {
  if (c_.take_keyword("quote")) return quoted_component(id);
  if (c_.take_keyword("binary")) {
    Writer out;
    while (c_.at_string()) out.bytes(c_.expect_string());
    return out.take();
  }
  const Nesting nesting(*this);
  Scope scope(ScopeKind::Component, id.id, scope_);
  const Inside inside(*this, scope);
  constexpr uint8_t kPreamble[] = {0x00, 'a', 's', 'm', 0x0D, 0x00, 0x01, 0x00};
  scope.out.bytes(kPreamble);
  while (c_.at_open()) definition();
  for (const auto& [space, entry] : scope.inline_exports) define(Section::Export, entry, space);
  scope.end_section();
  name_section(scope, id, scope.out);
  return scope.out.take();
}

// Behind `quote`: the strings together are the definitions of the component.
Bytes Assembler::quoted_component(const NewId& id) {
  const Nesting nesting(*this);
  std::string text;
  while (c_.at_string()) text += c_.expect_string();
  if (c_.failed()) return {};
  const TokenList tokens = lex(text);
  Cursor inside(tokens);
  Bytes bytes = Assembler(inside, scope_, depth_).component_contents(id);
  if (!inside.at(TokenKind::End)) inside.unexpected("a definition");
  if (inside.failed()) c_.fail(inside.error().message, inside.error().fault);
  return bytes;
}

void Assembler::definition() {
  using Method = void (Assembler::*)();
  static constexpr std::pair<std::string_view, Method> kDefinitions[] = {
      {"core", &Assembler::core_definition},
      {"component", &Assembler::component},
      {"instance", &Assembler::instance},
      {"type", &Assembler::type},
      {"func", &Assembler::func},
      {"canon", &Assembler::canon},
      {"start", &Assembler::start},
      {"import", &Assembler::import},
      {"export", &Assembler::export_definition},
  };
  if (c_.take_open("alias")) return alias();
  if (c_.at_open("value")) c_.fail("value definitions are not supported", InputFault::Unsupported);
  for (const auto& [name, method] : kDefinitions) {
    if (!c_.take_open(name)) continue;
    (this->*method)();
    c_.expect_close();
    return;
  }
  c_.unexpected("a definition");
}

// Behind `(core`.
void Assembler::core_definition() {
  if (c_.take_keyword("module")) return core_module();
  if (c_.take_keyword("instance")) return core_instance();
  if (c_.take_keyword("type")) return core_type();
  if (c_.take_keyword("rec")) return core_rec_group();
  if (c_.take_keyword("func")) return core_func();
  for (const Space space : {Space::CoreTable, Space::CoreMemory, Space::CoreGlobal, Space::CoreTag}) {
    if (c_.take_keyword(keyword(space))) return core_alias_only(space);
  }
  c_.unexpected("a core definition");
}

void Assembler::core_module() {
  const NewId id = take_new_id(Space::CoreModule);
  const std::vector<Writer> exports = inline_exports();
  uint32_t index = 0;
  if (!inline_import(Space::CoreModule, id, index) && !inverted_alias(Space::CoreModule, id, index)) {
    const Parsed<Bytes> bytes = assemble_module_fields(c_, id.id);
    if (!bytes) return;
    Writer out;
    out.bytes(*bytes);
    index = define(Section::CoreModule, out, Space::CoreModule, id);
  }
  export_all(exports, Space::CoreModule, index);
}

void Assembler::core_alias_only(Space space) {
  const NewId id = take_new_id(space);
  uint32_t index = 0;
  if (!inverted_alias(space, id, index)) c_.unexpected("an alias");
}

// Behind `(component`; afterwards before the `)`.
void Assembler::component() {
  const NewId id = take_new_id(Space::Component);
  const std::vector<Writer> exports = inline_exports();
  uint32_t index = 0;
  if (!inline_import(Space::Component, id, index) && !inverted_alias(Space::Component, id, index)) {
    Writer out;
    out.bytes(component_contents(id));
    index = define(Section::Component, out, Space::Component, id);
  }
  export_all(exports, Space::Component, index);
}

// Behind `(start`: `$f (value $v)* (result (value $id?))*`.
void Assembler::start() {
  Writer out;
  out.u32(ref(Space::Func));
  uint32_t count = 0;
  Writer arguments;
  for (; c_.at_open("value"); ++count) arguments.u32(ref(Space::Value));
  out.u32(count);
  out.bytes(arguments.span());
  std::vector<NewId> results;
  while (c_.take_open("result")) {
    take_space(Space::Value);
    results.push_back(take_new_id(Space::Value));
    c_.expect_close();
    c_.expect_close();
  }
  out.u32(static_cast<uint32_t>(results.size()));
  scope_->append(Section::Start, out);
  for (const NewId& id : results) define(Space::Value, id);
}

// The custom section "component-name": the component's name and a name map for each sort that has ids.
void Assembler::name_section(const Scope& scope, const NewId& id, Writer& out) {
  Writer content;
  if (id.id) {
    Writer name;
    name.name(id.display);
    content.section(0x00, name);
  }
  for (size_t i = 0; i < kSpaceCount; ++i) {
    if (scope.names[i].empty()) continue;
    Writer names;
    write_sort(static_cast<Space>(i), names);
    names.u32(static_cast<uint32_t>(scope.names[i].size()));
    for (const auto& [index, name] : scope.names[i]) {
      names.u32(index);
      names.name(name);
    }
    content.section(0x01, names);
  }
  if (!content.empty()) out.custom_section("component-name", content);
}

}  // namespace component_text
}  // namespace wjit
