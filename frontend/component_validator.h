// Validation of components, one definition after the other, as the decoder reads them. The validator keeps the index
// spaces of every open scope (a component, a component type or an instance type), checks each definition against them,
// appends to them, and builds the definitions and types that Component consists of.
//
// By family: component_validator.cpp         scopes, index spaces, limits
//            component_validator_types.cpp     type definitions
//            component_validator_externs.cpp   imports, exports, their names, external visibility
//            component_validator_instances.cpp core and component instances, aliases
//            component_validator_values.cpp    values, start
//            component_validator_canon.cpp     canonical definitions
// Rules: component-model Binary.md and Explainer.md, CanonicalABI.md "Canonical Definitions".
//
// Protocol: the decoder sets the offset, then calls one function; after an error (the sink keeps the first) results are
// kNoType or empty, and the decoder stops. Caller: frontend/component_decoder.cpp. Not thread-safe. Tests:
// test/unit/component_test.cpp.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "frontend/component.h"
#include "frontend/component_names.h"
#include "frontend/component_subtyping.h"
#include "frontend/reader.h"

namespace wjit {

namespace limit {
constexpr uint32_t kComponentTypes = 1'000'000;
constexpr uint32_t kComponentNesting = 100;     // components and types that bind names, in each other
constexpr uint32_t kTypeDepth = 200;            // of types in types
constexpr uint32_t kValueTypeSize = 1'000'000;  // nodes of a value or function type written out
constexpr uint32_t kExternTypeSize = 10'000'000;
}  // namespace limit

class ComponentValidator {
 public:
  enum class ScopeKind : uint8_t { Component, ComponentType, InstanceType };
  enum class ExternKindOf : uint8_t { Import, Export };

  // An import's or export's type as written.
  struct ExternType {
    ExternSort sort = ExternSort::Func;
    TypeId type = kNoType;
    bool is_sub_resource = false;
  };
  struct ExternLabel {
    std::string name;
    NameAttributes attributes;
  };
  struct InlineExport {
    ExternLabel label;
    SortIndex item;
  };
  // A canonopt as written.
  struct Option {
    enum class Kind : uint8_t { Utf8, Utf16, Latin1Utf16, Memory, Realloc, PostReturn, Async, Callback };
    Kind kind = Kind::Utf8;
    uint32_t index = 0;
  };

  explicit ComponentValidator(ErrorSink& sink);

  void set_offset(size_t offset) { offset_ = offset; }
  bool ok() const { return sink_.ok(); }
  template <typename... Args>
  void invalid(fmt::format_string<Args...> format, Args&&... args) {
    sink_.report(InputFault::Invalid, offset_, fmt::format(format, std::forward<Args>(args)...));
  }
  void unsupported(std::string message) { sink_.report(InputFault::Unsupported, offset_, std::move(message)); }

  // --- Scopes ---
  void open(ScopeKind kind);
  ScopeKind scope_kind() const { return scope().kind; }
  // Ends the innermost scope: its Component or Instance type.
  TypeId close();
  // Takes the definitions of the innermost component, just before close().
  std::vector<Definition> take_definitions() { return std::move(scope().definitions); }
  const std::shared_ptr<ComponentTypes>& types() const { return types_; }

  // --- Types: results of index lookups are kNoType after an error ---
  TypeId primitive(TypeKind kind);
  TypeId type_at(uint32_t index);
  TypeId value_type_at(uint32_t index);
  TypeId resource_at(uint32_t index);
  TypeId type_at(uint32_t index, TypeKind kind);  // Func, Component, Instance, Stream, Future
  TypeId core_module_type_at(uint32_t index);
  TypeId type_of_value_at(uint32_t index);
  TypeId value_type(ComponentTypeDef def);  // checks a defvaltype and makes it
  TypeId handle_type(TypeKind kind, uint32_t resource_index);
  TypeId func_type(ComponentTypeDef def);
  void define_type(TypeId type);  // appends to the type index space
  void resource_type(ValType rep, std::optional<uint32_t> dtor);
  std::vector<TypeDef>& core_types() { return scope().core_types; }
  void core_types_read();                       // after rec types were appended to core_types()
  void core_module_type(ComponentTypeDef def);  // CoreModule, from the declarators
  void check_core_module(const ComponentTypeDef& def);
  // For a module type, which may only alias core types that stand on their own; nullptr after an error.
  const TypeDef* outer_core_type(uint32_t count, uint32_t index);

