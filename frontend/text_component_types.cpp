// Component-level types: value types, functions, resources, component and instance types with their declarators, and
// the types of imports and exports.
//
// In the binary a value type is a primitive or an index. A compound type that stands inline therefore becomes a
// definition of its own, made before the one that uses it: (list (list u8)) makes (list u8), then (list 0). Interface:
// frontend/text_component_impl.h. Binary.md, "Type Definitions"; Explainer.md, "Type Definitions". Test:
// test/unit/text_component_test.cpp.
#include <algorithm>
#include <array>

#include "frontend/text_component_impl.h"
#include "frontend/text_numbers.h"
#include "frontend/text_types.h"

namespace wjit::component_text {

namespace {

struct Primitive {
  std::string_view name;
  uint8_t code;
};
constexpr std::array<Primitive, 14> kPrimitives = {{
    {"bool", 0x7F},
    {"s8", 0x7E},
    {"u8", 0x7D},
    {"s16", 0x7C},
    {"u16", 0x7B},
    {"s32", 0x7A},
    {"u32", 0x79},
    {"s64", 0x78},
    {"u64", 0x77},
    {"f32", 0x76},
    {"f64", 0x75},
    {"char", 0x74},
    {"string", 0x73},
    {"error-context", 0x64},
}};

constexpr std::array<std::string_view, 13> kConstructors = {
    "record", "variant", "list",   "tuple",  "flags",  "enum", "option",
    "result", "own",     "borrow", "stream", "future", "map",
};

const Primitive* find_primitive(std::string_view name) {
  const auto found = std::ranges::find(kPrimitives, name, &Primitive::name);
  return found == kPrimitives.end() ? nullptr : &*found;
}

}  // namespace

// `(type $t)` or `(type $i "x")`: a reference. `(type $t (record …))` is a declarator of an inline instance type.
bool Assembler::at_type_use() const {
  if (!c_.at_open("type") || (c_.kind(2) != TokenKind::Id && c_.kind(2) != TokenKind::Number)) return false;
  return c_.kind(3) == TokenKind::Close || c_.kind(3) == TokenKind::String;
}

// --- value types ---

bool Assembler::at_def_val_type() const {
  if (c_.at(TokenKind::Keyword)) return find_primitive(c_.spelling()) != nullptr;
  return c_.at_open() && c_.kind(1) == TokenKind::Keyword &&
         std::ranges::find(kConstructors, c_.spelling(1)) != kConstructors.end();
}

void Assembler::val_type(Writer& out) {
  if (c_.at_index() || c_.at_open("type")) {
    out.s33(ref(Space::Type));
  } else if (c_.at(TokenKind::Keyword)) {
    def_val_type(out);
  } else {
    Writer type;
    def_val_type(type);
    if (!c_.failed()) out.s33(define(Section::Type, type, Space::Type));
  }
}

// `<valtype>?` as 0x00, or 0x01 and the type.
void Assembler::optional_val_type(Writer& out) {
  if (c_.at_end() || c_.at_open("error")) {
    out.byte(0x00);
  } else {
    out.byte(0x01);
    val_type(out);
  }
}

void Assembler::def_val_type(Writer& out) {
  const Nesting nesting(*this);
  if (!at_def_val_type()) {
    c_.unexpected("a value type");
    return;
  }
  if (c_.at(TokenKind::Keyword)) {
    out.byte(find_primitive(c_.spelling())->code);
    c_.advance();
    return;
  }
  c_.expect_open();
  const std::string_view kind = c_.spelling();
  c_.advance();
  uint32_t count = 0;
  Writer items;
  const auto write_items = [&](uint8_t code) {
    out.byte(code);
    out.u32(count);
    out.bytes(items.span());
  };
  if (kind == "record") {
    for (; c_.take_open("field"); ++count) {
      items.name(c_.expect_name());
      val_type(items);
      c_.expect_close();
    }
    write_items(0x72);
  } else if (kind == "variant") {
    for (; c_.take_open("case"); ++count) {
      c_.take_id();
      items.name(c_.expect_name());
      optional_val_type(items);
      items.byte(0x00);
      c_.expect_close();
    }
    write_items(0x71);
  } else if (kind == "flags" || kind == "enum") {
    for (; c_.at_string(); ++count) items.name(c_.expect_name());
    write_items(kind == "flags" ? 0x6E : 0x6D);
  } else if (kind == "tuple") {
    for (; !c_.at_end(); ++count) val_type(items);
    write_items(0x6F);
  } else if (kind == "list") {
    val_type(items);
    const bool fixed = c_.at(TokenKind::Number);
    out.byte(fixed ? 0x67 : 0x70);
    out.bytes(items.span());
    if (fixed) out.u32(parse_u32(c_));
  } else if (kind == "map") {
    out.byte(0x63);
    val_type(out);
    val_type(out);
  } else if (kind == "option") {
    out.byte(0x6B);
    val_type(out);
  } else if (kind == "result") {
    result_type(out);
  } else if (kind == "own" || kind == "borrow") {
    out.byte(kind == "own" ? 0x69 : 0x68);
    out.u32(ref(Space::Type));
  } else {
    out.byte(kind == "stream" ? 0x66 : 0x65);
    optional_val_type(out);
  }
  c_.expect_close();
}

// `<valtype>? (error <valtype>)?`
void Assembler::result_type(Writer& out) {
  out.byte(0x6A);
  optional_val_type(out);
  if (c_.take_open("error")) {
    out.byte(0x01);
    val_type(out);
    c_.expect_close();
  } else {
    out.byte(0x00);
  }
}

// --- function and resource types ---

// `(result <valtype>)?`
void Assembler::result_list(Writer& out) {
  if (c_.take_open("result")) {
    out.byte(0x00);
    val_type(out);
    c_.expect_close();
  } else {
    out.byte(0x01);
    out.byte(0x00);
  }
}

// `async? (param "x" t)* (result t)?`
void Assembler::func_type(Writer& out) {
  out.byte(c_.take_keyword("async") ? 0x43 : 0x40);
  uint32_t count = 0;
  Writer params;
  for (; c_.take_open("param"); ++count) {
    params.name(c_.expect_name());
    val_type(params);
    c_.expect_close();
  }
  out.u32(count);
  out.bytes(params.span());
  result_list(out);
}

// `(rep i32) (dtor $f)?`
void Assembler::resource_type(Writer& out) {
  out.byte(0x3F);
  c_.expect_open("rep");
  assemble_val_type(c_, scope_->space(Space::CoreType), out);
  c_.expect_close();
  if (c_.take_open("dtor")) {
    out.byte(0x01);
    out.u32(option_ref(Space::CoreFunc));
    c_.expect_close();
  } else {
    out.byte(0x00);
  }
}

// --- component and instance types ---

// Declarators up to the `)`.
void Assembler::component_type(ScopeKind kind, OptionalId id, Writer& out) {
  const Nesting nesting(*this);
  Scope scope(kind, id, scope_);
  const Inside inside(*this, scope);
  while (c_.at_open()) declarator();
  out.byte(kind == ScopeKind::ComponentType ? 0x41 : 0x42);
  out.u32(scope.definitions.count());
  out.bytes(scope.definitions.out.span());
}

void Assembler::declarator() {
  if (c_.take_open("type")) {
    type();
    c_.expect_close();
  } else if (c_.take_open("alias")) {
    alias();
  } else if (c_.take_open("export")) {
    export_declarator();
    c_.expect_close();
  } else if (scope_->kind == ScopeKind::ComponentType && c_.take_open("import")) {
    import();
    c_.expect_close();
  } else if (c_.take_open("core")) {
    if (c_.take_keyword("rec")) {
      core_rec_group();
    } else {
      c_.expect_keyword("type");
      core_type();
    }
    c_.expect_close();
  } else {
    c_.unexpected("a declarator");
  }
}

// --- type definitions ---

// The right side of `(type $t …)`.
void Assembler::def_type(OptionalId id, Writer& out) {
  if (at_def_val_type()) {
    def_val_type(out);
    return;
  }
  if (c_.take_open("func")) {
    func_type(out);
  } else if (c_.take_open("resource")) {
    resource_type(out);
  } else if (c_.take_open("component")) {
    component_type(ScopeKind::ComponentType, id, out);
  } else if (c_.take_open("instance")) {
    component_type(ScopeKind::InstanceType, id, out);
  } else {
    c_.unexpected("a type");
  }
  c_.expect_close();
}

// Behind `(type`; afterwards before the `)`.
void Assembler::type() {
  const NewId id = take_new_id(Space::Type);
  const std::vector<Writer> exports = inline_exports();
  uint32_t index = 0;
  if (!inverted_alias(Space::Type, id, index)) {
    Writer out;
    def_type(id.id, out);
    index = define(Section::Type, out, Space::Type, id);
  }
  export_all(exports, Space::Type, index);
}

// --- uses of types ---

uint32_t Assembler::type_use(Space space) {
  if (at_type_use()) return ref(Space::Type);
  Writer out;
  if (space == Space::Func) {
    func_type(out);
  } else {
    component_type(space == Space::Component ? ScopeKind::ComponentType : ScopeKind::InstanceType, std::nullopt, out);
  }
  return define(Section::Type, out, Space::Type);
}

ExternTypeText Assembler::extern_type() {
  ExternTypeText type;
  const auto space = peek_space(false);
  if (!space || (is_core(*space) && *space != Space::CoreModule)) {
    c_.unexpected("the type of an import or export");
    return type;
  }
  type.space = *space;
  take_space(*space);
  type.id = take_new_id(*space);
  extern_type_body(*space, type.bytes);
  c_.expect_close();
  return type;
}

void Assembler::extern_type_body(Space space, Writer& out) {
  if (space == Space::CoreModule) {
    out.byte(0x00);
    out.byte(0x11);
    out.u32(module_type_use());
    return;
  }
  write_sort(space, out);
  if (space == Space::Type) {
    if (c_.take_open("eq")) {
      out.byte(0x00);
      out.u32(ref(Space::Type));
    } else if (c_.expect_open("sub") && c_.expect_keyword("resource")) {
      out.byte(0x01);
    }
    c_.expect_close();
  } else if (space == Space::Value) {
    const bool eq = c_.take_open("eq");
    out.byte(eq ? 0x00 : 0x01);
    if (eq) {
      out.u32(ref(Space::Value));
      c_.expect_close();
    } else {
      val_type(out);
    }
  } else {
    out.u32(type_use(space));
  }
}

}  // namespace wjit::component_text
