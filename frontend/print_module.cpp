// The sections of core modules as text. The class is in frontend/print_module.h.
#include "frontend/print_module.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "frontend/decoder_types.h"

namespace wjit::print {
namespace {

constexpr uint32_t kAnyType = UINT32_MAX;  // indices are not checked

// By SectionId: what `(before …)` and `(after …)` of a custom section call it.
constexpr std::string_view kSections[] = {"custom", "type",  "import", "func", "table", "memory",    "global",
                                          "export", "start", "elem",   "code", "data",  "datacount", "tag"};

const NameMap* find_map(const IndirectNameMap& maps, uint32_t index) {
  auto at = std::ranges::lower_bound(maps, index, {}, &std::pair<uint32_t, NameMap>::first);
  return at != maps.end() && at->first == index ? &at->second : nullptr;
}

std::string_view space_word(ExternKind kind) {
  constexpr std::string_view kWords[] = {"func", "table", "memory", "global", "tag"};
  return kWords[static_cast<size_t>(kind)];
}

}  // namespace

// --- types ---

std::string heap_type(HeapType type, const Ids& types) {
  switch (type) {
    case heap::Func: return "func";
    case heap::Extern: return "extern";
    case heap::Any: return "any";
    case heap::Eq: return "eq";
    case heap::I31: return "i31";
    case heap::Struct: return "struct";
    case heap::Array: return "array";
    case heap::None: return "none";
    case heap::NoFunc: return "nofunc";
    case heap::NoExtern: return "noextern";
    case heap::Exn: return "exn";
    case heap::NoExn: return "noexn";
    default: return types.ref(static_cast<uint32_t>(type));
  }
}

std::string val_type(ValType type, const Ids& types) {
  if (!type.is_ref()) return to_string(type);
  if (!type.nullable || type.heap >= 0) {
    return fmt::format("(ref {}{})", type.nullable ? "null " : "", heap_type(type.heap, types));
  }
  switch (type.heap) {
    case heap::None: return "nullref";
    case heap::NoFunc: return "nullfuncref";
    case heap::NoExtern: return "nullexternref";
    case heap::NoExn: return "nullexnref";
    default: return heap_type(type.heap, types) + "ref";
  }
}

std::string func_type(const FuncType& type, const Ids& types) {
  std::string out;
  const auto add = [&](const char* keyword, const std::vector<ValType>& list) {
    if (list.empty()) return;
    out += keyword;
    for (ValType each : list) out += " " + val_type(each, types);
    out += ")";
  };
  add(" (param", type.params);
  add(" (result", type.results);
  return out;
}

std::string limits(const Limits& limits) {
  std::string out = limits.is_64 ? "i64 " : "";
  out += std::to_string(limits.min);
  if (limits.max) out += " " + std::to_string(*limits.max);
  return out;
}

std::string table_type(const TableType& type, const Ids& types) {
  return limits(type.limits) + " " + val_type(type.element, types);
}

std::string memory_type(const MemoryType& type) {
  std::string out = limits(type.limits);
  if (type.shared) out += " shared";
  if (type.page_size_log2 != 16) out += fmt::format(" (pagesize {})", uint64_t{1} << (type.page_size_log2 & 63));
  return out;
}

std::string global_type(const GlobalType& type, const Ids& types) {
  const std::string value = val_type(type.type, types);
  return type.is_mutable ? fmt::format("(mut {})", value) : value;
}

std::string sub_type(const TypeDef& type, const Ids& types, const Ids& fields) {
  const auto field = [&](const FieldType& f) {
    std::string storage = f.packed == PackedType::I8    ? "i8"
                          : f.packed == PackedType::I16 ? "i16"
                                                        : val_type(f.type, types);
    return f.is_mutable ? fmt::format("(mut {})", storage) : storage;
  };
  std::string out;
  switch (type.kind) {
    case CompositeKind::Func: out = fmt::format("(func{})", func_type(type.func, types)); break;
    case CompositeKind::Struct:
      out = "(struct";
      for (uint32_t i = 0; i < type.fields.size(); ++i) {
        out += fmt::format(" (field {}{})", fields.definition(i), field(type.fields[i]));
      }
      out += ")";
      break;
    case CompositeKind::Array: out = fmt::format("(array {})", field(type.fields.at(0))); break;
  }
  if (type.is_final && !type.supertype) return out;
  return fmt::format("(sub {}{}{}{})", type.is_final ? "final " : "", type.supertype ? types.ref(*type.supertype) : "",
                     type.supertype ? " " : "", out);
}

// --- the module ---

void ModulePrinter::print(std::string_view keyword, std::string_view head, std::optional<std::string_view> outer_name) {
  find_names();
  Reader in(bytes_, range_, sink_);
  in.take(8);  // the preamble: who calls has looked at it
  out_.open(fmt::format("({}{}", keyword, module_head(head, outer_name)));
  while (sink_.ok() && !in.at_end()) {
    const size_t at = in.offset();
    const uint8_t id = in.byte();
    Reader content = in.sub(in.u32());
    if (!sink_.ok()) break;
    if (id >= std::size(kSections)) return in.malformed_at(at, "malformed section id {}", id);
    const bool is_empty = content.remaining() == 1 && content.peek() == 0;
    const bool is_vector =
        id != 0 && id != static_cast<uint8_t>(SectionId::Start) && id != static_cast<uint8_t>(SectionId::DataCount);
    if (is_empty && is_vector) out_.line(fmt::format("(@section {})", kSections[id]));
    section(static_cast<SectionId>(id), content);
    if (sink_.ok()) content.expect_end();
    if (id != 0) last_section_ = kSections[id];
  }
  if (sink_.ok() && bodies_ != functions_.size() - std::min<size_t>(functions_.size(), counts_[0])) {
    in.malformed("function and code section have inconsistent lengths");
  }
  if (has_data_count_ && !needs_data_count_) out_.line("(@section datacount)");
  out_.close();
}

// The last name section, when it can be read.
void ModulePrinter::find_names() {
  ErrorSink ignored;
  Reader in(bytes_, range_, ignored);
  in.take(8);
  while (ignored.ok() && !in.at_end()) {
    const uint8_t id = in.byte();
    Reader content = in.sub(in.u32());
    if (id != 0) names_are_last_ = false;
    if (id != 0 || !ignored.ok() || content.name() != "name") continue;
    names_are_last_ = true;
    const ByteRange range{content.offset(), content.end_offset()};
    if (!ignored.ok()) break;
    auto names = decode_names(bytes_.subspan(range.begin, range.end - range.begin));
    if (names) names_ = std::move(*names);
    has_names_ = names.has_value();
  }
  const NameMap* maps[] = {&names_.funcs, &names_.tables, &names_.memories, &names_.globals, &names_.tags};
  for (size_t i = 0; i < 5; ++i) externs_[i] = Ids(*maps[i], space_word(static_cast<ExternKind>(i)));
  type_ids_ = Ids(names_.types, "type");
  elem_ids_ = Ids(names_.elems, "elem");
  data_ids_ = Ids(names_.datas, "data");
}

// What stands behind the keyword: the component's id for the module and, where it differs, the module's own name.
std::string ModulePrinter::module_head(std::string_view head, std::optional<std::string_view> outer_name) {
  std::string out(head);
  const std::optional<std::string>& own = names_.module;
  if (head.empty()) {
    if (!own) return out;
    out = " " + Ids({{0, *own}}, "module").definition(0);
    out.pop_back();
    return out;
  }
  if (own == outer_name) return out;
  return out + (own ? fmt::format(" (@own-name {})", quote_name(*own)) : " (@own-name)");
}

void ModulePrinter::section(SectionId id, Reader& in) {
  switch (id) {
    case SectionId::Custom: return custom(in);
    case SectionId::Type: return types(in);
    case SectionId::Import: return imports(in);
    case SectionId::Function: return functions(in);
    case SectionId::Table: return tables(in);
    case SectionId::Memory: return memories(in);
    case SectionId::Global: return globals(in);
    case SectionId::Export: return exports(in);
    case SectionId::Start: return out_.line(fmt::format("(start {})", ids(ExternKind::Func).ref(in.u32())));
    case SectionId::Element: return elements(in);
    case SectionId::Code: return code(in);
    case SectionId::Data: return datas(in);
    case SectionId::DataCount:
      has_data_count_ = true;
      in.u32();
      return;
    case SectionId::Tag: return tags(in);
  }
}

// The head of a definition; its name counts as printed.
std::string ModulePrinter::define(Ids& ids, uint32_t index) {
  if (!ids.id(index).empty()) ++defined_names_;
  return definition_head(ids, index);
}

void ModulePrinter::types(Reader& in) {
  const uint32_t count = in.count(limit::kItems, "types");
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    constexpr uint8_t kRec = 0x4E;
    const bool is_group = in.peek() == kRec;
    const auto first = static_cast<uint32_t>(types_.size());
    read_rec_type(in, types_);
    if (!in.ok()) return;
    if (is_group) out_.open("(rec");
    for (uint32_t type = first; type < types_.size(); ++type) {
      const NameMap* names = find_map(names_.fields, type);
      fields_.push_back(names != nullptr ? Ids(*names, "field", static_cast<uint32_t>(types_[type].fields.size()))
                                         : Ids());
      defined_names_ += types_[type].kind == CompositeKind::Struct ? fields_[type].size() : 0;
      out_.line(fmt::format("(type {} {})", define(type_ids_, type), sub_type(types_[type], type_ids_, fields_[type])));
    }
    if (is_group) out_.close();
  }
}

