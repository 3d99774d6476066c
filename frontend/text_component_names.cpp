// Names in the text of components: which sort a word means, ids -> indices, references, aliases that the text implies.
//
// A reference is `$id`, a number, or `(sort …)`; in the last form names may follow, each one an export of the instance
// before it: `(func $i "a" "f")`. That makes the aliases and gives the index of the last one. An id unknown in its
// scope is looked for in the enclosing ones; found there, an outer alias is made (once a scope). Interface:
// frontend/text_component_impl.h. Explainer.md, "Index Spaces", "Alias Definitions". Test:
// test/unit/text_component_test.cpp.
#include <fmt/format.h>

#include <algorithm>

#include "frontend/text_component_impl.h"
#include "frontend/text_numbers.h"

namespace wjit::component_text {

// What `(func`, `(core func`, … at the cursor mean; nullopt when it is no sort.
std::optional<Space> Assembler::peek_space(bool in_core) const {
  if (!c_.at_open()) return std::nullopt;
  const bool has_core = c_.kind(1) == TokenKind::Keyword && c_.spelling(1) == "core";
  const uint32_t ahead = has_core ? 2 : 1;
  if (c_.kind(ahead) != TokenKind::Keyword) return std::nullopt;
  for (size_t i = 0; i < kSpaceCount; ++i) {
    const auto space = static_cast<Space>(i);
    if (is_core(space) == (has_core || in_core) && keyword(space) == c_.spelling(ahead)) return space;
  }
  return std::nullopt;
}

void Assembler::take_space(Space space) {
  c_.expect_open();
  if (is_core(space)) c_.take_keyword("core");
  c_.expect_keyword(keyword(space));
}

// --- ids and index spaces ---

NewId Assembler::take_new_id(Space space) {
  if (c_.at_id()) {
    const std::string_view id = c_.list().id_name(c_.peek());
    if (scope_->space(space).find(id)) c_.fail(fmt::format("duplicate {} identifier ${}", words(space), id));
  }
  NameMap name;
  const auto id = take_named_id(c_, name, 0);
  return {id, name.empty() ? std::nullopt : std::optional(std::move(name[0].second))};
}

uint32_t Assembler::define(Space space, const NewId& id) {
  const uint32_t index = scope_->space(space).add(c_, id.id);
  if (id.display) scope_->names[static_cast<size_t>(space)].emplace_back(index, *id.display);
  return index;
}

uint32_t Assembler::define(Section section, const Writer& entry, Space space, const NewId& id) {
  scope_->definitions.append(section, entry);
  return define(space, id);
}

std::optional<uint32_t> Assembler::find_outer(Space space, std::string_view id, uint32_t& count) const {
  count = 1;
  for (Scope* scope = scope_->outer; scope != nullptr; scope = scope->outer, ++count) {
    if (const auto found = scope->space(space).find(id)) return found;
  }
  return std::nullopt;
}

uint32_t Assembler::named_index(Space space, std::string_view id) {
  if (const auto local = scope_->space(space).find(id)) return *local;
  const auto known = scope_->implicit_aliases.find({space, id});
  if (known != scope_->implicit_aliases.end()) return known->second;
  uint32_t count = 0;
  const auto outer = find_outer(space, id, count);
  if (!outer) {
    c_.fail(fmt::format("unknown {} ${}", words(space), id));
    return 0;
  }
  if (!is_outer_aliasable(space)) {
    c_.fail(fmt::format("outer item `{}` is not a module, type, or component", id));
    return 0;
  }
  const uint32_t index = alias_outer(space, count, *outer);
  scope_->implicit_aliases.emplace(std::pair(space, id), index);
  return index;
}

uint32_t Assembler::index(Space space) {
  if (c_.at(TokenKind::Number)) return parse_u32(c_);
  if (!c_.at_id()) {
    c_.unexpected(fmt::format("a {} index", words(space)));
    return 0;
  }
  const uint32_t index = named_index(space, c_.list().id_name(c_.peek()));
  c_.advance();
  return index;
}

// --- references ---

uint32_t Assembler::index_or_alias(Space space) {
  if (c_.kind(1) != TokenKind::String) return index(space);
  uint32_t instance = index(is_core_export(space) ? Space::CoreInstance : Space::Instance);
  while (c_.at_string()) {
    const std::string name = c_.expect_name();
    if (!c_.at_string()) return alias_export(space, instance, name);
    if (is_core_export(space)) break;  // core instances export no instances
    instance = alias_export(Space::Instance, instance, name);
  }
  c_.unexpected();
  return 0;
}

uint32_t Assembler::ref(Space space) {
  if (!c_.at_open()) return index(space);
  take_space(space);
  const uint32_t index = index_or_alias(space);
  c_.expect_close();
  return index;
}

void Assembler::sort_ref(bool in_core, Writer& out) {
  const auto space = peek_space(in_core);
  if (!space) {
    c_.unexpected("a definition's sort and index");
    return;
  }
  take_space(*space);
  const uint32_t index = index_or_alias(*space);
  c_.expect_close();
  if (in_core) {
    write_core_sort(*space, out);
  } else {
    write_sort(*space, out);
  }
  out.u32(index);
}

// --- aliases ---

uint32_t Assembler::alias_export(Space space, uint32_t instance, std::string_view name, const NewId& id) {
  Writer entry;
  write_sort(space, entry);
  entry.byte(is_core_export(space) ? 0x01 : 0x00);
  entry.u32(instance);
  entry.name(name);
  return define(Section::Alias, entry, space, id);
}

uint32_t Assembler::alias_outer(Space space, uint32_t count, uint32_t index, const NewId& id) {
  Writer entry;
  if (scope_->kind == ScopeKind::ModuleType) {
    write_core_sort(space, entry);
    entry.byte(0x01);
  } else {
    write_sort(space, entry);
    entry.byte(0x02);
  }
  entry.u32(count);
  entry.u32(index);
  return define(Section::Alias, entry, space, id);
}

Assembler::AliasTarget Assembler::alias_target() {
  AliasTarget target;
  if (c_.take_keyword("outer")) {
    target.kind = AliasTarget::Kind::Outer;
    target.outer = scope_;
    if (c_.at_id()) {
      const std::string_view id = c_.list().id_name(c_.peek());
      while (target.outer != nullptr && target.outer->id != id) {
        target.outer = target.outer->outer;
        ++target.count;
      }
      if (target.outer == nullptr) c_.fail(fmt::format("unknown component ${}", id));
      c_.advance();
    } else {
      target.count = parse_u32(c_);
      for (uint32_t i = 0; i < target.count && target.outer != nullptr; ++i) target.outer = target.outer->outer;
    }
    target.item_position = c_.position();
    if (!c_.at_index()) c_.unexpected("an index");
    c_.advance();
    return target;
  }
  const bool core = c_.take_keyword("core");
  target.kind = core ? AliasTarget::Kind::CoreExport : AliasTarget::Kind::Export;
  c_.expect_keyword("export");
  target.instance = index(core ? Space::CoreInstance : Space::Instance);
  target.name = c_.expect_name();
  return target;
}

uint32_t Assembler::make_alias(const AliasTarget& target, Space space, const NewId& id) {
  if (target.kind != AliasTarget::Kind::Outer) {
    if (is_core_export(space) != (target.kind == AliasTarget::Kind::CoreExport)) {
      c_.fail(fmt::format("an instance's export cannot be aliased as {}", words(space)));
      return 0;
    }
    return alias_export(space, target.instance, target.name, id);
  }
  const uint32_t back = c_.position();
  c_.restore(target.item_position);
  uint32_t item = 0;
  if (c_.at_id()) {
    const std::string_view name = c_.list().id_name(c_.peek());
    const auto found = target.outer == nullptr ? std::nullopt : target.outer->space(space).find(name);
    if (!found) c_.fail(fmt::format("unknown {} ${}", words(space), name));
    item = found.value_or(0);
  } else {
    item = parse_u32(c_);
  }
  c_.restore(back);
  if (!is_outer_aliasable(space)) {
    c_.fail(fmt::format("outer item of sort {} is not a module, type, or component", words(space)));
  }
  return alias_outer(space, target.count, item, id);
}

// `(alias export $i "x" (func $f?))`; the cursor stands behind `alias`, afterwards behind the last `)`.
void Assembler::alias() {
  const AliasTarget target = alias_target();
  const auto space = peek_space(scope_->kind == ScopeKind::ModuleType);
  if (!space) {
    c_.unexpected("a sort");
    return;
  }
  take_space(*space);
  const NewId id = take_new_id(*space);
  make_alias(target, *space, id);
  c_.expect_close();
  c_.expect_close();
}

// `(component (alias outer $C $t (type)))` is a component whose first definition is an alias: that one ends in a sort.
bool Assembler::inverted_alias(Space space, const NewId& id, uint32_t& index) {
  if (!c_.at_open("alias")) return false;
  const uint32_t end = c_.form_end();
  if (c_.failed() || c_.list().tokens[end - 2].kind == TokenKind::Close) return false;
  c_.take_open("alias");
  const AliasTarget target = alias_target();
  index = make_alias(target, space, id);
  c_.expect_close();
  return true;
}

}  // namespace wjit::component_text