  // --- Definitions ---
  void core_module(std::shared_ptr<const Module> module);
  void core_instantiate(uint32_t module, std::vector<std::pair<std::string, uint32_t>> args);
  void core_inline_exports(std::vector<NamedSortIndex> exports);
  void nested_component(std::shared_ptr<const Component> component);
  void instantiate(uint32_t component, std::vector<NamedSortIndex> args);
  void inline_exports(std::vector<InlineExport> exports);
  void alias_export(Sort sort, CoreSort core, uint32_t instance, std::string name);
  void alias_core_export(CoreSort sort, uint32_t instance, std::string name);
  void alias_outer(Sort sort, CoreSort core, uint32_t count, uint32_t index);
  void import_(ExternLabel label, ExternType type);
  void export_decl(ExternLabel label, ExternType type);  // in a component or instance type
  void export_(ExternLabel label, SortIndex item, std::optional<ExternType> ascribed);
  void value(TypeId type, ByteRange contents);
  void start(uint32_t func, std::vector<uint32_t> args, uint32_t results);

  void canon_lift(uint32_t core_func, const std::vector<Option>& options, uint32_t type);
  void canon_lower(uint32_t func, const std::vector<Option>& options);
  // Fields that the built-in does not have keep their defaults; indices are resolved by the functions below.
  void canon_resource(CanonBuiltin builtin, uint32_t type);
  void canon_task_return(TypeId result, const std::vector<Option>& options);
  void canon_context(CanonBuiltin builtin, ValType type, uint32_t slot);
  void canon_stream_or_future(CanonBuiltin builtin, uint32_t type, const std::vector<Option>& options, bool is_async);
  void canon_error_context(CanonBuiltin builtin, const std::vector<Option>& options);
  void canon_waitable_set(CanonBuiltin builtin, uint32_t memory);
  // thread.new-indirect, thread.spawn-indirect; thread.spawn-ref, which has no table.
  void canon_thread_start(CanonBuiltin builtin, uint32_t core_type, uint32_t table);
  void canon_simple(CanonBuiltin builtin, bool is_async);  // all others

 private:
  // Resources with a label of their own, for [constructor], [method] and [static].
  struct ResourceLabels {
    std::unordered_map<TypeId, std::string> labels;
    std::unordered_set<std::string> known;
    void add(TypeId type, const std::string& label) { known.insert(labels.emplace(type, label).first->second); }
  };
  // A value must be used exactly once: by an export, an instance or the start function.
  struct Value {
    TypeId type = kNoType;
    bool is_used = false;
  };
  struct Scope {
    ScopeKind kind = ScopeKind::Component;
    // Core index spaces. A module type has an entry in both vectors, the one in core_types a stand-in.
    std::vector<TypeDef> core_types;
    std::vector<TypeId> core_module_types;  // kNoType where the core type is none
    std::vector<TypeId> core_modules;       // CoreModule types
    std::vector<TypeId> core_instances;     // CoreModule types, of which the exports count
    std::vector<uint32_t> core_funcs;       // canonical numbers
    std::vector<TableType> core_tables;
    std::vector<MemoryType> core_memories;
    std::vector<GlobalType> core_globals;
    std::vector<uint32_t> core_tags;  // canonical numbers
    // Component index spaces.
    std::vector<TypeId> types;
    std::vector<TypeId> funcs;
    std::vector<TypeId> components;
    std::vector<TypeId> instances;
    std::vector<Value> values;

    std::vector<ExternDecl> imports;
    std::vector<ExternDecl> exports;
    std::unordered_map<std::string, std::string> import_names;  // by unique_key
    std::unordered_map<std::string, std::string> export_names;
    ResourceLabels imported_resources;
    ResourceLabels exported_resources;
    // Types with an externally visible name; what is imported may be named in exports too.
    std::unordered_set<TypeId> imported_types;
    std::unordered_set<TypeId> exported_types;