// `(type 3) (param i32) (result i32)`
std::string ModulePrinter::type_use(uint32_t type) {
  std::string out = fmt::format("(type {})", type_ids_.ref(type));
  if (type < types_.size() && types_[type].kind == CompositeKind::Func) out += func_type(types_[type].func, type_ids_);
  return out;
}

// The type of an import or of a tag.
std::string ModulePrinter::extern_type(Reader& in, ExternKind kind, uint32_t index) {
  std::string type;
  switch (kind) {
    case ExternKind::Func:
      functions_.push_back(in.u32());
      type = type_use(functions_.back());
      break;
    case ExternKind::Table: type = table_type(read_table_type(in, kAnyType), type_ids_); break;
    case ExternKind::Memory: type = memory_type(read_memory_type(in)); break;
    case ExternKind::Global: type = global_type(read_global_type(in, kAnyType), type_ids_); break;
    case ExternKind::Tag:
      if (in.byte() != 0) in.malformed_at(in.offset() - 1, "malformed tag attribute");
      type = type_use(in.u32());
      break;
  }
  return fmt::format("({} {} {})", space_word(kind), define(ids(kind), index), type);
}

void ModulePrinter::imports(Reader& in) {
  const uint32_t count = in.count(limit::kItems, "imports");
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    const std::string_view module = in.name();
    const std::string_view name = in.name();
    const ExternKind kind = read_extern_kind(in, "import");
    const std::string type = extern_type(in, kind, counts_[static_cast<size_t>(kind)]++);
    if (in.ok()) out_.line(fmt::format("(import {} {} {})", quote_name(module), quote_name(name), type));
  }
}

