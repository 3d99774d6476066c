// The types of a module in text form: written ones and those that type uses imply. The interface is
// frontend/text_context.h.
#include "frontend/text_context.h"

#include <algorithm>

#include "frontend/text_annotations.h"

namespace wjit {
namespace {

// The unsigned LEB128 number at `at`, of an encoding that was just written.
uint32_t read_u32(std::span<const uint8_t> bytes, size_t& at) {
  uint32_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    uint8_t b = bytes[at++];
    value |= static_cast<uint32_t>(b & 0x7F) << shift;
    if (b < 0x80) return value;
  }
}

// The functype in an encoded subtype, empty when it is a struct or an array.
Bytes func_type_of(std::span<const uint8_t> subtype) {
  size_t at = 0;
  if (subtype[0] == 0x4F || subtype[0] == 0x50) {
    ++at;
    for (uint32_t supertypes = read_u32(subtype, at); supertypes != 0; --supertypes) read_u32(subtype, at);
  }
  if (at >= subtype.size() || subtype[at] != 0x60) return {};
  return Bytes(subtype.begin() + static_cast<ptrdiff_t>(at), subtype.end());
}

}  // namespace

void TypeTable::add_definition(Cursor& c, Writer& out, bool alone) {
  const auto index = static_cast<uint32_t>(definitions_.size());
  take_named_id(c, names, index);
  Writer encoded;
  FieldNames fields;
  assemble_sub_type(c, ids, encoded, &fields);
  c.expect_close();
  if (c.failed()) return;
  out.bytes(encoded.span());
  Definition definition;
  definition.func = func_type_of(encoded.span());
  for (uint32_t i = 0; i < fields.names.size(); ++i) {
    if (fields.names[i]) definition.fields.emplace(*fields.names[i], i);
  }
  if (!fields.name_map.empty()) field_names.emplace_back(index, std::move(fields.name_map));
  bool is_plain = encoded.span()[0] == 0x60;
  if (alone && is_plain) func_types_.emplace(key(definition.func), static_cast<uint32_t>(definitions_.size()));
  definitions_.push_back(std::move(definition));
}

void TypeTable::add_type(Cursor& c) {
  c.expect_open("type");
  add_definition(c, section_, true);
  ++groups_;
}

void TypeTable::add_rec(Cursor& c) {
  c.expect_open("rec");
  Writer group;
  uint32_t count = 0;
  // Type uses may mean the type of a group of one.
  uint32_t first = c.position();
  for (; c.at_open("type"); ++count) c.skip_form();
  c.restore(first);
  while (c.take_open("type")) add_definition(c, group, count == 1);
  c.expect_close();
  section_.byte(0x4E);
  section_.u32(count);
  section_.bytes(group.span());
  ++groups_;
}

uint32_t TypeTable::resolve(Cursor& c, const TypeUseText& use) {
  if (use.index) {
    if (use.has_inline && (*use.index >= definitions_.size() || definitions_[*use.index].func != use.inline_type)) {
      c.fail_at(c.list().tokens[use.at], "inline function type does not match the type it names");
    }
    return *use.index;
  }
  auto next = static_cast<uint32_t>(definitions_.size());
  auto [it, added] = func_types_.emplace(key(use.inline_type), next);
  if (added) {
    section_.bytes(use.inline_type);
    ++groups_;
    definitions_.push_back(Definition{.func = use.inline_type, .fields = {}});
  }
  return it->second;
}

uint32_t TypeTable::param_count(uint32_t type) const {
  if (type >= definitions_.size() || definitions_[type].func.empty()) return 0;
  size_t at = 1;
  return read_u32(definitions_[type].func, at);
}

uint32_t TypeTable::parse_field(Cursor& c, uint32_t type) const {
  IndexSpace none("field");
  if (!c.at_id() || type >= definitions_.size()) return none.parse_index(c);
  const auto& fields = definitions_[type].fields;
  auto it = fields.find(c.list().id_name(c.peek()));
  if (it == fields.end()) return none.parse_index(c);
  c.advance();
  return it->second;
}

}  // namespace wjit
