// A component made from other components: its definitions in order, each of which gives the index of what it defines,
// and the types of its imports, encoded again from the data model. Nested components go in as the bytes that they are.
//
// Types may come from several arenas (components that were decoded on their own). A type that has a name where it comes
// from (an export of an instance type or of an import) is bound to the index that the name gets here; what mentions it
// refers to that index, from inside a type by an outer alias. Types of imported instances and of instances made here
// are aliased when they are first mentioned. Types without names are written out where they are used.
//
//   ComponentEncoder out;
//   uint32_t host = out.import_instance("a:b/types@1.0.0", {}, {{arena, instance type}});
//   uint32_t part = out.nested_component(component, "app");
//   uint32_t instance = out.instantiate(part, {{"a:b/types@1.0.0", Space::Instance, host}}, "app");
//   out.export_item("run", {}, Space::Func, out.alias_export(Space::Func, instance, "run"));
//   Result<Bytes> bytes = out.finish();
//
// Users: frontend/compose.cpp. Not thread-safe. Binary.md. Tests: test/unit/compose_test.cpp.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "frontend/component.h"
#include "frontend/component_writer.h"

namespace wjit {

// A type of one arena.
struct ArenaType {
  const ComponentTypes* types = nullptr;
  TypeId id = kNoType;
  auto operator<=>(const ArenaType&) const = default;
  const ComponentTypeDef& def() const { return (*types)[id]; }
};

class ComponentEncoder {
 public:
  using Space = component_text::Space;
  struct Argument {
    std::string name;
    Space space = Space::Instance;
    uint32_t index = 0;
  };

  ComponentEncoder();

  // An import of an instance that has the exports of all of `types` (Instance types): where two have the same name, the
  // first one's. The types that they export are bound.
  uint32_t import_instance(std::string_view name, const NameAttributes& attributes, std::span<const ArenaType> types);
  // Any other import; of a type, `decl.type` is bound.
  uint32_t import_item(const ComponentTypes& types, const ExternDecl& decl);
  // `name` is for the name section.
  uint32_t nested_component(const Component& component, std::string name);
  uint32_t instantiate(uint32_t component, std::span<const Argument> arguments, std::string name);
  uint32_t alias_export(Space space, uint32_t instance, std::string_view name);
  void export_item(std::string_view name, const NameAttributes& attributes, Space space, uint32_t index);

  // Says that `instance`, of this component, has the exports of `type`, an Instance type.
  void bind_instance(ArenaType type, uint32_t instance);
  void bind_type(ArenaType type, uint32_t index) { bind(type, {index, 0, ""}); }
  // The index of a type, which is defined or aliased where it has none.
  uint32_t type_index(ArenaType type);

  // The component, with a name section; or what could not be encoded, the first of it.
  Result<Bytes> finish();

 private:
  using Section = component_text::Section;
  using ScopeKind = component_text::ScopeKind;

  // Where a bound type is: an index of the type space, or an export of an instance that has not been aliased yet.
  struct Place {
    std::optional<uint32_t> index;
    uint32_t instance = 0;
    std::string name;
  };
  struct Scope {
    explicit Scope(ScopeKind kind) : definitions(kind) {}
    component_text::DefinitionWriter definitions;
    uint32_t counts[component_text::kSpaceCount] = {};
    std::map<ArenaType, Place> types;
    // Resource types by ResourceId, for those that are mentioned by another TypeId than the bound one.
    std::map<std::pair<const ComponentTypes*, ResourceId>, ArenaType> resources;
  };

  uint32_t define(Section section, const Writer& entry, Space space);
  void bind(ArenaType type, Place place);
  uint32_t alias_outer(uint32_t count, uint32_t index);
  std::optional<uint32_t> find_type(ArenaType type);
  uint32_t aliased(Scope& scope, Place& place);
  uint32_t declare(Section section, const ComponentTypes& types, const ExternDecl& decl);
  void extern_type(const ComponentTypes& types, const ExternDecl& decl, Writer& out);
  uint32_t instance_type(std::span<const ArenaType> types);
  uint32_t component_type(ArenaType type);
  uint32_t core_module_type(ArenaType type);
  uint32_t define_type(ArenaType type);
  void val_type(ArenaType type, Writer& out);
  void optional_val_type(ArenaType type, Writer& out);
  void handle(ArenaType type, Writer& out);
  void core_val_type(ValType type, Writer& out);
  void core_extern_type(const CoreExternDecl& decl, uint32_t func_type, Writer& out);
  void fail(std::string message) {
    if (!error_) error_ = Error{std::move(message)};
  }

  std::vector<Scope> scopes_;  // the component, and the types that are being written
  component_text::SortNames names_[component_text::kSpaceCount];
  std::optional<Error> error_;
};

}  // namespace wjit
