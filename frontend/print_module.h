// The printer of one core module at work, and what the component printer needs of it: types and limits as text.
// Internal to frontend/print*.cpp; the interface for others is frontend/print.h.
//
// Sections are printed as they come. The name section, which stands near the end, is looked for first; when the text is
// through it is known whether all its names became ids, and if not the section is printed as an annotation too.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/module_decoder.h"
#include "frontend/name_section.h"
#include "frontend/opcodes.h"
#include "frontend/print.h"
#include "frontend/print_names.h"
#include "frontend/reader.h"
#include "frontend/types.h"

namespace wjit::print {

// --- types; `types` has the ids of the types that they mention ---
std::string heap_type(HeapType type, const Ids& types);
std::string val_type(ValType type, const Ids& types);
std::string func_type(const FuncType& type, const Ids& types);  // " (param i32) (result i32)", "" for none
std::string limits(const Limits& limits);
std::string table_type(const TableType& type, const Ids& types);
std::string memory_type(const MemoryType& type);
std::string global_type(const GlobalType& type, const Ids& types);
// `(func …)`, `(sub final? $t (struct …))`.
std::string sub_type(const TypeDef& type, const Ids& types, const Ids& fields);

class ModulePrinter {
 public:
  // Prints `range` of `bytes`; errors go to `sink`.
  ModulePrinter(std::span<const uint8_t> bytes, ByteRange range, const PrintOptions& options, ErrorSink& sink,
                Lines& out)
      : bytes_(bytes), range_(range), options_(options), sink_(sink), out_(out) {}

  // `keyword` is "module", or "core module" inside a component. There, `head` has the id and number that the component
  // gives it, and `outer_name` the name that the id stands for.
  void print(std::string_view keyword, std::string_view head, std::optional<std::string_view> outer_name);

 private:
  // print_module.cpp
  void find_names();
  std::string module_head(std::string_view head, std::optional<std::string_view> outer_name);
  void section(SectionId id, Reader& in);
  void types(Reader& in);
  void imports(Reader& in);
  void functions(Reader& in);
  void tables(Reader& in);
  void memories(Reader& in);
  void tags(Reader& in);
  void globals(Reader& in);
  void exports(Reader& in);
  void elements(Reader& in);
  void code(Reader& in);
  void datas(Reader& in);
  void custom(Reader& in);
  std::string extern_type(Reader& in, ExternKind kind, uint32_t index);
  std::string define(Ids& ids, uint32_t index);
  Ids& ids(ExternKind kind) { return externs_[static_cast<size_t>(kind)]; }
  std::string type_use(uint32_t type);

  // print_instructions.cpp
  void body(Reader& in, uint32_t func);
  void instructions(Reader& in);
  std::string instruction(Reader& in, const OpcodeInfo*& row);
  std::string const_expr(Reader& in, std::string_view keyword);
  std::string immediates(Reader& in, const OpcodeInfo& row);
  std::string block(Reader& in, const OpcodeInfo& row);
  std::string block_type(Reader& in);
  std::string label(Reader& in);
  std::string memarg(Reader& in, const OpcodeInfo& row, bool has_lane);
  std::string float_text(uint64_t bits, unsigned width);

  // A number with, when it is longer than it needs to be, `(@leb n)` in front.
  struct Number {
    uint64_t value = 0;
    std::string annotation;
  };
  Number unsigned_number(Reader& in);
  std::string noted(size_t length, size_t minimal) const;
  std::string index(Reader& in, const Ids& ids);
  std::string explicit_index(Reader& in, const Ids& ids);

  std::span<const uint8_t> bytes_;
  ByteRange range_;
  const PrintOptions& options_;
  ErrorSink& sink_;
  Lines& out_;

  ModuleNames names_;
  bool has_names_ = false;       // names_ is the name section
  bool names_are_last_ = false;  // behind it are only custom sections
  size_t defined_names_ = 0;     // how many of them have been printed
  Ids externs_[5];               // by ExternKind
  Ids type_ids_, elem_ids_, data_ids_;
  std::vector<TypeDef> types_;
  std::vector<Ids> fields_;          // by type
  std::vector<uint32_t> functions_;  // types, imported ones first
  uint32_t counts_[5] = {};          // by ExternKind
  uint32_t elems_ = 0, datas_ = 0, bodies_ = 0;
  bool has_data_count_ = false, needs_data_count_ = false;
  std::string_view last_section_;  // keyword of the last section that is not custom
  bool behind_names_ = false;

  // Of the function that is being printed.
  Ids locals_, label_ids_;
  uint32_t next_label_ = 0;
  std::vector<std::string_view> labels_;  // ids of the open blocks, "" without; the outermost is the function
};

}  // namespace wjit::print
