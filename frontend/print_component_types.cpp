// Component-level types, core types in components, and the names and types of imports and exports as text. The class is
// in frontend/print_component.h. Binary.md, "Type Definitions" and "Import and Export Definitions".
#include <fmt/format.h>

#include "base/check.h"
#include "frontend/decoder_types.h"
#include "frontend/print_component.h"
#include "frontend/print_module.h"

namespace wjit::print {
namespace {

constexpr uint32_t kAnyType = UINT32_MAX;  // indices are not checked
constexpr size_t kMaxScopes = 100;

const char* primitive(uint8_t code) {
  constexpr const char* kNames[] = {"string", "char", "f64", "f32", "u64", "s64", "u32",
                                    "s32",    "u16",  "s16", "u8",  "s8",  "bool"};
  if (code >= 0x73 && code <= 0x7F) return kNames[code - 0x73];
  return code == 0x64 ? "error-context" : nullptr;
}

}  // namespace

// --- value types ---

std::string ComponentPrinter::val_type(Reader& in) {
  const size_t at = in.offset();
  const int64_t code = in.s33();
  if (code >= 0) return ref(Space::Type, static_cast<uint32_t>(code));
  const char* name = code >= -0x40 ? primitive(static_cast<uint8_t>(code & 0x7F)) : nullptr;
  if (name == nullptr) in.malformed_at(at, "invalid value type");
  return name == nullptr ? "" : name;
}

std::string ComponentPrinter::optional_val_type(Reader& in) {
  return present(in, "optional value type") ? " " + val_type(in) : "";
}

std::string ComponentPrinter::def_val_type(Reader& in, uint8_t form) {
  if (const char* name = primitive(form)) return name;
  std::string out;
  const auto items = [&](const char* keyword, auto&& item) {
    out = "(" + std::string(keyword);
    const uint32_t count = in.count(limit::kItems, "parts of a type");
    for (uint32_t i = 0; i < count && in.ok(); ++i) out += " " + item();
    return out + ")";
  };
  const auto label = [&] { return quote_name(in.name()); };
  switch (form) {
    case 0x72:
      return items("record", [&] {
        const std::string name = label();
        return fmt::format("(field {} {})", name, val_type(in));
      });
    case 0x71:
      return items("variant", [&] {
        const std::string name = label();
        const std::string payload = optional_val_type(in);
        if (in.byte() != 0) in.malformed_at(in.offset() - 1, "zero byte required behind a case");
        return fmt::format("(case {}{})", name, payload);
      });
    case 0x70: return fmt::format("(list {})", val_type(in));
    case 0x67: {
      const std::string element = val_type(in);
      return fmt::format("(list {} {})", element, in.u32());
    }
    case 0x6F: return items("tuple", [&] { return val_type(in); });
    case 0x6E: return items("flags", label);
    case 0x6D: return items("enum", label);
    case 0x6B: return fmt::format("(option {})", val_type(in));
    case 0x6A: {
      out = "(result" + optional_val_type(in);
      const std::string error = optional_val_type(in);
      if (!error.empty()) out += fmt::format(" (error{})", error);
      return out + ")";
    }
    case 0x69: return fmt::format("(own {})", ref(Space::Type, in));
    case 0x68: return fmt::format("(borrow {})", ref(Space::Type, in));
    case 0x66: return fmt::format("(stream{})", optional_val_type(in));
    case 0x65: return fmt::format("(future{})", optional_val_type(in));
    case 0x63: {
      const std::string key = val_type(in);
      return fmt::format("(map {} {})", key, val_type(in));
    }
    default:
      in.malformed_at(in.offset() - 1, "invalid leading byte ({:#x}) for component defined type", form);
      return "";
  }
}

std::string ComponentPrinter::result_list(Reader& in) {
  const uint8_t form = in.byte();
  if (form == 0x00) return fmt::format(" (result {})", val_type(in));
  if (form != 0x01 || in.byte() != 0x00) in.malformed_at(in.offset() - 1, "malformed results");
  return "";
}

std::string ComponentPrinter::func_type(Reader& in, bool is_async) {
  std::string out = is_async ? "(func async" : "(func";
  const uint32_t count = in.count(limit::kItems, "parameters");
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    const std::string name = quote_name(in.name());
    out += fmt::format(" (param {} {})", name, val_type(in));
  }
  return out + result_list(in) + ")";
}

