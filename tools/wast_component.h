// The components of one test script: definitions by id, instances, and calls of their exports. Instances share a store
// until that is in lockdown after a trap (or a deadlock); what comes next then gets a store of its own, and a call into
// the old one fails with "cannot enter component instance", as the specification says of a poisoned instance.
// Used by tools/wast_runner.cpp. Test: the public component suite.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "abi/linker.h"
#include "tools/wast_core.h"

namespace wjit::tools {

class ComponentScope {
 public:
  ComponentScope(Engine& engine, Scheduler& scheduler) : engine_(engine), scheduler_(scheduler) {}

  void define(std::shared_ptr<const Component> component, const std::string& id);
  std::shared_ptr<const Component> definition(const std::string& id) const;
  // The new instance becomes the current one, and gets the name `id` unless that is "". Later components may import it
  // by its name without the `$`.
  Outcome instantiate(std::shared_ptr<const Component> component, const std::string& id);
  Outcome register_as(const std::string& name, const std::string& id);
  // Calls a component function and runs its store until the call has resolved, has trapped, or cannot go on.
  Outcome perform(const wast::Action& action);

 private:
  struct Placed {
    Store* store = nullptr;
    ComponentInstance* instance = nullptr;
  };
  Store& usable_store();
  Outcome call(Store& store, const std::shared_ptr<RuntimeFunction>& function, const wast::Action& action);
  const Placed* find(const std::string& id) const;

  Engine& engine_;
  Scheduler& scheduler_;
  std::vector<std::unique_ptr<Store>> stores_;                                        // the last one is in use
  std::map<std::string, RuntimeItem, std::less<>> importable_;                        // of the store in use
  std::map<std::string, std::shared_ptr<const Component>, std::less<>> definitions_;  // "": the last one
  std::map<std::string, Placed, std::less<>> instances_;                              // "": the current one
};

}  // namespace wjit::tools
