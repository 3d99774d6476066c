// The identifier context of one core module that is being assembled: its index spaces, its types, and what the
// instructions ask of the module (implicit types, a data count section). text_module.cpp fills it,
// text_instructions.cpp reads it. Core specification 3.0, sections 6.1 (identifier contexts) and 6.4 (type uses).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "frontend/binary_writer.h"
#include "frontend/name_section.h"
#include "frontend/text_cursor.h"
#include "frontend/text_types.h"

namespace wjit {

// The types of a module in the order of their indices: the written ones first, then those that type uses without
// `(type x)` add at the end, in the order in which they are met.
class TypeTable {
 public:
  // Ids and number of the written types; filled before any add_….
  IndexSpace ids{"type"};

  // `(type $id? subtype)` and `(rec (type …)*)`; the cursor stands at the `(`.
  void add_type(Cursor& c);
  void add_rec(Cursor& c);

  // The index that a type use means. Adds a type when none of the existing ones matches.
  uint32_t resolve(Cursor& c, const TypeUseText& use);
  // The number of parameters of a function type; 0 when `type` is not one (the validator will say so).
  uint32_t param_count(uint32_t type) const;
  // A field index, `$name` or number, of struct type `type`.
  uint32_t parse_field(Cursor& c, uint32_t type) const;
  // Appends the type section.
  void write_section(Writer& out, bool even_empty) const { out.vector_section(1, groups_, section_, even_empty); }
  // Of types and fields, for the name section.
  NameMap names;
  IndirectNameMap field_names;

 private:
  struct Definition {
    Bytes func;                                             // its functype, when it is one
    std::unordered_map<std::string_view, uint32_t> fields;  // of a struct
  };
  // Parses `$id? subtype )` behind `(type`.
  void add_definition(Cursor& c, Writer& out, bool alone);
  static std::string key(const Bytes& func) { return {func.begin(), func.end()}; }

  std::vector<Definition> definitions_;
  std::unordered_map<std::string, uint32_t>
      func_types_;  // by encoding; final, without supertypes, alone in their group
  Writer section_;
  uint32_t groups_ = 0;
};

struct ModuleContext {
  TypeTable types;
  IndexSpace funcs{"func"};
  IndexSpace tables{"table"};
  IndexSpace memories{"memory"};
  IndexSpace globals{"global"};
  IndexSpace tags{"tag"};
  IndexSpace elems{"elem"};
  IndexSpace datas{"data"};
  // Of the function that is being assembled; empty in constant expressions.
  IndexSpace locals{"local"};
  // Of the blocks of the function that is being assembled, for the name section.
  NameMap label_names;
  uint32_t label_count = 0;
  // Set when an instruction names a data segment: the binary format then wants a data count section.
  bool needs_data_count = false;
};

}  // namespace wjit
