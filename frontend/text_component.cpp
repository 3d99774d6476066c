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
  NameMap name;
  const auto id = take_named_id(c, name, 0);
  Parsed<Bytes> bytes =
      assemble_component_fields(c, id, name.empty() ? std::nullopt : std::optional(std::move(name[0].second)));
  c.expect_close();
  if (c.failed()) return std::unexpected(c.error());
  return bytes;
}

Parsed<Bytes> assemble_component_fields(Cursor& c, std::optional<std::string_view> id,
                                        std::optional<std::string> name) {
  component_text::Literals literals;
  if (!name && id) name = std::string(*id);
  const auto assemble = [&] {
    Bytes bytes = component_text::Assembler(c, nullptr, 0, literals).component_contents({id, name});
    if (!c.at_end()) c.unexpected("a definition");
    return bytes;
  };
  const uint32_t begin = c.position();
  Bytes bytes = assemble();
  if (!c.failed() && !literals.empty()) {
    if (auto error = literals.encode(std::move(bytes))) {
      c.fail(std::move(*error));
    } else {
      c.restore(begin);
      bytes = assemble();
    }
  }
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

}  // namespace

// --- scopes ---

Scope::Scope(ScopeKind scope_kind, OptionalId scope_id, Scope* outer_scope)
    : kind(scope_kind),
      id(scope_id),
      outer(outer_scope),
      spaces(all_spaces(std::make_index_sequence<kSpaceCount>())),
      definitions(scope_kind) {}

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
  Writer& out = scope.definitions.out;
  out.bytes(kComponentPreamble);
  const std::optional<std::string> name = own_name(c_, id.display);
  std::vector<CustomText> last;
  bool has_names = false;
  take_annotations(last, has_names);
  while (c_.at_open()) {
    definition();
    take_annotations(last, has_names);
  }
  for (const auto& [space, entry] : scope.inline_exports) define(Section::Export, entry, space);
  scope.definitions.end_section();
  const Writer names = component_names(name.has_value(), name.value_or(""), scope.names);
  if (!names.empty() && !has_names) out.custom_section("component-name", names);
  for (const CustomText& custom : last) custom_section(custom);
  return out.take();
}

// Those in front of a definition. A custom section stands where it is written, or last, behind the name section;
// `has_names`: it is the name section.
void Assembler::take_annotations(std::vector<CustomText>& last, bool& has_names) {
  for (const Annotation& each : annotations_here(c_)) {
    if (each.id == "section") section_annotation(each);
    if (each.id != "custom") continue;
    CustomText custom = parse_custom(c_, each);
    if (c_.failed()) return;
    has_names |= custom.name == "component-name";
    if (custom.place == CustomText::Place::Last) {
      last.push_back(std::move(custom));
    } else {
      scope_->definitions.end_section();
      custom_section(custom);
    }
  }
}

// `(@section)`: what follows begins a new section. `(@section import)`: an empty one stands here.
void Assembler::section_annotation(const Annotation& annotation) {
  std::string_view kind = c_.list().text.substr(annotation.begin, annotation.end - annotation.begin);
  kind.remove_prefix(std::min(kind.find_first_not_of(' '), kind.size()));
  if (kind.empty()) return scope_->definitions.end_section();
  for (uint8_t id = 1; id <= static_cast<uint8_t>(Section::Value); ++id) {
    if (words(static_cast<Section>(id)) == kind) return scope_->definitions.empty_section(static_cast<Section>(id));
  }
  c_.fail(fmt::format("@section annotation: unknown section {:.40}", kind));
}

void Assembler::custom_section(const CustomText& custom) {
  Writer contents;
  contents.bytes(custom.contents);
  scope_->definitions.out.custom_section(custom.name, contents);
}

// Behind `quote`: the strings together are the definitions of the component.
Bytes Assembler::quoted_component(const NewId& id) {
  const Nesting nesting(*this);
  std::string text;
  while (c_.at_string()) text += c_.expect_string();
  if (c_.failed()) return {};
  Cursor inside(literals_.quoted(std::move(text)));
  Bytes bytes = Assembler(inside, scope_, depth_, literals_).component_contents(id);
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
      {"value", &Assembler::value},
      {"import", &Assembler::import},
      {"export", &Assembler::export_definition},
  };
  if (c_.take_open("alias")) return alias();
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
    const Parsed<Bytes> bytes = assemble_module_fields(c_, id.display);
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

}  // namespace component_text
}  // namespace wjit
