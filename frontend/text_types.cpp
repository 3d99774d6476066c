// The interface is frontend/text_types.h. Encodings are those of core specification 3.0, section 5.3.
#include "frontend/text_types.h"

#include <algorithm>
#include <bit>

#include "frontend/text_annotations.h"
#include "frontend/text_numbers.h"

namespace wjit {
namespace {

struct NamedType {
  std::string_view text;
  int code;  // as s33
};

// Abstract heap types, and the abbreviations for nullable references to them.
constexpr NamedType kHeapTypes[] = {
    {"func", heap::Func},     {"extern", heap::Extern}, {"any", heap::Any},           {"eq", heap::Eq},
    {"i31", heap::I31},       {"struct", heap::Struct}, {"array", heap::Array},       {"none", heap::None},
    {"nofunc", heap::NoFunc}, {"exn", heap::Exn},       {"noextern", heap::NoExtern}, {"noexn", heap::NoExn},
};
constexpr NamedType kRefAbbreviations[] = {
    {"funcref", heap::Func},
    {"externref", heap::Extern},
    {"anyref", heap::Any},
    {"eqref", heap::Eq},
    {"i31ref", heap::I31},
    {"structref", heap::Struct},
    {"arrayref", heap::Array},
    {"nullref", heap::None},
    {"nullfuncref", heap::NoFunc},
    {"exnref", heap::Exn},
    {"nullexternref", heap::NoExtern},
    {"nullexnref", heap::NoExn},
};
constexpr NamedType kNumberTypes[] = {
    {"i32", -0x01}, {"i64", -0x02}, {"f32", -0x03}, {"f64", -0x04}, {"v128", -0x05},
};
constexpr NamedType kPackedTypes[] = {{"i8", -0x08}, {"i16", -0x09}};

template <size_t N>
const NamedType* find(const NamedType (&table)[N], const Cursor& c) {
  if (!c.at(TokenKind::Keyword)) return nullptr;
  auto it = std::ranges::find(table, c.spelling(), &NamedType::text);
  return it == std::end(table) ? nullptr : it;
}

bool take_code(Cursor& c, const NamedType* found, Writer& out) {
  if (found == nullptr) return false;
  out.s33(found->code);
  c.advance();
  return true;
}

// Fails because a `what` should stand here; says so when it is a form of a proposal.
void no_type(Cursor& c, std::string_view what) {
  for (std::string_view form : {"exact", "descriptor", "describes", "shared", "cont"}) {
    if (c.at_open(form)) c.fail(fmt::format("types with ({} …)", form), InputFault::Unsupported);
  }
  c.unexpected(what);
}

void assemble_storage_type(Cursor& c, const IndexSpace& types, Writer& out) {
  if (!take_code(c, find(kPackedTypes, c), out)) assemble_val_type(c, types, out);
}

void assemble_field_type(Cursor& c, const IndexSpace& types, Writer& out) {
  if (c.take_open("mut")) {
    assemble_storage_type(c, types, out);
    c.expect_close();
    out.byte(1);
  } else {
    assemble_storage_type(c, types, out);
    out.byte(0);
  }
}

// `(field $id? type)` or `(field type*)`, repeated.
void assemble_struct_fields(Cursor& c, const IndexSpace& types, Writer& out, FieldNames* fields) {
  Writer encoded;
  uint32_t count = 0;
  auto add = [&](std::optional<std::string_view> id) {
    assemble_field_type(c, types, encoded);
    if (fields != nullptr) fields->names.push_back(id);
    ++count;
  };
  IndexSpace ids("field");
  NameMap unused;
  while (c.take_open("field")) {
    if (auto id = take_named_id(c, fields != nullptr ? fields->name_map : unused, count)) {
      ids.add(c, id);
      add(id);
    } else {
      while (!c.at_end()) add(std::nullopt);
    }
    c.expect_close();
  }
  out.u32(count);
  out.bytes(encoded.span());
}

// `(param …)*` or `(result …)*` as vec(valtype).
void assemble_val_types(Cursor& c, const IndexSpace& types, std::string_view keyword, Writer& out, ParamNames* names,
                        bool allow_names) {
  Writer encoded;
  uint32_t count = 0;
  auto add = [&](std::optional<std::string_view> id) {
    assemble_val_type(c, types, encoded);
    if (names != nullptr) names->names.push_back(id);
    ++count;
  };
  while (c.take_open(keyword)) {
    if (allow_names && c.at_id()) {
      NameMap unused;
      add(take_named_id(c, names != nullptr ? names->name_map : unused, count));
    } else {
      while (!c.at_end()) add(std::nullopt);
    }
    c.expect_close();
  }
  out.u32(count);
  out.bytes(encoded.span());
}

// The `i32` or `i64` in front of limits.
bool take_address_type(Cursor& c) {
  if (c.take_keyword("i64")) return true;
  c.take_keyword("i32");
  return false;
}

}  // namespace

bool at_val_type(const Cursor& c) {
  return c.at_open("ref") || find(kNumberTypes, c) != nullptr || find(kRefAbbreviations, c) != nullptr;
}

int64_t parse_heap_type(Cursor& c, const IndexSpace& types) {
  if (const NamedType* found = find(kHeapTypes, c)) {
    c.advance();
    return found->code;
  }
  if (!c.at_index()) {
    no_type(c, "a heap type");
    return heap::Any;
  }
  return types.parse_index(c);
}

RefTypeText parse_ref_type(Cursor& c, const IndexSpace& types) {
  if (const NamedType* found = find(kRefAbbreviations, c)) {
    c.advance();
    return {.nullable = true, .heap = found->code};
  }
  RefTypeText type{.heap = heap::Any};
  if (!c.take_open("ref")) {
    c.unexpected("a reference type");
    return type;
  }
  type.nullable = c.take_keyword("null");
  type.heap = parse_heap_type(c, types);
  c.expect_close();
  return type;
}

void assemble_val_type(Cursor& c, const IndexSpace& types, Writer& out) {
  if (take_code(c, find(kNumberTypes, c), out)) return;
  if (!c.at_open("ref") && find(kRefAbbreviations, c) == nullptr) {
    c.unexpected("a value type");
    return;
  }
  RefTypeText type = parse_ref_type(c, types);
  // Nullable references to abstract heap types have a short form: the heap type alone.
  if (!type.nullable || type.heap >= 0) out.byte(type.nullable ? 0x63 : 0x64);
  out.s33(type.heap);
}

void assemble_func_type(Cursor& c, const IndexSpace& types, Writer& out, ParamNames* params, bool allow_names) {
  out.byte(0x60);
  assemble_val_types(c, types, "param", out, params, allow_names);
  assemble_val_types(c, types, "result", out, nullptr, false);
}

void assemble_comp_type(Cursor& c, const IndexSpace& types, Writer& out, FieldNames* fields) {
  if (c.take_open("func")) {
    ParamNames params;
    assemble_func_type(c, types, out, &params);
    IndexSpace ids("parameter");
    for (const auto& name : params.names) ids.add(c, name);
  } else if (c.take_open("struct")) {
    out.byte(0x5F);
    assemble_struct_fields(c, types, out, fields);
  } else if (c.take_open("array")) {
    out.byte(0x5E);
    assemble_field_type(c, types, out);
  } else {
    no_type(c, "a type definition");
    return;
  }
  c.expect_close();
}

void assemble_sub_type(Cursor& c, const IndexSpace& types, Writer& out, FieldNames* fields) {
  if (!c.take_open("sub")) return assemble_comp_type(c, types, out, fields);
  bool is_final = c.take_keyword("final");
  Writer supertypes;
  uint32_t count = 0;
  for (; c.at_index(); ++count) supertypes.u32(types.parse_index(c));
  // A final type without supertypes is the plain comptype.
  if (!is_final || count != 0) {
    out.byte(is_final ? 0x4F : 0x50);
    out.u32(count);
    out.bytes(supertypes.span());
  }
  assemble_comp_type(c, types, out, fields);
  c.expect_close();
}

Limits parse_limits(Cursor& c) {
  Limits limits;
  limits.is_64 = take_address_type(c);
  limits.min = parse_u64(c);
  if (c.at(TokenKind::Number)) limits.max = parse_u64(c);
  return limits;
}

void write_limits(const Limits& limits, uint8_t extra_flags, Writer& out) {
  auto flags = static_cast<uint8_t>(extra_flags | (limits.max ? 1 : 0) | (limits.is_64 ? 4 : 0));
  out.byte(flags);
  out.u64(limits.min);
  if (limits.max) out.u64(*limits.max);
}

void assemble_memory_type(Cursor& c, Writer& out) {
  Limits limits = parse_limits(c);
  uint8_t flags = 0;
  if (c.take_keyword("shared")) flags |= 2;
  std::optional<uint32_t> page_size_log2 = parse_page_size(c);
  if (page_size_log2) flags |= 8;
  write_limits(limits, flags, out);
  if (page_size_log2) out.u32(*page_size_log2);
}

std::optional<uint32_t> parse_page_size(Cursor& c) {
  if (!c.take_open("pagesize")) return std::nullopt;
  const Token& token = c.peek();
  uint32_t size = parse_u32(c);
  if (!std::has_single_bit(size)) c.fail_at(token, "invalid custom page size: not a power of two");
  c.expect_close();
  return static_cast<uint32_t>(std::bit_width(size) - 1);
}

void assemble_table_type(Cursor& c, const IndexSpace& types, Writer& out) {
  Limits limits = parse_limits(c);
  // In the binary format the element type comes first.
  assemble_ref_type(c, types, out);
  write_limits(limits, 0, out);
}

void assemble_ref_type(Cursor& c, const IndexSpace& types, Writer& out) {
  if (!c.at_open("ref") && find(kRefAbbreviations, c) == nullptr) {
    c.unexpected("a reference type");
    return;
  }
  assemble_val_type(c, types, out);
}

void assemble_global_type(Cursor& c, const IndexSpace& types, Writer& out) {
  if (c.take_open("mut")) {
    assemble_val_type(c, types, out);
    c.expect_close();
    out.byte(1);
  } else {
    assemble_val_type(c, types, out);
    out.byte(0);
  }
}

TypeUseText parse_type_use(Cursor& c, const IndexSpace& types, bool allow_names) {
  TypeUseText use;
  use.at = c.position();
  if (c.take_open("type")) {
    use.index_width = leb_width(c, 5);
    use.index = types.parse_index(c);
    c.expect_close();
  }
  Writer out;
  assemble_func_type(c, types, out, &use.params, allow_names);
  use.inline_type = out.take();
  use.has_inline = use.inline_type != Bytes{0x60, 0, 0};
  return use;
}

}  // namespace wjit
