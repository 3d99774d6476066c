// Instantiation: a component's definitions run once, in order, each appending to an index space (frontend/component.h).
// Guest to guest calls get an adapter context per lowered function, whose code is compiled at the first call.
//
// HostInterfaces is what a store's host offers to root components: instances by name, matched by semver compatibility
// ("wasi:cli/stdout@0.2.3" is served by the 0.2.12 host). One per store: functions and resource types may hold its
// state.
//
// Spec: component-model Explainer.md, "Component Definitions"; Binary.md. Tests: test/unit/linker_test.cpp, public
// suite.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "abi/instance.h"
#include "abi/store.h"
#include "base/error.h"
#include "frontend/component.h"

namespace wjit {

// One host interface: functions by name ("write-via-stream", "[method]pollable.block"), resource types by name.
struct HostInterface {
  std::string name;  // with version: "wasi:cli/stdout@0.3.0"
  std::map<std::string, std::shared_ptr<const HostFunction>, std::less<>> functions;
  std::map<std::string, ResourceType*, std::less<>> resources;  // owned by whoever made the interface
};

class HostInterfaces {
 public:
  void add(std::shared_ptr<const HostInterface> interface);
  // The interface that serves an import name, or an error that names what there is (another version, a near miss).
  Result<std::shared_ptr<const HostInterface>> find(std::string_view import) const;
  // "a:b/c@1.2.3" names of everything there is, sorted.
  std::vector<std::string> names() const;

 private:
  std::map<std::string, std::shared_ptr<const HostInterface>, std::less<>> interfaces_;  // by version_track of the name
};

// Where the items for a component's imports come from.
using ImportSource = std::function<Result<RuntimeItem>(const ExternDecl& import, ComponentInstance& importer)>;
// From host interfaces (root components): checks the function types and says which import is missing and what there is.
ImportSource import_from_host(Store& store, const HostInterfaces& interfaces);
// From items by name: the arguments of an instantiation. A type that is not among them has no run-time form.
ImportSource import_from_items(const std::map<std::string, RuntimeItem, std::less<>>& items);

// Runs all definitions. Guest code runs (start functions) on fibers, so call it on the strand or while no run() is
// under way. An error may be a trap: then the store has its record.
Result<ComponentInstance*> instantiate(Store& store, std::shared_ptr<const Component> component,
                                       const ImportSource& imports, std::string name);

// An exported function: "name", or "a:b/iface@1.0.0#name" / "a:b/iface.name" for one of an exported instance.
Result<std::shared_ptr<RuntimeFunction>> find_function(const ComponentInstance& instance, std::string_view path);

}  // namespace wjit
