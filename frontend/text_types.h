// Core types, text -> binary: value types, heap types, function, struct and array types, limits and the types of
// tables, memories and globals. Each function takes its part of the text from the cursor and appends the encoding to a
// Writer; ids are looked up in `types`. Also used for the core types of components. Core specification 3.0,
// sections 6.4 (text) and 5.3 (binary). Test: test/unit/text_test.cpp.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "frontend/binary_writer.h"
#include "frontend/name_section.h"
#include "frontend/text_cursor.h"
#include "frontend/types.h"

namespace wjit {

// `i32`, `funcref`, `(ref null $t)`, …
bool at_val_type(const Cursor& c);
void assemble_val_type(Cursor& c, const IndexSpace& types, Writer& out);
// A reference type taken apart, for instructions that need its pieces; `heap` is the s33 encoding.
struct RefTypeText {
  bool nullable = false;
  int64_t heap = 0;
};
RefTypeText parse_ref_type(Cursor& c, const IndexSpace& types);
// `func`, `any`, `$t`, `7`: the s33 encoding.
int64_t parse_heap_type(Cursor& c, const IndexSpace& types);
// A value type that must be a reference type.
void assemble_ref_type(Cursor& c, const IndexSpace& types, Writer& out);

// Ids that a type binds; only what the caller asks for is kept.
struct ParamNames {
  std::vector<std::optional<std::string_view>> names;  // one for each parameter
  NameMap name_map;                                    // for the name section
};
struct FieldNames {
  std::vector<std::optional<std::string_view>> names;  // one for each field of a struct
  NameMap name_map;
};

// `(param …)* (result …)*`, as it stands inside `(func …)`: appends 0x60 vec(valtype) vec(valtype).
// `params`, when given, receives the parameters' ids; ids are refused when `allow_names` is false.
void assemble_func_type(Cursor& c, const IndexSpace& types, Writer& out, ParamNames* params = nullptr,
                        bool allow_names = true);

// `(func …)`, `(struct …)`, `(array …)`, with the parentheses: a comptype.
void assemble_comp_type(Cursor& c, const IndexSpace& types, Writer& out, FieldNames* fields = nullptr);
// `(sub final? typeidx* comptype)` or a comptype: a subtype.
void assemble_sub_type(Cursor& c, const IndexSpace& types, Writer& out, FieldNames* fields = nullptr);

// `i64? min max? shared? (pagesize n)?` / `i64? min max? reftype` / `valtype` or `(mut valtype)`: the types of a
// memory, a table and a global, without parentheses around them.
void assemble_memory_type(Cursor& c, Writer& out);
void assemble_table_type(Cursor& c, const IndexSpace& types, Writer& out);
void assemble_global_type(Cursor& c, const IndexSpace& types, Writer& out);

// `i64? min max?`; written with the flags byte, to which `extra_flags` are or-ed.
Limits parse_limits(Cursor& c);
void write_limits(const Limits& limits, uint8_t extra_flags, Writer& out);
// `(pagesize n)`, when it is there: the logarithm of n, which must be a power of two.
std::optional<uint32_t> parse_page_size(Cursor& c);

// `(type x)? (param …)* (result …)*`. `index` is set when `(type x)` is there; `inline_type` has the encoding of the
// rest; `has_inline` says whether that has any parameters or results.
struct TypeUseText {
  std::optional<uint32_t> index;
  unsigned index_width = 0;  // (@leb n) in front of it
  bool has_inline = false;
  Bytes inline_type;
  ParamNames params;
  uint32_t at = 0;  // token position, for messages
};
TypeUseText parse_type_use(Cursor& c, const IndexSpace& types, bool allow_names = true);

}  // namespace wjit