void ModulePrinter::functions(Reader& in) {
  const uint32_t count = in.count(limit::kItems, "functions");
  for (uint32_t i = 0; i < count && in.ok(); ++i) functions_.push_back(in.u32());
}

void ModulePrinter::tables(Reader& in) {
  constexpr uint8_t kWithInit = 0x40;
  const uint32_t count = in.count(limit::kTables, "tables");
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    const bool has_init = in.peek() == kWithInit;
    if (has_init) {
      in.byte();
      if (in.byte() != 0) in.malformed_at(in.offset() - 1, "malformed table: zero byte expected");
    }
    const TableType type = read_table_type(in, kAnyType);
    const std::string init = has_init ? " " + const_expr(in, "") : "";
    const uint32_t index = counts_[static_cast<size_t>(ExternKind::Table)]++;
    if (!in.ok()) return;
    out_.line(fmt::format("(table {} {}{})", define(ids(ExternKind::Table), index), table_type(type, type_ids_), init));
  }
}

void ModulePrinter::memories(Reader& in) {
  const uint32_t count = in.count(limit::kTables, "memories");
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    out_.line(extern_type(in, ExternKind::Memory, counts_[static_cast<size_t>(ExternKind::Memory)]++));
  }
}

void ModulePrinter::tags(Reader& in) {
  const uint32_t count = in.count(limit::kTables, "tags");
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    out_.line(extern_type(in, ExternKind::Tag, counts_[static_cast<size_t>(ExternKind::Tag)]++));
  }
}

void ModulePrinter::globals(Reader& in) {
  const uint32_t count = in.count(limit::kItems, "globals");
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    const GlobalType type = read_global_type(in, kAnyType);
    const std::string init = const_expr(in, "");
    const uint32_t index = counts_[static_cast<size_t>(ExternKind::Global)]++;
    if (!in.ok()) return;
    out_.line(
        fmt::format("(global {} {} {})", define(ids(ExternKind::Global), index), global_type(type, type_ids_), init));
  }
}

