// Imports and exports: names with attributes, the definitions and declarators themselves, and their inline forms
// `(func $f (import "x") …)` and `(instance $i (export "x") …)`.
//
// Every export makes a new index in the space of what it exports; the id in front of the name is bound to that one.
// Inline exports come after all other definitions of the component, so they do not shift the indices of those.
// Interface: frontend/text_component_impl.h. Binary.md, "Import and Export Definitions".
// Test: test/unit/text_component_test.cpp.
#include <algorithm>
#include <array>

#include "frontend/text_component_impl.h"

namespace wjit::component_text {

namespace {

struct Attribute {
  std::string_view name;
  uint8_t code;
};
constexpr std::array<Attribute, 3> kAttributes = {{
    {"implements", 0x00},
    {"versionsuffix", 0x01},
    {"external-id", 0x02},
}};

const Attribute* attribute_at(const Cursor& c, uint32_t ahead) {
  if (c.kind(ahead) != TokenKind::Open || c.kind(ahead + 1) != TokenKind::Keyword) return nullptr;
  const auto found = std::ranges::find(kAttributes, c.spelling(ahead + 1), &Attribute::name);
  return found == kAttributes.end() ? nullptr : &*found;
}

}  // namespace

// nameattributes: 0x00 and the name, or 0x02, the name and the attributes; each kind of attribute at most once.
Writer Assembler::extern_name() {
  const std::string name = c_.expect_name();
  uint32_t count = 0;
  uint32_t seen = 0;
  Writer attributes;
  while (const Attribute* attribute = attribute_at(c_, 0)) {
    const uint32_t bit = 1U << attribute->code;
    if (seen & bit) {
      c_.unexpected();
      break;
    }
    seen |= bit;
    c_.advance();
    c_.advance();
    attributes.byte(attribute->code);
    attributes.name(c_.expect_name());
    c_.expect_close();
    ++count;
  }
  Writer out;
  out.byte(count == 0 ? 0x00 : 0x02);
  out.name(name);
  if (count != 0) {
    out.u32(count);
    out.bytes(attributes.span());
  }
  return out;
}

// --- inline forms ---

// `(export "x" attribute*)` with nothing else inside: an abbreviation, not an export of something.
bool Assembler::at_inline(std::string_view keyword) const {
  if (!c_.at_open(keyword) || c_.kind(2) != TokenKind::String) return false;
  uint32_t ahead = 3;
  while (attribute_at(c_, ahead) != nullptr && c_.kind(ahead + 3) == TokenKind::Close) ahead += 4;
  return c_.kind(ahead) == TokenKind::Close;
}

std::vector<Writer> Assembler::inline_exports() {
  std::vector<Writer> names;
  while (scope_->kind == ScopeKind::Component && at_inline("export")) {
    c_.expect_open("export");
    names.push_back(extern_name());
    c_.expect_close();
  }
  return names;
}

void Assembler::export_all(const std::vector<Writer>& names, Space space, uint32_t index) {
  for (const Writer& name : names) {
    Writer out;
    out.bytes(name.span());
    write_sort(space, out);
    out.u32(index);
    out.byte(0x00);
    scope_->inline_exports.emplace_back(space, std::move(out));
  }
}

bool Assembler::inline_import(Space space, const NewId& id, uint32_t& index) {
  if (!at_inline("import")) return false;
  c_.expect_open("import");
  Writer out = extern_name();
  c_.expect_close();
  extern_type_body(space, out);
  index = define(Section::Import, out, space, id);
  return true;
}

// --- definitions and declarators ---

// Behind `(import`; afterwards before the `)`. Also the declarator of component types.
void Assembler::import() {
  Writer out = extern_name();
  const ExternTypeText type = extern_type();
  out.bytes(type.bytes.span());
  define(Section::Import, out, type.space, type.id);
}

// Behind `(export`: `$id? "x" (func $f) (func …)?`.
void Assembler::export_definition() {
  NameMap name;
  const OptionalId id = take_named_id(c_, name, 0);
  Writer out = extern_name();
  const auto space = peek_space(false);
  sort_ref(false, out);
  if (!space) return;
  if (c_.at_open()) {
    const ExternTypeText type = extern_type();
    out.byte(0x01);
    out.bytes(type.bytes.span());
  } else {
    out.byte(0x00);
  }
  define(Section::Export, out, *space, {id, name.empty() ? std::nullopt : std::optional(std::move(name[0].second))});
}

// In component and instance types: `"x" (func $f? …)`; an id in front of the name is bound as well.
void Assembler::export_declarator() {
  const OptionalId id = c_.take_id();
  Writer out = extern_name();
  ExternTypeText type = extern_type();
  out.bytes(type.bytes.span());
  if (id) type.id = {id, std::string(*id)};
  define(Section::Export, out, type.space, type.id);
}

}  // namespace wjit::component_text
