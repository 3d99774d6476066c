// Type definitions of components: value types, function types, resource types, core types. Binary.md, "Type
// Definitions".
#include "base/check.h"
#include "frontend/canonical_layout.h"
#include "frontend/component_validator.h"
#include "frontend/decoder_types.h"
#include "frontend/type_registry.h"

namespace wjit {

// --- Lookups ---

TypeId ComponentValidator::type_at(uint32_t index) {
  const TypeId* type = at(scope().types, index, "type");
  return type ? *type : kNoType;
}

TypeId ComponentValidator::value_type_at(uint32_t index) {
  TypeId type = type_at(index);
  if (type == kNoType || is_value_type(def(type).kind)) return type;
  invalid("type index {} is not a defined type", index);
  return kNoType;
}

TypeId ComponentValidator::resource_at(uint32_t index) {
  TypeId type = type_at(index);
  if (type == kNoType || def(type).kind == TypeKind::Resource) return type;
  invalid("type index {} is not a resource type", index);
  return kNoType;
}

TypeId ComponentValidator::type_at(uint32_t index, TypeKind kind) {
  TypeId type = type_at(index);
  if (type == kNoType || def(type).kind == kind) return type;
  const char* what = kind == TypeKind::Func        ? "a function"
                     : kind == TypeKind::Instance  ? "an instance"
                     : kind == TypeKind::Component ? "a component"
                     : kind == TypeKind::Stream    ? "a stream"
                                                   : "a future";
  invalid("type index {} is not {} type", index, what);
  return kNoType;
}

TypeId ComponentValidator::core_module_type_at(uint32_t index) {
  const TypeId* type = at(scope().core_module_types, index, "core type");
  if (!type) return kNoType;
  if (*type == kNoType) invalid("core type index {} is not a module type", index);
  return *type;
}

// --- Value types ---

// Labels are in kebab case and strongly-unique.
bool ComponentValidator::check_labels(const std::vector<NamedType>& parts, const char* what, const char* kind) {
  std::unordered_map<std::string, const std::string*> seen;
  for (const NamedType& part : parts) {
    if (part.name.empty()) return invalid("{} name cannot be empty", what), false;
    if (!is_kebab_case(part.name)) return invalid("{} name `{}` is not in kebab case", what, part.name), false;
    auto [it, is_new] = seen.emplace(unique_key(part.name), &part.name);
    if (!is_new) {
      invalid("{} name `{}` conflicts with previous {} name `{}`", what, part.name, kind, *it->second);
      return false;
    }
  }
  return true;
}

TypeId ComponentValidator::value_type(ComponentTypeDef def) {
  if (!ok()) return kNoType;
  switch (def.kind) {
    case TypeKind::Record:
      if (def.parts.empty()) return invalid("record type must have at least one field"), kNoType;
      if (!check_labels(def.parts, "record field", "field")) return kNoType;
      break;
    case TypeKind::Variant:
      if (def.parts.empty()) return invalid("variant type must have at least one case"), kNoType;
      if (!check_labels(def.parts, "variant case", "case")) return kNoType;
      break;
    case TypeKind::Tuple:
      if (def.parts.empty()) return invalid("tuple type must have at least one type"), kNoType;
      break;
    case TypeKind::Flags:
      if (def.parts.empty()) return invalid("flags must have at least one entry"), kNoType;
      if (def.parts.size() > 32) return invalid("cannot have more than 32 flags"), kNoType;
      if (!check_labels(def.parts, "flag", "flag")) return kNoType;
      break;
    case TypeKind::Enum:
      if (def.parts.empty()) return invalid("enum type must have at least one variant"), kNoType;
      if (!check_labels(def.parts, "enum tag", "tag")) return kNoType;
      break;
    case TypeKind::FixedList:
      if (def.length == 0) return invalid("fixed-length list must have at least one element"), kNoType;
      break;
    case TypeKind::Map: {
      TypeKind key = (*types_)[def.element].kind;
      bool is_key = key <= TypeKind::U64 || key == TypeKind::Char || key == TypeKind::String;
      if (!is_key) return invalid("`{}` is not a valid map key type", to_string(*types_, def.element)), kNoType;
      break;
    }
    case TypeKind::Stream:
    case TypeKind::Future: {
      const char* what = def.kind == TypeKind::Stream ? "stream" : "future";
      if (def.element == kNoType) break;
      if (contains_borrow(*types_, def.element)) {
        return invalid("{} element type cannot contain a `borrow` type", what), kNoType;
      }
      if (def.kind == TypeKind::Stream && (*types_)[def.element].kind == TypeKind::Char) {
        return invalid("`stream<char>` is not valid at this time"), kNoType;
      }
      break;
    }
    default: break;
  }
  TypeId type = add(std::move(def));
  if (type != kNoType && elem_size(*types_, type, true) > kMaxListByteLength) {
    return invalid("type exceeds maximum byte size"), kNoType;
  }
  return type;
}

TypeId ComponentValidator::handle_type(TypeKind kind, uint32_t resource_index) {
  TypeId resource = resource_at(resource_index);
  if (resource == kNoType) return kNoType;
  ComponentTypeDef handle;
  handle.kind = kind;
  handle.resource = def(resource).resource;
  handle.resource_type = resource;
  return add(std::move(handle));
}

// --- Other types ---

TypeId ComponentValidator::func_type(ComponentTypeDef def) {
  if (!ok() || !check_labels(def.parts, "function parameter", "parameter")) return kNoType;
  if (def.element != kNoType && contains_borrow(*types_, def.element)) {
    return invalid("function result cannot contain a `borrow` type"), kNoType;
  }
  def.kind = TypeKind::Func;
  return add(std::move(def));
}

void ComponentValidator::define_type(TypeId type) {
  if (type != kNoType && ok()) append_sort(ExternSort::Type, type);
}

void ComponentValidator::resource_type(ValType rep, std::optional<uint32_t> dtor) {
  if (scope().kind != ScopeKind::Component) {
    return invalid("resources can only be defined within a concrete component");
  }
  if (rep != ValType::i32() && rep != ValType::i64())
    return invalid("resources can only be represented by `i32` or `i64`");
  if (dtor && !check_core_func(*dtor, FuncType{{rep}, {}}, "wrong signature for a destructor")) return;
  TypeId type = fresh_resource(*types_, "");
  if (!check_limits(type)) return;
  ResourceId id = def(type).resource;
  scope().local_resources[id] = rep;
  scope().unbound_resources.insert(id);
  append_sort(ExternSort::Type, type);
  define(def::Resource{.resource = id, .rep = rep, .dtor = dtor});
}

// --- Core types ---

void ComponentValidator::core_types_read() {
  if (!ok()) return;
  if (scope().core_types.size() > limit::kItems) return unsupported("too many core types in one component");
  scope().core_module_types.resize(scope().core_types.size(), kNoType);
}

void ComponentValidator::check_core_module(const ComponentTypeDef& def) {
  std::unordered_set<std::string> names;
  for (const CoreExternDecl& decl : def.core_imports) {
    // The two levels must stay distinct when they are joined into one name.
    if (!names.insert(fmt::format("{}:{}", decl.module, decl.name)).second) {
      return invalid("duplicate import name `{}:{}` already defined", decl.module, decl.name);
    }
  }
  names.clear();
  for (const CoreExternDecl& decl : def.core_exports) {
    if (!names.insert(decl.name).second) return invalid("export name `{}` already defined", decl.name);
  }
}

void ComponentValidator::core_module_type(ComponentTypeDef def) {
  if (!ok()) return;
  def.kind = TypeKind::CoreModule;
  check_core_module(def);
  if (!ok()) return;
  TypeId type = add(std::move(def));
  if (type == kNoType) return;
  // A struct stands in for it among the core types: nothing that takes a function type accepts that.
  TypeDef stand_in;
  stand_in.kind = CompositeKind::Struct;
  stand_in.rec_group = static_cast<uint32_t>(scope().core_types.size());
  scope().core_types.push_back(std::move(stand_in));
  canonicalize_rec_group(scope().core_types, static_cast<uint32_t>(scope().core_types.size() - 1), 1);
  append(scope().core_module_types, type, "core type");
}

const TypeDef* ComponentValidator::outer_core_type(uint32_t count, uint32_t index) {
  // Called for a module type, which is a scope of its own without being on the stack: 1 is the innermost scope.
  if (count == 0) return invalid("core type aliases in a module type must be outer"), nullptr;
  Scope* outer = outer_scope(count - 1);
  if (!outer) return nullptr;
  const TypeDef* type = at(outer->core_types, index, "core type");
  if (!type) return nullptr;
  if (outer->core_module_types[index] != kNoType) {
    return invalid("core module types cannot be aliased in module types"), nullptr;
  }
  if (!is_closed(*type)) return unsupported("outer aliases of core types that refer to other core types"), nullptr;
  return type;
}

}  // namespace wjit
