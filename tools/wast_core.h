// The core modules of one test script: what they are instantiated from, the names they are registered under, and the
// actions on their exports. All instances of a script live in one store, and live on after a trap, as the suite wants.
// Used by tools/wast_runner.cpp. Test: the public core suite.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "abi/store.h"
#include "frontend/wast.h"
#include "jit/instance.h"
#include "tools/wast_value.h"

namespace wjit::tools {

// How something in a script ended.
struct Outcome {
  enum class Kind : uint8_t {
    Done,   // with `values`, or `value` (components)
    Trap,   // `message`; `code` says which
    Link,   // an import does not fit: `message`
    Error,  // the script, or wjit: `message`
  };
  Kind kind = Kind::Done;
  std::string message;
  TrapCode code = TrapCode::Unreachable;
  std::string place = {};  // of a trap: the innermost function
  std::vector<CoreValue> values = {};
  // Of a component function: the result, if its type has one.
  std::shared_ptr<const ComponentTypes> types = nullptr;
  TypeId type = kNoType;
  ComponentValue value = {};

  static Outcome error(std::string message) { return {.kind = Kind::Error, .message = std::move(message)}; }
  static Outcome trap(const Trap& trap);
};

class CoreScope {
 public:
  CoreScope(Engine& engine, Scheduler& scheduler) : store_(engine, scheduler) {}

  // The new instance becomes the current one, and gets the name `id` unless that is "".
  Outcome instantiate(std::shared_ptr<const Module> module, const std::string& id);
  // Makes the exports of an instance ("": the current one) importable as module `name`.
  Outcome register_as(const std::string& name, const std::string& id);
  Outcome perform(const wast::Action& action);

 private:
  Outcome resolve_imports(const Module& module, std::vector<Extern>& imports);
  Outcome run_start(CoreInstance& instance);
  CoreInstance* find(const std::string& id);
  Outcome add_spectest();

  Store store_;
  std::vector<std::shared_ptr<CoreInstance>> all_;  // also those whose initialization trapped
  std::map<std::string, std::shared_ptr<CoreInstance>, std::less<>> named_;
  std::map<std::string, std::shared_ptr<CoreInstance>, std::less<>> registered_;
  std::shared_ptr<CoreInstance> current_;
};

}  // namespace wjit::tools
