// Imports and exports of components and of component and instance types: names, attributes, and the external visibility
// of types. Explainer.md, "Import and Export Definitions" and "External Visibility of Types"; Binary.md, same title.
#include "base/check.h"
#include "frontend/canonical_layout.h"
#include "frontend/component_validator.h"

namespace wjit {

namespace {
const char* describe(ComponentValidator::ExternKindOf kind) {
  return kind == ComponentValidator::ExternKindOf::Import ? "import" : "export";
}
}  // namespace

// --- Names ---

bool ComponentValidator::check_name(const ExternLabel& label, ExternSort sort, ExternKindOf kind,
                                    std::unordered_map<std::string, std::string>& names) {
  auto parsed = parse_extern_name(label.name);
  if (!parsed) return invalid("{} name: {}", describe(kind), parsed.error()), false;
  if (!check_attributes(label, *parsed, sort)) return false;
  auto [it, is_new] = names.emplace(unique_key(label.name, *parsed), label.name);
  if (!is_new) {
    invalid("{} name `{}` conflicts with previous name `{}`", describe(kind), label.name, it->second);
  }
  return is_new;
}

bool ComponentValidator::check_attributes(const ExternLabel& label, const ExternName& name, ExternSort sort) {
  if (const auto& implements = label.attributes.implements) {
    auto parsed = parse_extern_name(*implements);
    if (!parsed) return invalid("`implements` is not a valid name: {}", parsed.error()), false;
    if (parsed->kind != ExternNameKind::Interface) {
      return invalid("`implements` must be an interface name, `{}` is not", *implements), false;
    }
    if (sort != ExternSort::Instance) return invalid("only instances can have an `implements`"), false;
    if (name.kind != ExternNameKind::Label)
      return invalid("name `{}` is not valid with `implements`", label.name), false;
  }
  if (const auto& suffix = label.attributes.version_suffix) {
    if (name.kind != ExternNameKind::Interface || !is_canonical_version(name.version)) {
      return invalid("a version suffix requires a canonical version, `{}` has none", label.name), false;
    }
    if (!is_semver(std::string(name.version) + *suffix)) {
      return invalid("`{}{}` is not a valid semver", name.version, *suffix), false;
    }
  }
  return true;
}

// [constructor]r, [method]r.f, [static]r.f: functions of the resource that has the label r in this context.
bool ComponentValidator::check_annotated(const ExternName& name, ExternSort sort, TypeId type,
                                         const ResourceLabels& resources) {
  if (name.kind == ExternNameKind::Label || name.kind == ExternNameKind::Interface) return true;
  if (sort != ExternSort::Func)
    return invalid("`{}` is not a func", name.label.empty() ? name.resource : name.label), false;
  const ComponentTypeDef& func = def(type);
  TypeId resource = kNoType;
  if (name.kind == ExternNameKind::Constructor) {
    if (func.element == kNoType) return invalid("function should return one value"), false;
    const ComponentTypeDef* result = &def(func.element);
    if (result->kind == TypeKind::Result && result->element != kNoType) result = &def(result->element);
    if (result->kind != TypeKind::Own) {
      return invalid("function should return `(own $T)` or `(result (own $T))`"), false;
    }
    resource = result->resource_type;
  } else if (name.kind == ExternNameKind::Method) {
    if (func.parts.empty()) return invalid("function should have at least one argument"), false;
    if (func.parts[0].name != "self") return invalid("function should have a first argument called `self`"), false;
    const ComponentTypeDef& self = def(func.parts[0].type);
    if (self.kind != TypeKind::Borrow) return invalid("function should take a first argument of `(borrow $T)`"), false;
    resource = self.resource_type;
  } else {
    if (resources.known.contains(std::string(name.resource))) return true;
    return invalid("static resource name is not known in this context"), false;
  }
  auto it = resources.labels.find(resource);
  if (it == resources.labels.end())
    return invalid("resource used in function does not have a name in this context"), false;
  if (it->second != name.resource) {
    return invalid("function does not match expected resource name `{}`", it->second), false;
  }
  return true;
}

// --- Declarations ---

// A new name for a type: value and resource types are known by their id (see is_named), others need no name.
TypeId ComponentValidator::alias_type(TypeId type) {
  if (!is_value_type(def(type).kind) && def(type).kind != TypeKind::Resource) return type;
  return add(ComponentTypeDef(def(type)));
}

std::optional<ExternDecl> ComponentValidator::make_decl(ExternLabel label, const ExternType& type) {
  ExternDecl decl{.name = std::move(label.name), .attributes = std::move(label.attributes), .sort = type.sort};
  if (type.sort == ExternSort::Type && type.is_sub_resource) {
    decl.is_sub_resource = true;
    decl.type = fresh_resource(*types_, decl.name);
  } else if (type.sort == ExternSort::Type) {
    decl.eq = type.type;
    decl.type = alias_type(type.type);
  } else if (type.sort == ExternSort::Instance) {
    decl.type = freshen(*types_, type.type, budget_);
  } else {
    decl.type = type.type;
  }
  if (decl.type == kNoType || !check_limits(decl.type)) return std::nullopt;
  return decl;
}

void ComponentValidator::import_(ExternLabel label, ExternType type) {
  if (!ok()) return;
  if (!check_name(label, type.sort, ExternKindOf::Import, scope().import_names)) return;
  std::optional<ExternDecl> decl = make_decl(std::move(label), type);
  if (!decl) return;
  if (!scope().unbound_resources.empty()) {
    for (ResourceId id : free_resources(*types_, decl->type, budget_)) {
      if (scope().unbound_resources.contains(id)) return invalid("local resource type found in imports");
    }
    if (!check_budget()) return;
  }
  add_extern(std::move(*decl), ExternKindOf::Import);
}

void ComponentValidator::export_decl(ExternLabel label, ExternType type) {
  if (!ok()) return;
  if (!check_name(label, type.sort, ExternKindOf::Export, scope().export_names)) return;
  std::optional<ExternDecl> decl = make_decl(std::move(label), type);
  if (decl) add_extern(std::move(*decl), ExternKindOf::Export);
}

void ComponentValidator::add_extern(ExternDecl decl, ExternKindOf kind) {
  bool is_import = kind == ExternKindOf::Import;
  const ExternName name = parse_extern_name(decl.name).value();
  auto& resources = is_import ? scope().imported_resources : scope().exported_resources;
  if (!check_annotated(name, decl.sort, decl.type, resources)) return;
  if (decl.sort == ExternSort::Type && def(decl.type).kind == TypeKind::Resource &&
      name.kind == ExternNameKind::Label) {
    resources.add(decl.type, decl.name);
    std::string& first_name = types_->resource_names[def(decl.type).resource];
    if (first_name.empty()) first_name = decl.name;
  }
  if (scope().kind != ScopeKind::InstanceType && !register_named_types(decl, kind)) {
    if (check_budget()) invalid("{} not valid to be used as {} `{}`", wjit::name(decl.sort), describe(kind), decl.name);
    return;
  }
  if (decl.sort == ExternSort::Value && !is_import && contains_borrow(*types_, decl.type)) {
    return invalid("exported value type cannot contain a `borrow` type");
  }
  append_sort(decl.sort, decl.type);
  if (decl.sort == ExternSort::Value && !is_import) scope().values.back().is_used = true;
  if (scope().kind == ScopeKind::Component && is_import) define(def::Import{decl});
  (is_import ? scope().imports : scope().exports).push_back(std::move(decl));
}

// --- External visibility ---

bool ComponentValidator::register_named_types(const ExternDecl& decl, ExternKindOf kind) {
  auto& set = kind == ExternKindOf::Import ? scope().imported_types : scope().exported_types;
  std::unordered_set<TypeId> seen;
  switch (decl.sort) {
    case ExternSort::Type:
      if (!are_parts_named(decl.type, set, seen)) return false;
      scope().exported_types.insert(decl.type);
      if (kind == ExternKindOf::Import) scope().imported_types.insert(decl.type);
      return true;
    case ExternSort::Func: return are_parts_named(decl.type, set, seen);
    case ExternSort::Instance:
      // What the instance exports has a name by that, in order.
      if (!budget_.charge(def(decl.type).exports.size())) return false;
      for (const ExternDecl& inner : def(decl.type).exports) {
        if (!register_named_types(inner, kind)) return false;
      }
      return true;
    case ExternSort::Value: return is_named(decl.type, set, seen);
    case ExternSort::CoreModule:
    case ExternSort::Component: return true;  // closed, and validated when it was made
  }
  UNREACHABLE_CASE("extern sort");
}

// May `type` be mentioned: has it a name, or does it need none and neither do its parts?
bool ComponentValidator::is_named(TypeId type, const std::unordered_set<TypeId>& set,
                                  std::unordered_set<TypeId>& seen) {
  if (type == kNoType) return true;
  switch (def(type).kind) {
    case TypeKind::Record:
    case TypeKind::Variant:
    case TypeKind::Enum:
    case TypeKind::Flags:
    case TypeKind::Resource: return set.contains(type);
    default: return !seen.insert(type).second || are_parts_named(type, set, seen);
  }
}

// May `type` be given a name: are all types that it mentions named?
bool ComponentValidator::are_parts_named(TypeId type, const std::unordered_set<TypeId>& set,
                                         std::unordered_set<TypeId>& seen) {
  const ComponentTypeDef& t = def(type);
  if (!budget_.charge(1 + t.parts.size() + t.exports.size())) return false;
  switch (t.kind) {
    case TypeKind::Resource:
    case TypeKind::Component:
    case TypeKind::CoreModule: return true;
    case TypeKind::Own:
    case TypeKind::Borrow: return set.contains(t.resource_type);
    case TypeKind::Instance:
      for (const ExternDecl& decl : t.exports) {
        if (decl.sort != ExternSort::Component && !are_parts_named(decl.type, set, seen)) return false;
      }
      return true;
    default:
      for (const NamedType& part : t.parts) {
        if (!is_named(part.type, set, seen)) return false;
      }
      return is_named(t.element, set, seen) && is_named(t.second, set, seen);
  }
}

// --- Exports of a component ---

std::optional<ExternDecl> ComponentValidator::decl_of(const SortIndex& item) {
  ExternDecl decl;
  auto lookup = [&](const std::vector<TypeId>& space, ExternSort sort, const char* what) -> std::optional<ExternDecl> {
    const TypeId* type = at(space, item.index, what);
    if (!type) return std::nullopt;
    decl.sort = sort;
    decl.type = *type;
    return decl;
  };
  switch (item.sort) {
    case Sort::Core:
      if (item.core == CoreSort::Module) return lookup(scope().core_modules, ExternSort::CoreModule, "module");
      return invalid("core items other than modules cannot be passed between components"), std::nullopt;
    case Sort::Func: return lookup(scope().funcs, ExternSort::Func, "function");
    case Sort::Value:
      decl.sort = ExternSort::Value;
      decl.type = use_value(item.index);
      if (decl.type == kNoType) return std::nullopt;
      return decl;
    case Sort::Component: return lookup(scope().components, ExternSort::Component, "component");
    case Sort::Instance: return lookup(scope().instances, ExternSort::Instance, "instance");
    case Sort::Type:
      decl.sort = ExternSort::Type;
      decl.type = item.type != kNoType ? item.type : type_at(item.index);
      if (decl.type == kNoType) return std::nullopt;
      return decl;
  }
  UNREACHABLE_CASE("sort");
}

// The first export of a resource of this component binds it; later ones equal it.
bool ComponentValidator::bind_exported_resource(TypeId type) {
  ResourceId id = def(type).resource;
  return scope().unbound_resources.contains(id) && scope().exported_bound.insert(id).second;
}

// `instance` with is_sub_resource just where the export of it binds a resource.
TypeId ComponentValidator::bind_exported_instance(TypeId instance) {
  if (!def(instance).layout.has_resource) return instance;
  ComponentTypeDef bound = def(instance);
  bool changed = false;
  for (ExternDecl& decl : bound.exports) {
    if (decl.sort == ExternSort::Instance) {
      TypeId inner = bind_exported_instance(decl.type);
      if (inner == kNoType) return kNoType;
      changed |= inner != decl.type;
      decl.type = inner;
    } else if (decl.sort == ExternSort::Type && def(decl.type).kind == TypeKind::Resource) {
      bool binds = bind_exported_resource(decl.type);
      changed |= binds != decl.is_sub_resource;
      decl.is_sub_resource = binds;
    }
  }
  return changed ? add(std::move(bound)) : instance;
}

void ComponentValidator::export_(ExternLabel label, SortIndex item, std::optional<ExternType> ascribed) {
  if (!ok()) return;
  std::optional<ExternDecl> actual = decl_of(item);
  if (!actual) return;
  item.type = item.sort == Sort::Type ? actual->type : kNoType;
  if (!check_name(label, actual->sort, ExternKindOf::Export, scope().export_names)) return;

  ExternType type{.sort = actual->sort, .type = actual->type};
  if (ascribed) {
    type = *ascribed;
    ExternDecl wanted;
    wanted.sort = type.sort;
    wanted.type = type.type;
    wanted.is_sub_resource = type.is_sub_resource;
    if (wanted.is_sub_resource) wanted.type = fresh_resource(*types_, "");
    Matcher matcher(*types_, budget_);
    if (!matcher.decl(*actual, wanted)) {
      if (check_budget()) invalid("ascribed type of export is not compatible with item's type: {}", matcher.error());
      return;
    }
    // An instance keeps the identity of its resources; a resource itself becomes a new one.
    if (type.sort == ExternSort::Instance) {
      type.type = substitute(*types_, type.type, matcher.expected_side(), budget_);
    }
  }

  ExternDecl decl{.name = std::move(label.name), .attributes = std::move(label.attributes), .sort = type.sort};
  if (type.sort == ExternSort::Type && type.is_sub_resource) {
    decl.is_sub_resource = true;
    decl.type = fresh_resource(*types_, decl.name);
  } else if (type.sort == ExternSort::Type) {
    decl.eq = type.type;
    decl.type = alias_type(type.type);
    if (decl.type != kNoType && def(decl.type).kind == TypeKind::Resource) {
      decl.is_sub_resource = bind_exported_resource(decl.type);
    }
  } else {
    decl.type = type.sort == ExternSort::Instance ? bind_exported_instance(type.type) : type.type;
  }
  if (decl.type == kNoType || !check_limits(decl.type)) return;
  add_extern(decl, ExternKindOf::Export);
  if (ok()) define(def::Export{.decl = std::move(decl), .item = item});
}

}  // namespace wjit