    std::unordered_map<ResourceId, ValType> local_resources;  // defined here, with their representation
    std::unordered_set<ResourceId> unbound_resources;  // defined here or by an instantiation: an export binds them
    std::unordered_set<ResourceId> exported_bound;     // of these, those that an export has bound
    std::optional<ValType> context_type;               // of context.get and context.set
    std::vector<Definition> definitions;
  };

  Scope& scope() { return scopes_.back(); }
  const Scope& scope() const { return scopes_.back(); }
  const ComponentTypeDef& def(TypeId id) const { return (*types_)[id]; }
  // Puts a type into the arena, within the limits; kNoType after an error.
  TypeId add(ComponentTypeDef def);
  bool check_limits(TypeId id);
  bool check_budget();
  template <typename T>
  const T* at(const std::vector<T>& space, uint32_t index, const char* what) {
    if (index < space.size()) return &space[index];
    invalid("unknown {} {}: {} index out of bounds", what, index, what);
    return nullptr;
  }
  template <typename T, typename V>
  void append(std::vector<T>& space, V&& item, const char* what) {
    if (space.size() >= 1'000'000) return unsupported(fmt::format("too many {}s in one component", what));
    space.push_back(std::forward<V>(item));
  }
  void append_sort(ExternSort sort, TypeId type);
  void define(Definition definition) { scope().definitions.push_back(std::move(definition)); }

  // types
  bool check_labels(const std::vector<NamedType>& parts, const char* what, const char* kind);

  // externs
  bool check_name(const ExternLabel& label, ExternSort sort, ExternKindOf kind,
                  std::unordered_map<std::string, std::string>& names);
  bool check_attributes(const ExternLabel& label, const ExternName& name, ExternSort sort);
  bool check_annotated(const ExternName& name, ExternSort sort, TypeId type, const ResourceLabels& resources);
  std::optional<ExternDecl> make_decl(ExternLabel label, const ExternType& type);
  void add_extern(ExternDecl decl, ExternKindOf kind);
  bool register_named_types(const ExternDecl& decl, ExternKindOf kind);
  bool is_named(TypeId type, const std::unordered_set<TypeId>& set, std::unordered_set<TypeId>& seen);
  bool are_parts_named(TypeId type, const std::unordered_set<TypeId>& set, std::unordered_set<TypeId>& seen);
  TypeId bind_exported_instance(TypeId instance);
  bool bind_exported_resource(TypeId type);
  std::optional<ExternDecl> decl_of(const SortIndex& item);
  TypeId alias_type(TypeId type);

  // instances
  const CoreExternDecl* find_core_export(TypeId instance, const std::string& name);
  const ExternDecl* find_export(TypeId instance, const std::string& name);
  Scope* outer_scope(uint32_t count);          // nullptr after an error
  static bool is_closed(const TypeDef& type);  // no references to other types by index

  // values
  TypeId use_value(uint32_t index);  // kNoType after an error
  bool check_values_used(const Scope& closed);

  // canon
  struct OptionRules {
    bool lift = false;  // post-return and callback are allowed
    bool allow_realloc = true;
    bool allow_async = true;
  };
  std::optional<CanonOptions> canon_options(const std::vector<Option>& options, OptionRules rules);
  bool require_memory(const CanonOptions& options);
  bool require_realloc(const CanonOptions& options);
  bool check_core_func(uint32_t index, const FuncType& expected, const char* what);
  void define_core_func(def::CanonDefine definition, FuncType type);

  ErrorSink& sink_;
  size_t offset_ = 0;
  std::shared_ptr<ComponentTypes> types_;
  WorkBudget budget_;
  std::vector<Scope> scopes_;
  TypeId primitives_[16];
  // Exports by name, of instances with many.
  std::unordered_map<TypeId, std::unordered_map<std::string, uint32_t>> export_index_;
  std::unordered_map<TypeId, std::unordered_map<std::string, uint32_t>> core_export_index_;
};

}  // namespace wjit