void ModulePrinter::exports(Reader& in) {
  const uint32_t count = in.count(limit::kItems, "exports");
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    const std::string_view name = in.name();
    const ExternKind kind = read_extern_kind(in, "export");
    const std::string item = ids(kind).ref(in.u32());
    if (in.ok()) out_.line(fmt::format("(export {} ({} {}))", quote_name(name), space_word(kind), item));
  }
}

void ModulePrinter::elements(Reader& in) {
  enum : uint32_t { kNotActive = 1, kExplicit = 2, kExpressions = 4 };  // kExplicit: declarative when not active
  const uint32_t count = in.count(limit::kItems, "element segments");
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    const size_t at = in.offset();
    const uint32_t flags = in.u32();
    if (flags > 7) return in.malformed_at(at, "malformed element segment flags {}", flags);
    std::string out = fmt::format("(elem {}", define(elem_ids_, elems_++));
    const bool active = (flags & kNotActive) == 0;
    if (!active && (flags & kExplicit) != 0) out += " declare";
    if (active && (flags & kExplicit) != 0)
      out += fmt::format(" (table {})", explicit_index(in, ids(ExternKind::Table)));
    if (active) out += " " + const_expr(in, "offset");
    const bool has_type = (flags & (kNotActive | kExplicit)) != 0;
    if ((flags & kExpressions) != 0) {
      const ValType type = has_type ? read_ref_type(in, kAnyType) : ValType::funcref();
      out += " " + val_type(type, type_ids_);
    } else {
      if (has_type && in.byte() != 0) in.malformed_at(in.offset() - 1, "malformed element kind");
      out += " func";
    }
    const uint32_t size = in.count(UINT32_MAX, "elements");
    for (uint32_t j = 0; j < size && in.ok(); ++j) {
      out += " " + ((flags & kExpressions) != 0 ? const_expr(in, "item") : ids(ExternKind::Func).ref(in.u32()));
    }
    if (in.ok()) out_.line(out + ")");
  }
}

void ModulePrinter::code(Reader& in) {
  const size_t at = in.offset();
  const uint32_t count = in.u32();
  const uint32_t imported = counts_[static_cast<size_t>(ExternKind::Func)];
  if (in.ok() && count != functions_.size() - imported) {
    return in.malformed_at(at, "function and code section have inconsistent lengths");
  }
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    Reader entry = in.sub(in.u32());
    if (in.ok()) body(entry, imported + i);
  }
  bodies_ = count;
}

void ModulePrinter::datas(Reader& in) {
  enum : uint32_t { kActive, kPassive, kActiveExplicit };
  const uint32_t count = in.count(limit::kItems, "data segments");
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    const size_t at = in.offset();
    const uint32_t kind = in.u32();
    if (kind > kActiveExplicit) return in.malformed_at(at, "malformed data segment kind");
    std::string out = fmt::format("(data {}", define(data_ids_, datas_++));
    if (kind == kActiveExplicit) out += fmt::format(" (memory {})", explicit_index(in, ids(ExternKind::Memory)));
    if (kind != kPassive) out += " " + const_expr(in, "offset");
    const ByteRange range = in.take(in.u32());
    if (!in.ok()) return;
    out_.line(fmt::format("{} {})", out, quote_data(bytes_.subspan(range.begin, range.end - range.begin))));
  }
}

// In the text a custom section without a place comes last, behind the name section.
void ModulePrinter::custom(Reader& in) {
  const std::string_view name = in.name();
  const ByteRange range = in.take(static_cast<uint32_t>(in.remaining()));
  if (!in.ok()) return;
  const std::span<const uint8_t> contents = bytes_.subspan(range.begin, range.end - range.begin);
  if (name == "name" && has_names_ && names_are_last_ && !contents.empty() && defined_names_ == names_.size()) {
    const Writer again = names_.encode();
    if (std::ranges::equal(again.span(), contents)) {
      behind_names_ = true;
      return;
    }
  }
  const std::string place = behind_names_           ? ""
                            : last_section_.empty() ? "(before first)"
                                                    : fmt::format("(after {})", last_section_);
  out_.line(custom_annotation(name, place, contents));
}

}  // namespace wjit::print
