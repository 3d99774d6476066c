// See component_subtyping.h. Substitution first, then the walks over bound and free resources, then matching.
// Types are read by index throughout, since adding to the arena moves them.
#include "frontend/component_subtyping.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "frontend/canonical_layout.h"
#include "frontend/type_registry.h"

namespace wjit {

namespace {

class Substituter {
 public:
  Substituter(ComponentTypes& types, Substitution& substitution, WorkBudget& budget)
      : types_(types), sub_(substitution), budget_(budget) {}

  // Recursion is bounded by the depth of types, which the validator limits.
  TypeId apply(TypeId t) {
    if (t == kNoType) return t;
    if (!types_[t].layout.has_resource && sub_.named.empty()) return t;
    if (auto it = sub_.named.find(t); it != sub_.named.end()) return it->second;
    if (auto it = sub_.memo.find(t); it != sub_.memo.end()) return it->second;
    TypeId result = rebuild(t);
    sub_.memo[t] = result;
    return result;
  }

 private:
  TypeId rebuild(TypeId t) {
    // References into the arena do not survive apply (it may add types), so parts are read by index.
    const size_t parts = types_[t].parts.size(), imports = types_[t].imports.size(), exports = types_[t].exports.size();
    if (!budget_.charge(1 + parts + imports + exports)) return t;
    switch (types_[t].kind) {
      case TypeKind::CoreModule: return t;
      case TypeKind::Resource: {
        auto it = sub_.resources.find(types_[t].resource);
        if (it == sub_.resources.end()) return t;
        ComponentTypeDef def = types_[t];
        def.resource = types_[it->second].resource;
        return add(t, std::move(def));
      }
      case TypeKind::Own:
      case TypeKind::Borrow: {
        auto it = sub_.resources.find(types_[t].resource);
        TypeId resource_type = apply(types_[t].resource_type);
        if (it == sub_.resources.end() && resource_type == types_[t].resource_type) return t;
        ComponentTypeDef def = types_[t];
        if (it != sub_.resources.end()) def.resource = types_[it->second].resource;
        def.resource_type = resource_type;
        return add(t, std::move(def));
      }
      default: break;
    }
    std::vector<TypeId> new_parts(parts);
    bool changed = false;
    for (size_t i = 0; i < parts; i++) {
      new_parts[i] = apply(types_[t].parts[i].type);
      changed |= new_parts[i] != types_[t].parts[i].type;
    }
    TypeId element = apply(types_[t].element);
    TypeId second = apply(types_[t].second);
    changed |= element != types_[t].element || second != types_[t].second;
    std::vector<DeclTypes> new_imports = decls(t, &ComponentTypeDef::imports, changed);
    std::vector<DeclTypes> new_exports = decls(t, &ComponentTypeDef::exports, changed);
    if (!changed) return t;
    ComponentTypeDef def = types_[t];
    for (size_t i = 0; i < parts; i++) def.parts[i].type = new_parts[i];
    def.element = element;
    def.second = second;
    for (size_t i = 0; i < imports; i++) new_imports[i].put(def.imports[i]);
    for (size_t i = 0; i < exports; i++) new_exports[i].put(def.exports[i]);
    return add(t, std::move(def));
  }

  TypeId add(TypeId old, ComponentTypeDef def) {
    return budget_.charge_memory(def) ? add_type(types_, std::move(def)) : old;
  }

  struct DeclTypes {
    TypeId type, eq;
    void put(ExternDecl& decl) const {
      decl.type = type;
      decl.eq = eq;
    }
  };
  std::vector<DeclTypes> decls(TypeId t, std::vector<ExternDecl> ComponentTypeDef::* list, bool& changed) {
    std::vector<DeclTypes> out;
    const size_t count = (types_[t].*list).size();
    out.reserve(count);
    for (size_t i = 0; i < count; i++) {
      TypeId old_type = (types_[t].*list)[i].type, old_eq = (types_[t].*list)[i].eq;
      out.push_back({apply(old_type), apply(old_eq)});
      changed |= out.back().type != old_type || out.back().eq != old_eq;
    }
    return out;
  }

  ComponentTypes& types_;
  Substitution& sub_;
  WorkBudget& budget_;
};

void collect_bound(const ComponentTypes& types, const std::vector<ExternDecl>& decls, std::vector<TypeId>& out,
                   WorkBudget& budget) {
  if (!budget.charge(decls.size())) return;
  for (const ExternDecl& decl : decls) {
    if (decl.sort == ExternSort::Type && decl.is_sub_resource) out.push_back(decl.type);
    if (decl.sort == ExternSort::Instance && types[decl.type].layout.has_resource) {
      collect_bound(types, types[decl.type].exports, out, budget);
    }
  }
}

class FreeResources {
 public:
  FreeResources(const ComponentTypes& types, WorkBudget& budget) : types_(types), budget_(budget) {}