// --- type definitions ---

void ComponentPrinter::type(Reader& in) {
  const uint8_t form = in.byte();
  if (!in.ok()) return;
  const bool is_instance = form == 0x42;
  if (is_instance || form == 0x41) {
    // The number of a type is known before its parts, which do not see it.
    out_.open(fmt::format("(type {}", head(Space::Type)));
    out_.open(is_instance ? "(instance" : "(component");
    declarators(in, is_instance ? ScopeKind::InstanceType : ScopeKind::ComponentType);
    out_.close();
    return out_.close();
  }
  std::string text;
  if (form == 0x3F) {
    text = fmt::format("(resource (rep {})", print::val_type(read_val_type(in, kAnyType), Ids()));
    if (present(in, "resource destructor")) text += fmt::format(" (dtor (core func {}))", ref(Space::CoreFunc, in));
    text += ")";
  } else if (form == 0x40 || form == 0x43) {
    text = func_type(in, form == 0x43);
  } else {
    text = def_val_type(in, form);
  }
  if (in.ok()) out_.line(fmt::format("(type {} {})", head(Space::Type), text));
}

void ComponentPrinter::declarators(Reader& in, ScopeKind kind) {
  if (scopes_.size() >= kMaxScopes) return in.unsupported_at(in.offset(), "nested more than {} deep", kMaxScopes);
  scopes_.emplace_back().kind = kind;
  const uint32_t count = in.count(limit::kItems, "declarators");
  for (uint32_t i = 0; i < count && sink_.ok(); ++i) declarator(in);
  scopes_.pop_back();
}

void ComponentPrinter::declarator(Reader& in) {
  const size_t at = in.offset();
  const uint8_t form = in.byte();
  if (!in.ok()) return;
  switch (form) {
    case 0x00: return core_type(in);
    case 0x01: return type(in);
    case 0x02: return alias(in);
    case 0x03: return import(in);
    case 0x04: {
      const std::string name = extern_name(in);
      const std::string type = extern_type(in, true);
      if (in.ok()) out_.line(fmt::format("(export {} {})", name, type));
      return;
    }
    default: in.malformed_at(at, "invalid leading byte ({:#x}) for a declarator", form);
  }
}

// --- core types ---

void ComponentPrinter::core_type(Reader& in) {
  constexpr uint8_t kModuleType = 0x50, kRec = 0x4E;
  const bool in_module = scope().kind == ScopeKind::ModuleType;
  const char* keyword = in_module ? "type" : "core type";
  if (!in_module && in.peek() == kModuleType) {
    in.byte();
    out_.open(fmt::format("(core type {}", head(Space::CoreType)));
    module_type(in);
    out_.close();
    scope().core_types.emplace_back();
    return;
  }
  if (in.peek() == 0x00) in.byte();  // tells `sub` from a module type
  const Ids& ids = scope().ids[static_cast<size_t>(Space::CoreType)];
  const bool is_group = in.peek() == kRec;
  std::vector<TypeDef>& types = scope().core_types;
  const size_t first = types.size();
  read_rec_type(in, types);
  if (!in.ok()) return;
  if (is_group) out_.open(in_module ? "(rec" : "(core rec");
  for (size_t i = first; i < types.size(); ++i) {
    const std::string text = sub_type(types[i], ids, Ids());
    out_.line(fmt::format("({} {} {})", is_group ? "type" : keyword, head(Space::CoreType), text));
  }
  if (is_group) out_.close();
}

