// One core module being assembled: the state that both passes over its fields share. Internal to text_module.cpp,
// text_fields.cpp and text_segments.cpp; the interface for others is frontend/text_module.h.
//
// A module is read twice. collect() gives every field its index and binds its id, skipping what is inside; then the
// types are encoded, and assemble_field() encodes the fields in the order of the text, each into the section that it
// belongs to. Sections are put together at the end, because instructions still add types (TypeTable::resolve).
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "frontend/binary_writer.h"
#include "frontend/name_section.h"
#include "frontend/text_annotations.h"
#include "frontend/text_context.h"
#include "frontend/text_cursor.h"
#include "frontend/text_instructions.h"
#include "frontend/types.h"

namespace wjit {

// A section that is a vector.
struct SectionText {
  uint32_t count = 0;
  Writer entries;
  Writer& add() {
    ++count;
    return entries;
  }
};

class ModuleAssembler {
 public:
  // The fields up to the `)` or the end of the text; `name` is for the name section.
  Parsed<Bytes> run(Cursor& c, std::optional<std::string> name);

 private:
  // text_module.cpp: the first pass, and the end.
  void collect(Cursor& c);
  void collect_external(Cursor& c, IndexSpace& space);
  void collect_inline_segment(Cursor& c, IndexSpace& space);
  void collect_import(Cursor& c);
  IndexSpace* space_of(std::string_view keyword);
  std::string import_too_late() const {
    return fmt::format("import after {}", first_definition_ == "func" ? "function" : first_definition_);
  }

  void take_annotations(Cursor& c);
  void assemble_field(Cursor& c);
  Bytes binary();
  void put_customs(CustomText::Place place, std::string_view section, Writer& out) const;

  // text_fields.cpp: the second pass.
  void assemble_import(Cursor& c);
  void external_type(Cursor& c, ExternKind kind, Writer& out);
  uint32_t type_use(Cursor& c);
  void inline_exports(Cursor& c, ExternKind kind, uint32_t index);
  bool inline_import(Cursor& c, ExternKind kind);
  void assemble_func(Cursor& c);
  void assemble_locals(Cursor& c, NameMap& names, Writer& out);
  NameMap& extern_names(ExternKind kind);
  void assemble_global(Cursor& c);
  void assemble_tag(Cursor& c);
  void assemble_export(Cursor& c);
  void assemble_start(Cursor& c);

  // text_segments.cpp: tables, memories and what fills them.
  void assemble_table(Cursor& c);
  void inline_elem(Cursor& c, uint32_t table, bool is_64, std::span<const uint8_t> type, Writer& table_out);
  void assemble_memory(Cursor& c);
  void assemble_elem(Cursor& c);
  void assemble_data(Cursor& c);
  void offset(Cursor& c, Writer& out);
  uint32_t function_indices(Cursor& c, Writer& out);
  void element_expression(Cursor& c, Writer& out);
  std::string data_strings(Cursor& c);

  ModuleContext context_;
  InstructionAssembler instructions_{context_};
  std::vector<uint32_t> type_fields_;  // token positions of (type …) and (rec …)
  std::string_view first_definition_;  // keyword of the first func, table, … that is no import

  // Next index of each kind in the second pass.
  uint32_t next_[5] = {};
  SectionText imports_, functions_, tables_, memories_, tags_, globals_, exports_, elems_, codes_, datas_;
  std::optional<uint32_t> start_;

  ModuleNames names_;
  std::vector<CustomText> customs_;
  std::set<std::string, std::less<>> wanted_sections_;  // (@section …)
};

}  // namespace wjit
