// Core types in components: `(core type …)` with function, struct and array types, recursion groups, and module types,
// which are lists of declarators with a type index space of their own.
//
// The types themselves are assembled by frontend/text_types.h, which looks ids up in one index space. So an id of an
// enclosing scope gets its outer alias, bound to the same id, before such a type is read.
// Interface: frontend/text_component_impl.h. Binary.md, core:deftype and core:moduledecl.
// Test: test/unit/text_component_test.cpp.
#include <algorithm>
#include <array>

#include "frontend/text_component_impl.h"
#include "frontend/text_types.h"

namespace wjit::component_text {

// Looks through the rest of the form that the cursor stands in for ids of core types: `(type $t)`, `(ref null $t)`,
// `(sub final $t …)`. Those unknown here and not in `own_ids` (which the form itself defines) are aliased.
void Assembler::alias_outer_core_types(std::span<const std::string_view> own_ids) {
  if (scope_->outer == nullptr) return;
  unsigned open = 0;
  for (uint32_t i = 0; c_.kind(i) != TokenKind::End; ++i) {
    if (c_.kind(i) == TokenKind::Open) ++open;
    if (c_.kind(i) == TokenKind::Close && open-- == 0) return;
    if (c_.kind(i) != TokenKind::Id || i == 0 || c_.kind(i - 1) != TokenKind::Keyword) continue;
    const std::string_view before = c_.spelling(i - 1);
    const bool type_use = before == "type" && c_.kind(i + 1) == TokenKind::Close;
    if (!type_use && before != "ref" && before != "null" && before != "sub" && before != "final") continue;
    const std::string_view id = c_.list().id_name(c_.peek(i));
    IndexSpace& types = scope_->space(Space::CoreType);
    if (types.find(id) || std::ranges::find(own_ids, id) != own_ids.end()) continue;
    uint32_t count = 0;
    const auto outer = find_outer(Space::CoreType, id, count);
    if (outer) scope_->space(Space::CoreType).bind(c_, id, alias_outer(Space::CoreType, count, *outer));
  }
}

// Behind `(core type`, or behind `(type` in a module type; afterwards before the `)`.
void Assembler::core_type() {
  const NewId id = take_new_id(Space::CoreType);
  uint32_t index = 0;
  if (scope_->kind != ScopeKind::ModuleType && c_.take_open("module")) {
    Writer out;
    module_type(out);
    c_.expect_close();
    define(Section::CoreType, out, Space::CoreType, id);
    return;
  }
  if (inverted_alias(Space::CoreType, id, index)) return;
  const std::array<std::string_view, 1> own = {id.id.value_or("")};
  alias_outer_core_types(id.id ? std::span(own) : std::span<const std::string_view>());
  index = define(Space::CoreType, id);
  Writer type;
  assemble_sub_type(c_, scope_->space(Space::CoreType), type);
  if (c_.failed()) return;
  Writer out;
  if (type.get()[0] == 0x50) out.byte(0x00);  // tells `sub` from a module type
  out.bytes(type.span());
  scope_->definitions.append(Section::CoreType, out);
  if (type.get()[0] == 0x60) scope_->core_func_types.emplace(type.get(), index);
}

// Behind `(core rec` or `(rec`; afterwards before the `)`.
void Assembler::core_rec_group() {
  std::vector<std::string_view> own;
  const uint32_t begin = c_.position();
  while (c_.at_open()) {
    if (c_.kind(2) == TokenKind::Id) own.push_back(c_.list().id_name(c_.peek(2)));
    c_.skip_form();
  }
  c_.restore(begin);
  alias_outer_core_types(own);
  uint32_t count = 0;
  for (; c_.at_open(); ++count) {
    c_.expect_open("type");
    define(Space::CoreType, take_new_id(Space::CoreType));
    while (!c_.at_end()) c_.skip_form();
    c_.expect_close();
  }
  c_.restore(begin);
  Writer out;
  out.byte(0x4E);
  out.u32(count);
  while (c_.take_open("type")) {
    c_.take_id();
    assemble_sub_type(c_, scope_->space(Space::CoreType), out);
    c_.expect_close();
  }
  scope_->definitions.append(Section::CoreType, out);
}

// Declarators up to the `)`.
void Assembler::module_type(Writer& out) {
  const Nesting nesting(*this);
  Scope scope(ScopeKind::ModuleType, std::nullopt, scope_);
  const Inside inside(*this, scope);
  while (c_.at_open()) module_declarator();
  out.byte(0x50);
  out.u32(scope.definitions.count());
  out.bytes(scope.definitions.out.span());
}

void Assembler::module_declarator() {
  Writer out;
  if (c_.take_open("type")) {
    core_type();
  } else if (c_.take_open("rec")) {
    core_rec_group();
  } else if (c_.take_open("alias")) {
    return alias();
  } else if (c_.take_open("import")) {
    out.name(c_.expect_name());
    out.name(c_.expect_name());
    core_extern_type(out);
    scope_->definitions.append(Section::Import, out);
  } else if (c_.take_open("export")) {
    out.name(c_.expect_name());
    core_extern_type(out);
    scope_->definitions.append(Section::Export, out);
  } else {
    c_.unexpected("a module declarator");
  }
  c_.expect_close();
}

// `(func $id? (type x)? …)`, `(memory $id? 1)`, …: core:externtype. Ids are allowed and bind nothing.
void Assembler::core_extern_type(Writer& out) {
  const auto space = peek_space(true);
  if (!space || !is_core_export(*space)) {
    c_.unexpected("a core external type");
    return;
  }
  take_space(*space);
  c_.take_id();
  alias_outer_core_types({});
  const IndexSpace& types = scope_->space(Space::CoreType);
  write_core_sort(*space, out);
  switch (*space) {
    case Space::CoreFunc: out.u32(core_type_use()); break;
    case Space::CoreTable: assemble_table_type(c_, types, out); break;
    case Space::CoreMemory: assemble_memory_type(c_, out); break;
    case Space::CoreGlobal: assemble_global_type(c_, types, out); break;
    default: out.byte(0x00); out.u32(core_type_use());
  }
  c_.expect_close();
}

uint32_t Assembler::core_type_use() {
  const TypeUseText use = parse_type_use(c_, scope_->space(Space::CoreType));
  if (use.index) return *use.index;
  const auto known = scope_->core_func_types.find(use.inline_type);
  if (known != scope_->core_func_types.end()) return known->second;
  Writer type;
  type.bytes(use.inline_type);
  const uint32_t index = define(Section::CoreType, type, Space::CoreType);
  scope_->core_func_types.emplace(use.inline_type, index);
  return index;
}

uint32_t Assembler::module_type_use() {
  if (at_type_use()) {
    c_.expect_open("type");
    const uint32_t index = index_or_alias(Space::CoreType);
    c_.expect_close();
    return index;
  }
  Writer type;
  module_type(type);
  return define(Section::CoreType, type, Space::CoreType);
}

}  // namespace wjit::component_text