  std::unordered_set<ResourceId> run(TypeId t) {
    visit(t);
    for (ResourceId id : bound_) mentioned_.erase(id);
    return std::move(mentioned_);
  }

 private:
  void visit(TypeId t) {
    if (t == kNoType || !types_[t].layout.has_resource || !seen_.insert(t).second) return;
    const ComponentTypeDef& def = types_[t];
    if (!budget_.charge(1 + def.parts.size() + def.imports.size() + def.exports.size())) return;
    if (def.kind == TypeKind::Resource || def.kind == TypeKind::Own || def.kind == TypeKind::Borrow) {
      mentioned_.insert(def.resource);
    }
    for (const NamedType& part : def.parts) visit(part.type);
    visit(def.element);
    visit(def.second);
    visit_decls(def.imports);
    visit_decls(def.exports);
  }
  void visit_decls(const std::vector<ExternDecl>& decls) {
    for (const ExternDecl& decl : decls) {
      if (decl.is_sub_resource) bound_.insert(types_[decl.type].resource);
      visit(decl.type);
    }
  }

  const ComponentTypes& types_;
  WorkBudget& budget_;
  std::unordered_set<TypeId> seen_;
  std::unordered_set<ResourceId> mentioned_;
  std::unordered_set<ResourceId> bound_;
};

const char* describe(TypeKind kind) {
  switch (kind) {
    case TypeKind::Resource: return "resource";
    case TypeKind::Func: return "func";
    case TypeKind::Component: return "component";
    case TypeKind::Instance: return "instance";
    case TypeKind::CoreModule: return "core module";
    default: return "defined type";
  }
}

std::string describe(const FuncType& type) {
  auto list = [](const char* what, const std::vector<ValType>& values) {
    std::string out;
    for (ValType value : values) out += " " + to_string(value);
    return out.empty() ? out : fmt::format(" ({}{})", what, out);
  };
  return fmt::format("(func{}{})", list("param", type.params), list("result", type.results));
}

bool limits_match(const Limits& actual, const Limits& expected) {
  if (actual.is_64 != expected.is_64 || actual.min < expected.min) return false;
  return !expected.max || (actual.max && *actual.max <= *expected.max);
}

using CoreIndex = std::unordered_map<std::string, uint32_t>;
CoreIndex index_core(const std::vector<CoreExternDecl>& decls) {
  CoreIndex out;
  for (uint32_t i = 0; i < decls.size(); i++) {
    // A length before the module's name keeps ("a", "b") and ("", "ab") apart.
    out.emplace(fmt::format("{}:{}{}", decls[i].module.size(), decls[i].module, decls[i].name), i);
  }
  return out;
}
const CoreExternDecl* find_core(const CoreIndex& index, const std::vector<CoreExternDecl>& decls,
                                const CoreExternDecl& wanted) {
  auto it = index.find(fmt::format("{}:{}{}", wanted.module.size(), wanted.module, wanted.name));
  return it == index.end() ? nullptr : &decls[it->second];
}

// By name; a map only where it pays.
class DeclIndex {
 public:
  explicit DeclIndex(const std::vector<ExternDecl>& decls) {
    if (decls.size() <= 8) return;
    for (uint32_t i = 0; i < decls.size(); i++) by_name_.emplace(decls[i].name, i);
  }
  // kNotFound if there is none.
  size_t find(const std::vector<ExternDecl>& decls, const std::string& name) const {
    if (!by_name_.empty()) {
      auto it = by_name_.find(name);
      return it == by_name_.end() ? kNotFound : it->second;
    }
    for (size_t i = 0; i < decls.size(); i++) {
      if (decls[i].name == name) return i;
    }
    return kNotFound;
  }
  static constexpr size_t kNotFound = SIZE_MAX;

