// The interface is frontend/component_encoder.h. Encodings: Binary.md, "Type Definitions", "Import and Export
// Definitions", "Instance Definitions".
#include "frontend/component_encoder.h"

#include <fmt/format.h>

#include "base/check.h"

namespace wjit {

using component_text::kSpaceCount;

namespace {

// nameattributes: 0x00 and the name, or 0x02, the name and the attributes.
void write_name(std::string_view name, const NameAttributes& attributes, Writer& out) {
  Writer list;
  uint32_t count = 0;
  const auto add = [&](uint8_t code, const std::optional<std::string>& value) {
    if (!value) return;
    list.byte(code);
    list.name(*value);
    ++count;
  };
  add(0x00, attributes.implements);
  add(0x01, attributes.version_suffix);
  add(0x02, attributes.external_id);
  out.byte(count == 0 ? 0x00 : 0x02);
  out.name(name);
  if (count == 0) return;
  out.u32(count);
  out.bytes(list.span());
}

component_text::Space space_of(ExternSort sort) {
  using component_text::Space;
  switch (sort) {
    case ExternSort::CoreModule: return Space::CoreModule;
    case ExternSort::Func: return Space::Func;
    case ExternSort::Value: return Space::Value;
    case ExternSort::Type: return Space::Type;
    case ExternSort::Component: return Space::Component;
    case ExternSort::Instance: return Space::Instance;
  }
  UNREACHABLE_CASE("extern sort");
}

// The opcode of a value type without parts, nullopt for others.
std::optional<uint8_t> primitive_code(TypeKind kind) {
  switch (kind) {
    case TypeKind::Bool: return 0x7F;
    case TypeKind::S8: return 0x7E;
    case TypeKind::U8: return 0x7D;
    case TypeKind::S16: return 0x7C;
    case TypeKind::U16: return 0x7B;
    case TypeKind::S32: return 0x7A;
    case TypeKind::U32: return 0x79;
    case TypeKind::S64: return 0x78;
    case TypeKind::U64: return 0x77;
    case TypeKind::F32: return 0x76;
    case TypeKind::F64: return 0x75;
    case TypeKind::Char: return 0x74;
    case TypeKind::String: return 0x73;
    case TypeKind::ErrorContext: return 0x64;
    default: return std::nullopt;
  }
}

}  // namespace

// --- scopes and names ---

ComponentEncoder::ComponentEncoder() { scopes_.emplace_back(ScopeKind::Component); }

uint32_t ComponentEncoder::define(Section section, const Writer& entry, Space space) {
  scopes_.back().definitions.append(section, entry);
  return scopes_.back().counts[static_cast<size_t>(space)]++;
}

void ComponentEncoder::bind(ArenaType type, Place place) {
  Scope& scope = scopes_.back();
  scope.types.emplace(type, std::move(place));
  if (type.def().kind == TypeKind::Resource) {
    scope.resources.emplace(std::pair(type.types, type.def().resource), type);
  }
}

void ComponentEncoder::bind_instance(ArenaType type, uint32_t instance) {
  for (const ExternDecl& decl : type.def().exports) {
    if (decl.sort == ExternSort::Type) bind({type.types, decl.type}, {std::nullopt, instance, decl.name});
  }
}

uint32_t ComponentEncoder::alias_outer(uint32_t count, uint32_t index) {
  Writer entry;
  write_sort(Space::Type, entry);
  entry.byte(0x02);
  entry.u32(count);
  entry.u32(index);
  return define(Section::Alias, entry, Space::Type);
}

// The index of a bound type in its own scope.
uint32_t ComponentEncoder::aliased(Scope& scope, Place& place) {
  if (!place.index) {
    Writer entry;
    write_sort(Space::Type, entry);
    entry.byte(0x00);
    entry.u32(place.instance);
    entry.name(place.name);
    scope.definitions.append(Section::Alias, entry);
    place.index = scope.counts[static_cast<size_t>(Space::Type)]++;
  }
  return *place.index;
}

// The index, in the innermost scope, of a type that is bound in any.
std::optional<uint32_t> ComponentEncoder::find_type(ArenaType type) {
  for (size_t i = scopes_.size(); i-- > 0;) {
    Scope& scope = scopes_[i];
    auto found = scope.types.find(type);
    if (found == scope.types.end() && type.def().kind == TypeKind::Resource) {
      auto resource = scope.resources.find({type.types, type.def().resource});
      if (resource != scope.resources.end()) found = scope.types.find(resource->second);
    }
    if (found == scope.types.end()) continue;
    const uint32_t index = aliased(scope, found->second);
    const auto count = static_cast<uint32_t>(scopes_.size() - 1 - i);
    if (count == 0) return index;
    const uint32_t here = alias_outer(count, index);
    bind(type, {here, 0, ""});
    return here;
  }
  return std::nullopt;
}

// --- imports, instances, exports ---

uint32_t ComponentEncoder::import_instance(std::string_view name, const NameAttributes& attributes,
                                           std::span<const ArenaType> types) {
  const uint32_t type = instance_type(types);
  Writer entry;
  write_name(name, attributes, entry);
  entry.byte(0x05);
  entry.u32(type);
  const uint32_t instance = define(Section::Import, entry, Space::Instance);
  for (const ArenaType& each : types) bind_instance(each, instance);
  return instance;
}

uint32_t ComponentEncoder::import_item(const ComponentTypes& types, const ExternDecl& decl) {
  return declare(Section::Import, types, decl);
}

uint32_t ComponentEncoder::nested_component(const Component& component, std::string name) {
  Writer entry;
  entry.bytes(std::span(*component.bytes).subspan(component.range.begin, component.range.end - component.range.begin));
  const uint32_t index = define(Section::Component, entry, Space::Component);
  names_[static_cast<size_t>(Space::Component)].emplace_back(index, std::move(name));
  return index;
}

uint32_t ComponentEncoder::instantiate(uint32_t component, std::span<const Argument> arguments, std::string name) {
  Writer entry;
  entry.byte(0x00);
  entry.u32(component);
  entry.u32(static_cast<uint32_t>(arguments.size()));
  for (const Argument& argument : arguments) {
    entry.name(argument.name);
    write_sort(argument.space, entry);
    entry.u32(argument.index);
  }
  const uint32_t index = define(Section::Instance, entry, Space::Instance);
  names_[static_cast<size_t>(Space::Instance)].emplace_back(index, std::move(name));
  return index;
}

uint32_t ComponentEncoder::alias_export(Space space, uint32_t instance, std::string_view name) {
  Writer entry;
  write_sort(space, entry);
  entry.byte(0x00);
  entry.u32(instance);
  entry.name(name);
  return define(Section::Alias, entry, space);
}

void ComponentEncoder::export_item(std::string_view name, const NameAttributes& attributes, Space space,
                                   uint32_t index) {
  Writer entry;
  write_name(name, attributes, entry);
  write_sort(space, entry);
  entry.u32(index);
  entry.byte(0x00);
  define(Section::Export, entry, space);
}

Result<Bytes> ComponentEncoder::finish() {
  CHECK(scopes_.size() == 1);
  if (error_) return std::unexpected(*error_);
  component_text::DefinitionWriter& definitions = scopes_.back().definitions;
  definitions.end_section();
  Writer out;
  out.bytes(component_text::kComponentPreamble);
  out.bytes(definitions.out.span());
  out.custom_section("component-name", component_text::component_names(false, "", names_));
  return out.take();
}

// --- types of imports and exports ---

// An import of the component, or a declarator of the type that is being written. What it names is bound.
uint32_t ComponentEncoder::declare(Section section, const ComponentTypes& types, const ExternDecl& decl) {
  Writer entry;
  write_name(decl.name, decl.attributes, entry);
  extern_type(types, decl, entry);
  const uint32_t index = define(section, entry, space_of(decl.sort));
  if (decl.sort == ExternSort::Type) bind({&types, decl.type}, {index, 0, ""});
  if (decl.sort == ExternSort::Instance) bind_instance({&types, decl.type}, index);
  return index;
}

void ComponentEncoder::extern_type(const ComponentTypes& types, const ExternDecl& decl, Writer& out) {
  const ArenaType type{&types, decl.type};
  switch (decl.sort) {
    case ExternSort::CoreModule: {
      const uint32_t index = core_module_type(type);
      out.byte(0x00);
      out.byte(0x11);
      return out.u32(index);
    }
    case ExternSort::Func: out.byte(0x01); return out.u32(type_index(type));
    case ExternSort::Value: {
      Writer of;
      val_type(type, of);
      out.byte(0x02);
      out.byte(0x01);
      return out.bytes(of.span());
    }
    case ExternSort::Type:
      out.byte(0x03);
      out.byte(decl.is_sub_resource ? 0x01 : 0x00);
      if (!decl.is_sub_resource) out.u32(type_index({&types, decl.eq}));
      return;
    case ExternSort::Component: {
      const uint32_t index = component_type(type);
      out.byte(0x04);
      return out.u32(index);
    }
    case ExternSort::Instance: {
      const uint32_t index = instance_type(std::span(&type, 1));
      out.byte(0x05);
      return out.u32(index);
    }
  }
}

// One type with the exports of all of them.
uint32_t ComponentEncoder::instance_type(std::span<const ArenaType> types) {
  scopes_.emplace_back(ScopeKind::InstanceType);
  std::map<std::string_view, uint32_t> declared;
  for (const ArenaType& type : types) {
    for (const ExternDecl& decl : type.def().exports) {
      auto known = declared.find(decl.name);
      if (known == declared.end()) {
        declared.emplace(decl.name, declare(Section::Export, *type.types, decl));
      } else if (decl.sort == ExternSort::Type) {
        bind({type.types, decl.type}, {known->second, 0, ""});
      }
    }
  }
  Writer entry;
  entry.byte(0x42);
  entry.u32(scopes_.back().definitions.count());
  entry.bytes(scopes_.back().definitions.out.span());
  scopes_.pop_back();
  return define(Section::Type, entry, Space::Type);
}

uint32_t ComponentEncoder::component_type(ArenaType type) {
  scopes_.emplace_back(ScopeKind::ComponentType);
  for (const ExternDecl& decl : type.def().imports) declare(Section::Import, *type.types, decl);
  for (const ExternDecl& decl : type.def().exports) declare(Section::Export, *type.types, decl);
  Writer entry;
  entry.byte(0x41);
  entry.u32(scopes_.back().definitions.count());
  entry.bytes(scopes_.back().definitions.out.span());
  scopes_.pop_back();
  return define(Section::Type, entry, Space::Type);
}

// --- value and function types ---

uint32_t ComponentEncoder::type_index(ArenaType type) {
  if (type.id == kNoType) return fail("a type without a definition"), 0;
  if (auto known = find_type(type)) return *known;
  const uint32_t index = define_type(type);
  // A primitive stays itself where it is mentioned; its definition is only for a name to be given to it.
  if (!primitive_code(type.def().kind)) bind(type, {index, 0, ""});
  return index;
}

void ComponentEncoder::val_type(ArenaType type, Writer& out) {
  const auto primitive = type.id == kNoType ? std::nullopt : primitive_code(type.def().kind);
  if (!primitive) return out.s33(type_index(type));
  if (auto named = find_type(type)) return out.s33(*named);
  out.byte(*primitive);
}

void ComponentEncoder::optional_val_type(ArenaType type, Writer& out) {
  out.byte(type.id == kNoType ? 0x00 : 0x01);
  if (type.id != kNoType) val_type(type, out);
}

void ComponentEncoder::handle(ArenaType type, Writer& out) {
  const ComponentTypeDef& def = type.def();
  out.byte(def.kind == TypeKind::Own ? 0x69 : 0x68);
  out.u32(type_index({type.types, def.resource_type}));
}

uint32_t ComponentEncoder::define_type(ArenaType type) {
  const ComponentTypeDef& def = type.def();
  const auto at = [&](TypeId id) { return ArenaType{type.types, id}; };
  const auto count = static_cast<uint32_t>(def.parts.size());
  Writer out;
  if (const auto primitive = primitive_code(def.kind)) {
    out.byte(*primitive);
    return define(Section::Type, out, Space::Type);
  }
  switch (def.kind) {
    case TypeKind::Record:
      out.byte(0x72);
      out.u32(count);
      for (const NamedType& field : def.parts) {
        out.name(field.name);
        val_type(at(field.type), out);
      }
      break;
    case TypeKind::Variant:
      out.byte(0x71);
      out.u32(count);
      for (const NamedType& each : def.parts) {
        out.name(each.name);
        optional_val_type(at(each.type), out);
        out.byte(0x00);
      }
      break;
    case TypeKind::Tuple:
      out.byte(0x6F);
      out.u32(count);
      for (const NamedType& element : def.parts) val_type(at(element.type), out);
      break;
    case TypeKind::Flags:
    case TypeKind::Enum:
      out.byte(def.kind == TypeKind::Flags ? 0x6E : 0x6D);
      out.u32(count);
      for (const NamedType& label : def.parts) out.name(label.name);
      break;
    case TypeKind::List:
      out.byte(0x70);
      val_type(at(def.element), out);
      break;
    case TypeKind::FixedList:
      out.byte(0x67);
      val_type(at(def.element), out);
      out.u32(def.length);
      break;
    case TypeKind::Option:
      out.byte(0x6B);
      val_type(at(def.element), out);
      break;
    case TypeKind::Result:
      out.byte(0x6A);
      optional_val_type(at(def.element), out);
      optional_val_type(at(def.second), out);
      break;
    case TypeKind::Map:
      out.byte(0x63);
      val_type(at(def.element), out);
      val_type(at(def.second), out);
      break;
    case TypeKind::Stream:
    case TypeKind::Future:
      out.byte(def.kind == TypeKind::Stream ? 0x66 : 0x65);
      optional_val_type(at(def.element), out);
      break;
    case TypeKind::Own:
    case TypeKind::Borrow: handle(type, out); break;
    case TypeKind::Func:
      out.byte(def.is_async ? 0x43 : 0x40);
      out.u32(count);
      for (const NamedType& param : def.parts) {
        out.name(param.name);
        val_type(at(param.type), out);
      }
      out.byte(def.element == kNoType ? 0x01 : 0x00);
      if (def.element == kNoType) {
        out.byte(0x00);
      } else {
        val_type(at(def.element), out);
      }
      break;
    case TypeKind::Instance: return instance_type(std::span(&type, 1));
    case TypeKind::Component: return component_type(type);
    case TypeKind::Resource:
      fail(fmt::format("resource `{}` cannot be named from outside", type.types->resource_names[def.resource]));
      return 0;
    default: fail("a core module type as a type"); return 0;
  }
  return define(Section::Type, out, Space::Type);
}

// --- core module types ---

void ComponentEncoder::core_val_type(ValType type, Writer& out) {
  switch (type.kind) {
    case ValKind::I32: return out.byte(0x7F);
    case ValKind::I64: return out.byte(0x7E);
    case ValKind::F32: return out.byte(0x7D);
    case ValKind::F64: return out.byte(0x7C);
    case ValKind::V128: return out.byte(0x7B);
    case ValKind::Ref:
      if (type.heap >= 0) return fail("core module types that refer to other core types are not supported yet here");
      if (!type.nullable) out.byte(0x64);
      return out.s33(type.heap);
    case ValKind::Bottom: break;
  }
  UNREACHABLE_CASE("value type");
}

void ComponentEncoder::core_extern_type(const CoreExternDecl& decl, uint32_t func_type, Writer& out) {
  out.byte(static_cast<uint8_t>(decl.kind));
  const auto limits = [&](const Limits& l, uint8_t flags) {
    out.byte(static_cast<uint8_t>(flags | (l.max ? 1 : 0) | (l.is_64 ? 4 : 0)));
    out.u64(l.min);
    if (l.max) out.u64(*l.max);
  };
  switch (decl.kind) {
    case ExternKind::Func: return out.u32(func_type);
    case ExternKind::Table: core_val_type(decl.table.element, out); return limits(decl.table.limits, 0);
    case ExternKind::Memory: {
      const bool custom_pages = decl.memory.page_size_log2 != 16;
      limits(decl.memory.limits, static_cast<uint8_t>((decl.memory.shared ? 2 : 0) | (custom_pages ? 8 : 0)));
      if (custom_pages) out.u32(decl.memory.page_size_log2);
      return;
    }
    case ExternKind::Global: core_val_type(decl.global.type, out); return out.byte(decl.global.is_mutable ? 1 : 0);
    case ExternKind::Tag: out.byte(0x00); return out.u32(func_type);
  }
}

uint32_t ComponentEncoder::core_module_type(ArenaType type) {
  component_text::DefinitionWriter body(ScopeKind::ModuleType);
  uint32_t types = 0;
  const auto declare_core = [&](Section section, const CoreExternDecl& decl) {
    const bool has_func = decl.kind == ExternKind::Func || decl.kind == ExternKind::Tag;
    if (has_func) {
      Writer func;
      func.byte(0x60);
      for (const auto* list : {&decl.func.params, &decl.func.results}) {
        func.u32(static_cast<uint32_t>(list->size()));
        for (const ValType each : *list) core_val_type(each, func);
      }
      body.append(Section::CoreType, func);
    }
    Writer entry;
    if (section == Section::Import) entry.name(decl.module);
    entry.name(decl.name);
    core_extern_type(decl, types, entry);
    body.append(section, entry);
    types += has_func ? 1 : 0;
  };
  for (const CoreExternDecl& decl : type.def().core_imports) declare_core(Section::Import, decl);
  for (const CoreExternDecl& decl : type.def().core_exports) declare_core(Section::Export, decl);
  Writer entry;
  entry.byte(0x50);
  entry.u32(body.count());
  entry.bytes(body.out.span());
  return define(Section::CoreType, entry, Space::CoreType);
}

}  // namespace wjit
