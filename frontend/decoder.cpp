// How it works: one ModuleDecoder a module; read_sections meets the sections in their order and calls one function for
// each, which appends to the Module. Element and data segments and the name section are in
// frontend/decoder_segments.cpp.
#include "frontend/decoder.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "frontend/module_decoder.h"

namespace wjit {
namespace {

constexpr std::array<uint8_t, 4> kMagic = {0x00, 0x61, 0x73, 0x6D};
constexpr std::array<uint8_t, 4> kModuleVersion = {0x01, 0x00, 0x00, 0x00};
constexpr std::array<uint8_t, 2> kComponentLayer = {0x01, 0x00};

// The place of each section id in the order of sections (chapter 5.5.15); 0 for custom sections.
constexpr std::array<uint8_t, 14> kSectionOrder = [] {
  std::array<uint8_t, 14> order{};
  uint8_t place = 0;
  using enum SectionId;
  for (SectionId id :
       {Type, Import, Function, Table, Memory, Tag, Global, Export, Start, Element, DataCount, Code, Data}) {
    order[static_cast<size_t>(id)] = ++place;
  }
  return order;
}();

bool starts_with(std::span<const uint8_t> bytes, std::span<const uint8_t> prefix) {
  return bytes.size() >= prefix.size() && std::ranges::equal(bytes.first(prefix.size()), prefix);
}

}  // namespace

BinaryKind classify(std::span<const uint8_t> bytes) {
  if (!starts_with(bytes, kMagic)) return BinaryKind::NotWasm;
  if (starts_with(bytes.subspan(4), kModuleVersion)) return BinaryKind::Module;
  if (bytes.size() >= 8 && starts_with(bytes.subspan(6), kComponentLayer)) return BinaryKind::Component;
  return BinaryKind::NotWasm;
}

void ModuleDecoder::decode() {
  read_preamble();
  read_sections();
  if (!in_.ok()) return;
  if (code_count_ != module_.functions.size() - module_.imported_functions) {
    in_.malformed("function and code section have inconsistent lengths");
  } else if (data_count_ && *data_count_ != module_.datas.size()) {
    in_.malformed("data count and data section have inconsistent lengths");
  }
}

void ModuleDecoder::read_preamble() {
  const size_t at = in_.offset();
  const std::span<const uint8_t> head = module_.slice({in_.offset(), in_.end_offset()});
  if (head.size() < 4) return in_.malformed_at(at, "unexpected end");
  if (!starts_with(head, kMagic)) return in_.malformed_at(at, "magic header not detected");
  if (head.size() < 8) return in_.malformed_at(at + 4, "unexpected end");
  if (!starts_with(head.subspan(4), kModuleVersion)) return in_.malformed_at(at + 4, "unknown binary version");
  in_.take(8);
}

void ModuleDecoder::read_sections() {
  uint8_t place = 0;
  while (!in_.at_end()) {
    const size_t at = in_.offset();
    const uint8_t id = in_.byte();
    if (id >= kSectionOrder.size()) return in_.malformed_at(at, "malformed section id {}", id);
    const uint32_t size = in_.u32();
    if (size > in_.remaining()) return in_.malformed_at(at, "length out of bounds");
    Reader section = in_.sub(size);
    if (!in_.ok()) return;
    if (id != static_cast<uint8_t>(SectionId::Custom)) {
      if (kSectionOrder[id] <= place) {
        return in_.malformed_at(at, "unexpected content after last section: section {} is out of order", id);
      }
      place = kSectionOrder[id];
    }
    read_section(static_cast<SectionId>(id), section);
    if (!in_.ok()) return;
    section.expect_end();
  }
}

void ModuleDecoder::read_section(SectionId id, Reader& in) {
  // By now all functions that this section may mention are known, if any section mentions them.
  module_.function_is_referenced.resize(module_.functions.size());
  switch (id) {
    case SectionId::Custom: return read_custom(in);
    case SectionId::Type: return read_types(in);
    case SectionId::Import: return read_imports(in);
    case SectionId::Function: return read_functions(in);
    case SectionId::Table: return read_tables(in);
    case SectionId::Memory: return read_memories(in);
    case SectionId::Global: return read_globals(in);
    case SectionId::Export: return read_exports(in);
    case SectionId::Start: return read_start(in);
    case SectionId::Element: return read_elements(in);
    case SectionId::Code: return read_code(in);
    case SectionId::Data: return read_datas(in);
    case SectionId::DataCount: return read_data_count(in);
    case SectionId::Tag: return read_tags(in);
  }
}

void ModuleDecoder::read_types(Reader& in) {
  const uint32_t n = in.count(limit::kItems, "types");
  module_.types.reserve(n);
  for (uint32_t i = 0; i < n && in.ok(); ++i) read_rec_type(in, module_.types);
}

void ModuleDecoder::read_imports(Reader& in) {
  const uint32_t n = in.count(limit::kItems, "imports");
  module_.imports.reserve(n);
  for (uint32_t i = 0; i < n && in.ok(); ++i) {
    Import import;
    import.offset = in.offset();
    import.module = in.name();
    import.name = in.name();
    import.kind = read_extern_kind(in, "import");
    switch (import.kind) {
      case ExternKind::Func:
        import.index = static_cast<uint32_t>(module_.functions.size());
        module_.functions.push_back({.type = read_function_type_index(in), .body = {}, .locals = {}});
        break;
      case ExternKind::Table:
        import.index = static_cast<uint32_t>(module_.tables.size());
        module_.tables.push_back({.type = read_table_type(in, type_count()), .init = {}});
        break;
      case ExternKind::Memory:
        import.index = static_cast<uint32_t>(module_.memories.size());
        module_.memories.push_back({.type = read_memory_type(in)});
        break;
      case ExternKind::Global:
        import.index = static_cast<uint32_t>(module_.globals.size());
        module_.globals.push_back({.type = read_global_type(in, type_count()), .init = {}});
        break;
      case ExternKind::Tag:
        import.index = static_cast<uint32_t>(module_.tags.size());
        module_.tags.push_back(read_tag_type(in, module_.types));
        break;
    }
    module_.imports.push_back(std::move(import));
  }
  module_.imported_functions = static_cast<uint32_t>(module_.functions.size());
  module_.imported_tables = static_cast<uint32_t>(module_.tables.size());
  module_.imported_memories = static_cast<uint32_t>(module_.memories.size());
  module_.imported_globals = static_cast<uint32_t>(module_.globals.size());
  module_.imported_tags = static_cast<uint32_t>(module_.tags.size());
}

uint32_t ModuleDecoder::read_function_type_index(Reader& in) {
  const size_t at = in.offset();
  const uint32_t index = in.u32();
  if (!in.ok()) return 0;
  if (index >= module_.types.size()) {
    in.invalid_at(at, "unknown type {}", index);
  } else if (module_.types[index].kind != CompositeKind::Func) {
    in.invalid_at(at, "type mismatch: type {} is not a function type", index);
  }
  return index;
}

void ModuleDecoder::read_functions(Reader& in) {
  const uint32_t n = in.count(limit::kItems, "functions");
  module_.functions.reserve(module_.functions.size() + n);
  for (uint32_t i = 0; i < n && in.ok(); ++i) {
    module_.functions.push_back({.type = read_function_type_index(in), .body = {}, .locals = {}});
  }
}

void ModuleDecoder::read_tables(Reader& in) {
  constexpr uint8_t kWithInit = 0x40;
  const uint32_t n = in.count(limit::kTables, "tables");
  for (uint32_t i = 0; i < n && in.ok(); ++i) {
    const size_t at = in.offset();
    Table table;
    const bool has_init = in.peek() == kWithInit;
    if (has_init) {
      in.byte();
      if (in.byte() != 0) in.malformed_at(at + 1, "malformed table: zero byte expected");
    }
    table.type = read_table_type(in, type_count());
    if (has_init) {
      table.init = validator_.validate_const_expr(in, table.type.element);
    } else if (!is_defaultable(table.type.element)) {
      in.invalid_at(at, "type mismatch: a table of non-nullable references needs an initial value");
    }
    module_.tables.push_back(table);
  }
}

void ModuleDecoder::read_memories(Reader& in) {
  const uint32_t n = in.count(limit::kTables, "memories");
  for (uint32_t i = 0; i < n && in.ok(); ++i) module_.memories.push_back({.type = read_memory_type(in)});
}

void ModuleDecoder::read_tags(Reader& in) {
  const uint32_t n = in.count(limit::kTables, "tags");
  for (uint32_t i = 0; i < n && in.ok(); ++i) module_.tags.push_back(read_tag_type(in, module_.types));
}

void ModuleDecoder::read_globals(Reader& in) {
  const uint32_t n = in.count(limit::kItems, "globals");
  module_.globals.reserve(module_.globals.size() + n);
  for (uint32_t i = 0; i < n && in.ok(); ++i) {
    Global global;
    global.type = read_global_type(in, type_count());
    // An initial value may refer to earlier globals only: this one is not in `globals` yet.
    global.init = validator_.validate_const_expr(in, global.type.type);
    module_.globals.push_back(global);
  }
}

void ModuleDecoder::read_exports(Reader& in) {
  const uint32_t n = in.count(limit::kItems, "exports");
  module_.exports.reserve(n);
  std::unordered_set<std::string_view> names;
  for (uint32_t i = 0; i < n && in.ok(); ++i) {
    const size_t at = in.offset();
    const std::string_view name = in.name();
    const ExternKind kind = read_extern_kind(in, "export");
    const size_t index_at = in.offset();
    const uint32_t index = in.u32();
    if (!in.ok()) return;
    if (index >= space_size(kind)) return in.invalid_at(index_at, "unknown {} {}", wjit::name(kind), index);
    if (!names.insert(name).second) return in.invalid_at(at, "duplicate export name \"{}\"", name);
    if (kind == ExternKind::Func) module_.function_is_referenced[index] = true;
    module_.exports.push_back({.name = std::string(name), .kind = kind, .index = index});
  }
}

size_t ModuleDecoder::space_size(ExternKind kind) const {
  switch (kind) {
    case ExternKind::Func: return module_.functions.size();
    case ExternKind::Table: return module_.tables.size();
    case ExternKind::Memory: return module_.memories.size();
    case ExternKind::Global: return module_.globals.size();
    case ExternKind::Tag: return module_.tags.size();
  }
  return 0;
}

void ModuleDecoder::read_start(Reader& in) {
  const size_t at = in.offset();
  const uint32_t index = in.u32();
  if (!in.ok()) return;
  if (index >= module_.functions.size()) return in.invalid_at(at, "unknown function {}", index);
  const FuncType& type = module_.function_type(index);
  if (!type.params.empty() || !type.results.empty()) {
    return in.invalid_at(at, "start function must have neither parameters nor results");
  }
  module_.start = index;
}

void ModuleDecoder::read_data_count(Reader& in) {
  data_count_ = in.u32();
  validator_.set_data_count(*data_count_);
}

void ModuleDecoder::read_code(Reader& in) {
  const size_t at = in.offset();
  const uint32_t n = in.u32();
  const size_t defined = module_.functions.size() - module_.imported_functions;
  if (in.ok() && n != defined) {
    return in.malformed_at(at, "function and code section have inconsistent lengths: {} and {}", defined, n);
  }
  for (uint32_t i = 0; i < n && in.ok(); ++i) {
    const uint32_t size = in.u32();
    Reader entry = in.sub(size);
    if (!in.ok()) return;
    validator_.validate_function(entry, module_.functions[module_.imported_functions + i]);
  }
  code_count_ = n;
}

Parsed<std::shared_ptr<const Module>> decode_module(std::shared_ptr<const Bytes> bytes, ByteRange range) {
  CHECK(range.begin <= range.end && range.end <= bytes->size());
  auto module = std::make_shared<Module>();
  module->bytes = std::move(bytes);
  module->range = range;
  ErrorSink sink;
  ModuleDecoder(*module, sink).decode();
  if (!sink.ok()) return std::unexpected(sink.take());
  return module;
}

Parsed<std::shared_ptr<const Module>> decode_module(std::shared_ptr<const Bytes> bytes) {
  if (bytes->size() > UINT32_MAX) {
    return std::unexpected(InputError{.fault = InputFault::Unsupported, .message = "module larger than 4 GiB"});
  }
  const ByteRange all{0, static_cast<uint32_t>(bytes->size())};
  return decode_module(std::move(bytes), all);
}

}  // namespace wjit
