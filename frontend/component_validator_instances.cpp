// Core modules and instances, nested components and their instances, aliases. Binary.md, "Instance Definitions" and
// "Alias Definitions"; Explainer.md, "Type Checking", for what instantiation does with resource types.
#include "base/check.h"
#include "frontend/canonical_layout.h"
#include "frontend/component_validator.h"
#include "frontend/type_registry.h"

namespace wjit {

namespace {

// The type of a module's import or export, its types as canonical numbers.
CoreExternDecl core_extern(const Module& module, ExternKind kind, uint32_t index) {
  CoreExternDecl decl;
  decl.kind = kind;
  auto set_func = [&](uint32_t type) {
    decl.canonical_id = module.types[type].canonical_id;
    decl.func = canonical_func_type(decl.canonical_id);
  };
  switch (kind) {
    case ExternKind::Func: set_func(module.functions[index].type); break;
    case ExternKind::Tag: set_func(module.tags[index].type); break;
    case ExternKind::Table:
      decl.table = module.tables[index].type;
      decl.table.element = canonical(module.types, decl.table.element);
      break;
    case ExternKind::Memory: decl.memory = module.memories[index].type; break;
    case ExternKind::Global:
      decl.global = module.globals[index].type;
      decl.global.type = canonical(module.types, decl.global.type);
      break;
  }
  return decl;
}

const char* describe(CoreSort sort) {
  switch (sort) {
    case CoreSort::Func: return "function";
    case CoreSort::Table: return "table";
    case CoreSort::Memory: return "memory";
    case CoreSort::Global: return "global";
    case CoreSort::Tag: return "tag";
    case CoreSort::Type: return "type";
    case CoreSort::Module: return "module";
    case CoreSort::Instance: return "instance";
  }
  UNREACHABLE_CASE("core sort");
}

ExternSort extern_sort(Sort sort) {
  switch (sort) {
    case Sort::Core: return ExternSort::CoreModule;
    case Sort::Func: return ExternSort::Func;
    case Sort::Value: return ExternSort::Value;
    case Sort::Type: return ExternSort::Type;
    case Sort::Component: return ExternSort::Component;
    case Sort::Instance: return ExternSort::Instance;
  }
  UNREACHABLE_CASE("sort");
}

constexpr size_t kIndexFrom = 8;  // exports; shorter lists are searched

}  // namespace

// --- Core ---

void ComponentValidator::core_module(std::shared_ptr<const Module> module) {
  ComponentTypeDef type;
  type.kind = TypeKind::CoreModule;
  for (const Import& import : module->imports) {
    CoreExternDecl decl = core_extern(*module, import.kind, import.index);
    decl.module = import.module;
    decl.name = import.name;
    type.core_imports.push_back(std::move(decl));
  }
  for (const Export& item : module->exports) {
    CoreExternDecl decl = core_extern(*module, item.kind, item.index);
    decl.name = item.name;
    type.core_exports.push_back(std::move(decl));
  }
  check_core_module(type);
  if (!ok()) return;
  TypeId id = add(std::move(type));
  if (id == kNoType) return;
  append(scope().core_modules, id, "core module");
  define(def::CoreModule{std::move(module)});
}

const CoreExternDecl* ComponentValidator::find_core_export(TypeId instance, const std::string& name) {
  const std::vector<CoreExternDecl>& exports = def(instance).core_exports;
  if (exports.size() <= kIndexFrom) {
    for (const CoreExternDecl& decl : exports) {
      if (decl.name == name) return &decl;
    }
    return nullptr;
  }
  auto& index = core_export_index_[instance];
  if (index.empty()) {
    for (uint32_t i = 0; i < exports.size(); i++) index.emplace(exports[i].name, i);
  }
  auto it = index.find(name);
  return it == index.end() ? nullptr : &exports[it->second];
}

void ComponentValidator::core_instantiate(uint32_t module, std::vector<std::pair<std::string, uint32_t>> args) {
  if (!ok()) return;
  const TypeId* type = at(scope().core_modules, module, "module");
  if (!type) return;
  std::unordered_map<std::string, TypeId> instances;
  for (const auto& [name, index] : args) {
    const TypeId* instance = at(scope().core_instances, index, "core instance");
    if (!instance) return;
    if (!instances.emplace(name, *instance).second) {
      return invalid("duplicate module instantiation argument named `{}`", name);
    }
  }
  if (!budget_.charge(1 + def(*type).core_imports.size())) return void(check_budget());
  for (const CoreExternDecl& import : def(*type).core_imports) {
    auto instance = instances.find(import.module);
    if (instance == instances.end()) {
      return invalid("missing module instantiation argument named `{}`", import.module);
    }
    const CoreExternDecl* found = find_core_export(instance->second, import.name);
    if (!found) {
      return invalid("module instantiation argument `{}` does not export an item named `{}`", import.module,
                     import.name);
    }
    std::string why;
    if (!Matcher::core_decl(*found, import, why)) {
      return invalid("type mismatch for export `{}` of module instantiation argument `{}`: {}", import.name,
                     import.module, why);
    }
  }
  append(scope().core_instances, *type, "core instance");
  define(def::CoreInstantiate{.module = module, .args = std::move(args)});
}

void ComponentValidator::core_inline_exports(std::vector<NamedSortIndex> exports) {
  if (!ok()) return;
  ComponentTypeDef type;
  type.kind = TypeKind::CoreModule;
  for (const NamedSortIndex& item : exports) {
    CoreExternDecl decl;
    decl.name = item.name;
    const uint32_t index = item.item.index;
    switch (item.item.core) {
      case CoreSort::Func:
      case CoreSort::Tag: {
        bool is_func = item.item.core == CoreSort::Func;
        const uint32_t* id = at(is_func ? scope().core_funcs : scope().core_tags, index, is_func ? "function" : "tag");
        if (!id) return;
        decl.kind = is_func ? ExternKind::Func : ExternKind::Tag;
        decl.canonical_id = *id;
        decl.func = canonical_func_type(*id);
        break;
      }
      case CoreSort::Table:
        decl.kind = ExternKind::Table;
        if (const TableType* table = at(scope().core_tables, index, "table")) decl.table = *table;
        break;
      case CoreSort::Memory:
        decl.kind = ExternKind::Memory;
        if (const MemoryType* memory = at(scope().core_memories, index, "memory")) decl.memory = *memory;
        break;
      case CoreSort::Global:
        decl.kind = ExternKind::Global;
        if (const GlobalType* global = at(scope().core_globals, index, "global")) decl.global = *global;
        break;
      case CoreSort::Type:
      case CoreSort::Module:
      case CoreSort::Instance: return invalid("a core instance cannot export a {}", describe(item.item.core));
    }
    if (!ok()) return;
    type.core_exports.push_back(std::move(decl));
  }
  check_core_module(type);
  if (!ok()) return;
  TypeId id = add(std::move(type));
  if (id == kNoType) return;
  append(scope().core_instances, id, "core instance");
  define(def::CoreInlineExports{std::move(exports)});
}

void ComponentValidator::alias_core_export(CoreSort sort, uint32_t instance, std::string name) {
  if (!ok()) return;
  const TypeId* type = at(scope().core_instances, instance, "core instance");
  if (!type) return;
  const CoreExternDecl* found = find_core_export(*type, name);
  if (!found) return invalid("core instance {} has no export named `{}`", instance, name);
  if (sort > CoreSort::Tag || static_cast<uint8_t>(found->kind) != static_cast<uint8_t>(sort)) {
    return invalid("export `{}` for core instance {} is not a {}", name, instance, describe(sort));
  }
  switch (found->kind) {
    case ExternKind::Func: append(scope().core_funcs, found->canonical_id, "core function"); break;
    case ExternKind::Table: append(scope().core_tables, found->table, "table"); break;
    case ExternKind::Memory: append(scope().core_memories, found->memory, "memory"); break;
    case ExternKind::Global: append(scope().core_globals, found->global, "global"); break;
    case ExternKind::Tag: append(scope().core_tags, found->canonical_id, "tag"); break;
  }
  define(def::AliasCoreExport{.instance = instance, .name = std::move(name), .sort = sort});
}

// --- Component instances ---

void ComponentValidator::nested_component(std::shared_ptr<const Component> component) {
  append(scope().components, component->type, "component");
  define(def::NestedComponent{std::move(component)});
}

void ComponentValidator::instantiate(uint32_t component, std::vector<NamedSortIndex> args) {
  if (!ok()) return;
  const TypeId* found = at(scope().components, component, "component");
  if (!found) return;
  const TypeId type = *found;
  std::unordered_map<std::string, ExternDecl> given;
  for (NamedSortIndex& arg : args) {
    std::optional<ExternDecl> decl = decl_of(arg.item);
    if (!decl) return;
    if (arg.item.sort == Sort::Type) arg.item.type = decl->type;
    if (!given.emplace(arg.name, std::move(*decl)).second) {
      return invalid("instantiation argument `{}` conflicts with previous argument `{}`", arg.name, arg.name);
    }
  }

  // Each argument is matched with its import as the earlier arguments have made it.
  Matcher matcher(*types_, budget_);
  const size_t imports = def(type).imports.size();
  for (size_t i = 0; i < imports; i++) {
    const ExternDecl wanted = def(type).imports[i];
    auto arg = given.find(wanted.name);
    if (arg == given.end()) return invalid("missing import named `{}`", wanted.name);
    if (!matcher.decl(arg->second, wanted)) {
      if (check_budget()) invalid("type mismatch for import `{}`: {}", wanted.name, matcher.error());
      return;
    }
  }

  // The instance has what the component exports, resources that the exports bind being new ones.
  Substitution substitution;
  substitution.resources = std::move(matcher.expected_side().resources);
  substitution.named = std::move(matcher.expected_side().named);
  for (TypeId bound : bound_resources(*types_, def(type).exports, budget_)) {
    ResourceId id = def(bound).resource;
    if (substitution.resources.contains(id) && substitution.named.contains(bound)) continue;
    TypeId fresh = fresh_copy(*types_, bound, budget_);
    substitution.resources[id] = fresh;
    substitution.named[bound] = fresh;
    scope().unbound_resources.insert(def(fresh).resource);
  }
  ComponentTypeDef instance;
  instance.kind = TypeKind::Instance;
  instance.exports = def(type).exports;
  TypeId id = add(std::move(instance));
  if (id == kNoType) return;
  id = substitute(*types_, id, substitution, budget_);
  if (!check_limits(id)) return;
  append(scope().instances, id, "instance");
  define(def::Instantiate{.component = component, .args = std::move(args), .type = id});
}

void ComponentValidator::inline_exports(std::vector<InlineExport> exports) {
  if (!ok()) return;
  ComponentTypeDef instance;
  instance.kind = TypeKind::Instance;
  def::InlineExports definition;
  std::unordered_map<std::string, std::string> names;
  // Types keep their ids: what mentions a type of the bag by that is named where the bag is exported. But no function
  // of a bag can have been made with a resource by the name that it gets here, so annotated names find none.
  const ResourceLabels no_resources;
  for (InlineExport& item : exports) {
    std::optional<ExternDecl> decl = decl_of(item.item);
    if (!decl || !check_name(item.label, decl->sort, ExternKindOf::Export, names)) return;
    if (decl->sort == ExternSort::Type) {
      item.item.type = decl->type;
      decl->eq = decl->type;
    }
    const ExternName name = parse_extern_name(item.label.name).value();
    if (!check_annotated(name, decl->sort, decl->type, no_resources)) return;
    definition.exports.push_back({item.label.name, item.item});
    decl->name = std::move(item.label.name);
    decl->attributes = std::move(item.label.attributes);
    instance.exports.push_back(std::move(*decl));
  }
  definition.type = add(std::move(instance));
  if (definition.type == kNoType) return;
  append(scope().instances, definition.type, "instance");
  define(std::move(definition));
}

// --- Aliases ---

const ExternDecl* ComponentValidator::find_export(TypeId instance, const std::string& name) {
  const std::vector<ExternDecl>& exports = def(instance).exports;
  if (exports.size() <= kIndexFrom) {
    for (const ExternDecl& decl : exports) {
      if (decl.name == name) return &decl;
    }
    return nullptr;
  }
  auto& index = export_index_[instance];
  if (index.empty()) {
    for (uint32_t i = 0; i < exports.size(); i++) index.emplace(exports[i].name, i);
  }
  auto it = index.find(name);
  return it == index.end() ? nullptr : &exports[it->second];
}

void ComponentValidator::alias_export(Sort sort, CoreSort core, uint32_t instance, std::string name) {
  if (!ok()) return;
  if (scope().kind != ScopeKind::Component && sort != Sort::Type && sort != Sort::Instance) {
    return invalid("aliases in component and instance types may only refer to types or instances");
  }
  if (sort == Sort::Core && core != CoreSort::Module) return invalid("instances export no core {}s", describe(core));
  const TypeId* type = at(scope().instances, instance, "instance");
  if (!type) return;
  const ExternDecl* found = find_export(*type, name);
  if (!found) return invalid("instance {} has no export named `{}`", instance, name);
  if (found->sort != extern_sort(sort)) {
    return invalid("export `{}` for instance {} is not a {}", name, instance,
                   sort == Sort::Core ? "module" : wjit::name(extern_sort(sort)));
  }
  TypeId item = found->type;
  append_sort(found->sort, item);
  if (scope().kind != ScopeKind::Component) return;
  define(def::AliasExport{
      .instance = instance, .name = std::move(name), .sort = sort, .core = CoreSort::Module, .type = item});
}

void ComponentValidator::alias_outer(Sort sort, CoreSort core, uint32_t count, uint32_t index) {
  if (!ok()) return;
  bool is_type = sort == Sort::Type || (sort == Sort::Core && core == CoreSort::Type);
  if (scope().kind != ScopeKind::Component && !is_type) {
    return invalid("aliases in component and instance types may only refer to types or instances");
  }
  Scope* outer = outer_scope(count);
  if (!outer) return;
  if (sort == Sort::Type) {
    const TypeId* found = at(outer->types, index, "type");
    if (!found) return;
    const TypeId type = *found;
    bool leaves_component = false;
    for (uint32_t i = 0; i < count; i++) {
      leaves_component |= scopes_[scopes_.size() - 1 - i].kind == ScopeKind::Component;
    }
    if (leaves_component && contains_resource(*types_, type) && !free_resources(*types_, type, budget_).empty()) {
      return invalid(
          "cannot alias outer type which transitively refers to resources not defined in the current component");
    }
    if (check_budget()) append_sort(ExternSort::Type, type);
    return;
  }
  if (sort == Sort::Core && core == CoreSort::Type) {
    if (!at(outer->core_types, index, "core type")) return;
    TypeDef type = outer->core_types[index];
    TypeId module = outer->core_module_types[index];
    if (!is_closed(type)) return unsupported("outer aliases of core types that refer to other core types");
    type.rec_group = static_cast<uint32_t>(scope().core_types.size());
    type.rec_group_size = 1;
    type.supertype.reset();
    append(scope().core_types, std::move(type), "core type");
    append(scope().core_module_types, module, "core type");
    return;
  }
  bool is_module = sort == Sort::Core;
  const TypeId* found =
      at(is_module ? outer->core_modules : outer->components, index, is_module ? "module" : "component");
  if (!found) return;
  const TypeId type = *found;
  append_sort(is_module ? ExternSort::CoreModule : ExternSort::Component, type);
  define(def::AliasOuter{.sort = sort, .core = CoreSort::Module, .count = count, .index = index});
}

bool ComponentValidator::is_closed(const TypeDef& type) {
  auto is_open = [](ValType v) { return v.is_ref() && v.heap >= 0; };
  for (ValType v : type.func.params) {
    if (is_open(v)) return false;
  }
  for (ValType v : type.func.results) {
    if (is_open(v)) return false;
  }
  for (const FieldType& field : type.fields) {
    if (is_open(field.type)) return false;
  }
  return true;
}

}  // namespace wjit