void ComponentPrinter::module_type(Reader& in) {
  if (scopes_.size() >= kMaxScopes) return in.unsupported_at(in.offset(), "nested more than {} deep", kMaxScopes);
  scopes_.emplace_back().kind = ScopeKind::ModuleType;
  out_.open("(module");
  const uint32_t count = in.count(limit::kItems, "declarators");
  for (uint32_t i = 0; i < count && sink_.ok(); ++i) module_declarator(in);
  out_.close();
  scopes_.pop_back();
}

void ComponentPrinter::module_declarator(Reader& in) {
  const size_t at = in.offset();
  const uint8_t form = in.byte();
  switch (form) {
    case 0x00:
    case 0x03: {
      std::string text = form == 0x00 ? "(import " + quote_name(in.name()) + " " : "(export ";
      text += quote_name(in.name());
      const std::string type = core_extern_type(in);
      if (in.ok()) out_.line(fmt::format("{} {})", text, type));
      return;
    }
    case 0x01: return core_type(in);
    case 0x02: scope().core_types.emplace_back(); return alias(in);
    default: in.malformed_at(at, "invalid leading byte ({:#x}) for module type declaration", form);
  }
}

std::string ComponentPrinter::core_extern_type(Reader& in) {
  const Ids none;
  switch (read_extern_kind(in, "import")) {
    case ExternKind::Func: return fmt::format("(func (type {}))", in.u32());
    case ExternKind::Table: return fmt::format("(table {})", table_type(read_table_type(in, kAnyType), none));
    case ExternKind::Memory: return fmt::format("(memory {})", memory_type(read_memory_type(in)));
    case ExternKind::Global: return fmt::format("(global {})", global_type(read_global_type(in, kAnyType), none));
    case ExternKind::Tag:
      if (in.byte() != 0) in.malformed_at(in.offset() - 1, "malformed tag attribute");
      return fmt::format("(tag (type {}))", in.u32());
  }
  UNREACHABLE_CASE("external kind");
}

// --- names and types of imports and exports ---

std::string ComponentPrinter::extern_name(Reader& in) {
  const uint8_t form = in.byte();
  if (form > 0x02) in.malformed_at(in.offset() - 1, "invalid leading byte ({:#x}) for component name", form);
  std::string out = quote_name(in.name());
  if (form != 0x02) return out;
  static constexpr std::string_view kAttributes[] = {"implements", "versionsuffix", "external-id"};
  const uint32_t count = in.count(limit::kItems, "attributes");
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    const uint8_t kind = in.byte();
    if (kind >= std::size(kAttributes)) {
      in.malformed_at(in.offset() - 1, "invalid leading byte ({:#x}) for name option", kind);
      break;
    }
    out += fmt::format(" ({} {})", kAttributes[kind], quote_name(in.name()));
  }
  return out;
}

// `(func (;0;) (type 3))`; without a head where it is only ascribed.
std::string ComponentPrinter::extern_type(Reader& in, bool defines) {
  const size_t at = in.offset();
  const auto space = sort(in, false);
  if (!space) return {};
  std::string type;
  switch (*space) {
    case Space::CoreModule: type = fmt::format("(type {})", ref(Space::CoreType, in)); break;
    case Space::Func:
    case Space::Component:
    case Space::Instance: type = fmt::format("(type {})", ref(Space::Type, in)); break;
    case Space::Type:
      type = present(in, "type bound") ? "(sub resource)" : fmt::format("(eq {})", ref(Space::Type, in));
      break;
    case Space::Value:
      type = present(in, "value bound") ? val_type(in) : fmt::format("(eq {})", ref(Space::Value, in));
      break;
    default: in.malformed_at(at, "invalid leading byte for component external kind"); return {};
  }
  if (!in.ok()) return {};
  const std::string_view words = component_text::words(*space);
  return defines ? fmt::format("({} {} {})", words, head(*space), type) : fmt::format("({} {})", words, type);
}

}  // namespace wjit::print