 private:
  std::unordered_map<std::string, uint32_t> by_name_;
};

}  // namespace

TypeId substitute(ComponentTypes& types, TypeId t, Substitution& substitution, WorkBudget& budget) {
  return Substituter(types, substitution, budget).apply(t);
}

TypeId fresh_resource(ComponentTypes& types, std::string name) {
  ComponentTypeDef def;
  def.kind = TypeKind::Resource;
  def.resource = types.resource_count++;
  types.resource_names.push_back(std::move(name));
  return add_type(types, std::move(def));
}

TypeId fresh_copy(ComponentTypes& types, TypeId old, WorkBudget& budget) {
  constexpr uint64_t kStepsPerResource = 100;  // they take memory, too
  const ResourceId id = types[old].resource;
  if (!budget.charge(kStepsPerResource + types.resource_names[id].size())) return old;
  return fresh_resource(types, types.resource_names[id]);
}

std::vector<TypeId> bound_resources(const ComponentTypes& types, const std::vector<ExternDecl>& decls,
                                    WorkBudget& budget) {
  std::vector<TypeId> out;
  collect_bound(types, decls, out, budget);
  return out;
}

TypeId freshen(ComponentTypes& types, TypeId instance, WorkBudget& budget) {
  if (!types[instance].layout.has_resource) return instance;
  std::vector<TypeId> bound = bound_resources(types, types[instance].exports, budget);
  if (bound.empty()) return instance;
  Substitution substitution;
  for (TypeId old : bound) {
    ResourceId id = types[old].resource;
    if (substitution.resources.contains(id)) continue;
    TypeId fresh = fresh_copy(types, old, budget);
    substitution.resources[id] = fresh;
    substitution.named[old] = fresh;
  }
  return substitute(types, instance, substitution, budget);
}

std::unordered_set<ResourceId> free_resources(const ComponentTypes& types, TypeId t, WorkBudget& budget) {
  return FreeResources(types, budget).run(t);
}

// --- Matcher ---

bool Matcher::mismatch(std::string message) {
  if (error_.empty()) error_ = budget_.is_exhausted() ? "types are too complex to be compared" : std::move(message);
  return false;
}

bool Matcher::mismatch_kinds(TypeId actual, TypeId expected) {
  const TypeKind a = types_[actual].kind, e = types_[expected].kind;
  if (is_value_type(a) && is_value_type(e)) {
    return mismatch(fmt::format("expected {}, found {}", to_string(types_, expected), to_string(types_, actual)));
  }
  return mismatch(fmt::format("expected {}, found {}", describe(e), describe(a)));
}

ResourceId Matcher::resolve(const Substitution& side, ResourceId id) const {
  auto it = side.resources.find(id);
  return it == side.resources.end() ? id : types_[it->second].resource;
}

bool Matcher::decl(const ExternDecl& actual, const ExternDecl& expected) {
  if (!budget_.charge(1)) return mismatch("");
  if (actual.sort != expected.sort) {
    return mismatch(fmt::format("expected {}, found {}", name(expected.sort), name(actual.sort)));
  }
  switch (expected.sort) {
    case ExternSort::CoreModule: return core_module(actual.type, expected.type);
    case ExternSort::Func: return equal(actual.type, expected.type);
    case ExternSort::Value: return equal(actual.type, expected.type);
    case ExternSort::Component: return component(actual.type, expected.type);
    case ExternSort::Instance: return instance(actual.type, expected.type);
    case ExternSort::Type: break;
  }
  // The maps must name what the actual side's resource resolves to, not one that is bound there.
  TypeId stands_for = actual.type;
  if (types_[actual.type].kind == TypeKind::Resource) {
    auto it = actual_.resources.find(types_[actual.type].resource);
    if (it != actual_.resources.end()) stands_for = it->second;
  }
  if (expected.is_sub_resource) {
    if (types_[actual.type].kind != TypeKind::Resource) return mismatch_kinds(actual.type, expected.type);
    expected_.resources[types_[expected.type].resource] = stands_for;
  } else {
    if (types_[actual.type].kind != types_[expected.type].kind) return mismatch_kinds(actual.type, expected.type);
    switch (types_[expected.type].kind) {
      case TypeKind::Component:
        if (!component(actual.type, expected.type)) return false;
        break;
      case TypeKind::Instance:
        if (!instance(actual.type, expected.type)) return false;
        break;
      default:
        if (!equal(actual.type, expected.type)) return false;
    }
  }
  expected_.named[expected.type] = stands_for;
  return true;
}

bool Matcher::equal(TypeId actual, TypeId expected) {
  if (!budget_.charge(1)) return mismatch("");
  const ComponentTypeDef& a = types_[actual];
  const ComponentTypeDef& e = types_[expected];
  if (actual == expected && !a.layout.has_resource) return true;
  if (a.kind != e.kind) return mismatch_kinds(actual, expected);
  switch (a.kind) {
    case TypeKind::Resource:
    case TypeKind::Own:
    case TypeKind::Borrow:
      if (resolve(actual_, a.resource) == resolve(expected_, e.resource)) return true;
      return mismatch("resource types are not the same");
    case TypeKind::List:
    case TypeKind::Option: return equal(a.element, e.element);
    case TypeKind::FixedList:
      if (a.length != e.length) {
        return mismatch(fmt::format("expected a list of length {}, found one of length {}", e.length, a.length));
      }
      return equal(a.element, e.element);
    case TypeKind::Stream:
    case TypeKind::Future: return same_optional(a.element, e.element, "element");
    case TypeKind::Map: return equal(a.element, e.element) && equal(a.second, e.second);
    case TypeKind::Result: return same_optional(a.element, e.element, "ok") && same_optional(a.second, e.second, "err");
    case TypeKind::Func:
      if (a.is_async != e.is_async) {
        return mismatch(e.is_async ? "expected an async function, found a sync one"
                                   : "expected a sync function, found an async one");
      }
      if (!same_parts(a, e)) return false;
      return same_optional(types_[actual].element, types_[expected].element, "result");
    case TypeKind::Record:
    case TypeKind::Variant:
    case TypeKind::Tuple:
    case TypeKind::Flags:
    case TypeKind::Enum: return same_parts(a, e);
    case TypeKind::Component:
    case TypeKind::Instance:
    case TypeKind::CoreModule: return mismatch("types of this kind cannot be equal");
    default: return true;  // primitive
  }
}

bool Matcher::same_optional(TypeId actual, TypeId expected, const char* what) {
  if (expected == kNoType && actual == kNoType) return true;
  if (expected == kNoType) return mismatch(fmt::format("expected {} type to not be present", what));
  if (actual == kNoType) return mismatch(fmt::format("expected {} type, but found none", what));
  if (equal(actual, expected)) return true;
  error_ = fmt::format("type mismatch in {}: {}", what, error_);
  return false;
}

bool Matcher::same_parts(const ComponentTypeDef& a, const ComponentTypeDef& e) {
  const char* what = e.kind == TypeKind::Func      ? "parameter"
                     : e.kind == TypeKind::Variant ? "case"
                     : e.kind == TypeKind::Tuple   ? "element"
                     : e.kind == TypeKind::Record  ? "field"
                                                   : "label";
  if (a.parts.size() != e.parts.size()) {
    return mismatch(fmt::format("expected {} {}s, found {}", e.parts.size(), what, a.parts.size()));
  }
  if (!budget_.charge(a.parts.size())) return mismatch("");
  for (size_t i = 0; i < a.parts.size(); i++) {
    const NamedType& x = a.parts[i];
    const NamedType& y = e.parts[i];
    if (x.name != y.name) return mismatch(fmt::format("expected {} named `{}`, found `{}`", what, y.name, x.name));
    if (x.type == kNoType && y.type == kNoType) continue;
    if (x.type == kNoType) return mismatch(fmt::format("expected {} `{}` to have a type, found none", what, y.name));
    if (y.type == kNoType) return mismatch(fmt::format("expected {} `{}` to have no type", what, y.name));
    if (!equal(x.type, y.type)) {
      error_ = fmt::format("type mismatch in {} `{}`: {}", what, y.name.empty() ? std::to_string(i) : y.name, error_);
      return false;
    }
  }
  return true;
}

bool Matcher::instance(TypeId actual, TypeId expected) { return exports(actual, expected); }

bool Matcher::exports(TypeId actual, TypeId expected) {
  DeclIndex index(types_[actual].exports);
  const size_t count = types_[expected].exports.size();
  if (!budget_.charge(types_[actual].exports.size() + count)) return mismatch("");
  for (size_t i = 0; i < count; i++) {
    // Copies: matching component types adds to the arena.
    ExternDecl wanted = types_[expected].exports[i];
    size_t found = index.find(types_[actual].exports, wanted.name);
    if (found == DeclIndex::kNotFound) return mismatch(fmt::format("missing expected export `{}`", wanted.name));
    ExternDecl given = types_[actual].exports[found];
    if (!decl(given, wanted)) {
      error_ = fmt::format("type mismatch in instance export `{}`: {}", wanted.name, error_);
      return false;
    }
  }
  return true;
}

void Matcher::bind_fresh(const std::vector<ExternDecl>& decls, Substitution& side) {
  for (TypeId bound : bound_resources(types_, decls, budget_)) {
    side.resources[types_[bound].resource] = fresh_copy(types_, bound, budget_);
  }
}

// Instantiates `actual` with the imports of `expected`, whose resources are unknown constants: then its exports, with
// resources as unknown, must do for those of `expected`.
bool Matcher::component(TypeId actual, TypeId expected) {
  if (actual == expected && !types_[actual].layout.has_resource) return true;
  bind_fresh(std::vector(types_[expected].imports), expected_);
  DeclIndex index(types_[expected].imports);
  const size_t count = types_[actual].imports.size();
  if (!budget_.charge(types_[expected].imports.size() + count)) return mismatch("");
  for (size_t i = 0; i < count; i++) {
    ExternDecl wanted = types_[actual].imports[i];
    size_t found = index.find(types_[expected].imports, wanted.name);
    if (found == DeclIndex::kNotFound) return mismatch(fmt::format("missing expected import `{}`", wanted.name));
    ExternDecl given = types_[expected].imports[found];
    std::swap(actual_, expected_);
    bool ok = decl(given, wanted);
    std::swap(actual_, expected_);
    if (!ok) {
      error_ = fmt::format("type mismatch in import `{}`: {}", wanted.name, error_);
      return false;
    }
  }
  bind_fresh(std::vector(types_[actual].exports), actual_);
  return exports(actual, expected);
}

bool Matcher::core_module(TypeId actual, TypeId expected) {
  if (actual == expected) return true;
  const ComponentTypeDef& a = types_[actual];
  const ComponentTypeDef& e = types_[expected];
  if (!budget_.charge(a.core_imports.size() + a.core_exports.size() + e.core_imports.size() + e.core_exports.size())) {
    return mismatch("");
  }
  std::string why;
  CoreIndex imports = index_core(e.core_imports);
  for (const CoreExternDecl& wanted : a.core_imports) {
    const CoreExternDecl* given = find_core(imports, e.core_imports, wanted);
    if (!given) return mismatch(fmt::format("missing expected import `{}::{}`", wanted.module, wanted.name));
    if (!core_decl(*given, wanted, why)) {
      return mismatch(fmt::format("type mismatch in import `{}::{}`: {}", wanted.module, wanted.name, why));
    }
  }
  CoreIndex exports = index_core(a.core_exports);
  for (const CoreExternDecl& wanted : e.core_exports) {
    const CoreExternDecl* given = find_core(exports, a.core_exports, wanted);
    if (!given) return mismatch(fmt::format("missing expected export `{}`", wanted.name));
    if (!core_decl(*given, wanted, why)) {
      return mismatch(fmt::format("type mismatch in export `{}`: {}", wanted.name, why));
    }
  }
  return true;
}

// Core specification 3.3.5, matching of external types.
bool Matcher::core_decl(const CoreExternDecl& actual, const CoreExternDecl& expected, std::string& error) {
  auto fail = [&](std::string message) {
    error = std::move(message);
    return false;
  };
  if (actual.kind != expected.kind)
    return fail(fmt::format("expected {}, found {}", name(expected.kind), name(actual.kind)));
  switch (expected.kind) {
    case ExternKind::Func:
      if (is_canonical_subtype(actual.canonical_id, expected.canonical_id)) return true;
      return fail(fmt::format("expected: {}, found: {}", describe(expected.func), describe(actual.func)));
    case ExternKind::Tag:
      if (actual.canonical_id == expected.canonical_id) return true;
      return fail(fmt::format("expected tag type: {}, found: {}", describe(expected.func), describe(actual.func)));
    case ExternKind::Table:
      if (actual.table.element != expected.table.element) {
        return fail(fmt::format("expected table element type {}, found {}", to_string(expected.table.element),
                                to_string(actual.table.element)));
      }
      if (!limits_match(actual.table.limits, expected.table.limits)) return fail("mismatch in table limits");
      return true;
    case ExternKind::Memory:
      if (actual.memory.shared != expected.memory.shared) return fail("mismatch in the shared flag for memories");
      if (actual.memory.page_size_log2 != expected.memory.page_size_log2) return fail("mismatch in memory page sizes");
      if (!limits_match(actual.memory.limits, expected.memory.limits)) return fail("mismatch in memory limits");
      return true;
    case ExternKind::Global: {
      const GlobalType& a = actual.global;
      const GlobalType& e = expected.global;
      if (a.is_mutable != e.is_mutable) return fail("global types differ in mutability");
      if (e.is_mutable ? a.type == e.type : is_canonical_subtype(a.type, e.type)) return true;
      return fail(fmt::format("expected global type {}, found {}", to_string(e.type), to_string(a.type)));
    }
  }
  UNREACHABLE_CASE("external kind");
}

}  // namespace wjit
