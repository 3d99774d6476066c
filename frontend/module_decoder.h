// The decoder of one module at work: what decode_module (frontend/decoder.h) needs between its first and last byte. One
// method a section, in the order in which sections come (chapter 5.5). Implemented in frontend/decoder.cpp and, for
// segments and custom sections, frontend/decoder_segments.cpp.
#pragma once

#include <optional>
#include <unordered_set>

#include "frontend/decoder_types.h"
#include "frontend/module.h"
#include "frontend/reader.h"
#include "frontend/validator.h"

namespace wjit {

enum class SectionId : uint8_t {
  Custom,
  Type,
  Import,
  Function,
  Table,
  Memory,
  Global,
  Export,
  Start,
  Element,
  Code,
  Data,
  DataCount,
  Tag
};

class ModuleDecoder {
 public:
  // Fills in `module`, whose bytes and range are set; errors go to `sink`.
  ModuleDecoder(Module& module, ErrorSink& sink)
      : module_(module), in_(*module.bytes, module.range, sink), validator_(module, in_) {}

  void decode();

 private:
  void read_preamble();
  void read_sections();
  void read_section(SectionId id, Reader& in);
  void read_types(Reader& in);
  void read_imports(Reader& in);
  void read_functions(Reader& in);
  void read_tables(Reader& in);
  void read_memories(Reader& in);
  void read_tags(Reader& in);
  void read_globals(Reader& in);
  void read_exports(Reader& in);
  void read_start(Reader& in);
  void read_elements(Reader& in);
  ElemSegment read_element(Reader& in);
  void read_data_count(Reader& in);
  void read_code(Reader& in);
  void read_datas(Reader& in);
  void read_custom(Reader& in);
  void read_names(ByteRange range);

  uint32_t type_count() const { return static_cast<uint32_t>(module_.types.size()); }
  size_t space_size(ExternKind kind) const;
  uint32_t read_function_type_index(Reader& in);

  Module& module_;
  Reader in_;
  Validator validator_;
  std::optional<uint32_t> data_count_;
  size_t code_count_ = 0;
};

}  // namespace wjit
