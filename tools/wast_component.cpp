// See tools/wast_component.h.
#include "tools/wast_component.h"

#include <optional>

#include "abi/deadlock.h"
#include "frontend/canonical_layout.h"

namespace wjit::tools {

void ComponentScope::define(std::shared_ptr<const Component> component, const std::string& id) {
  definitions_[""] = component;
  if (!id.empty()) definitions_[id] = std::move(component);
}

std::shared_ptr<const Component> ComponentScope::definition(const std::string& id) const {
  auto found = definitions_.find(id);
  return found != definitions_.end() ? found->second : nullptr;
}

Outcome ComponentScope::instantiate(std::shared_ptr<const Component> component, const std::string& id) {
  Store& store = usable_store();
  auto made =
      wjit::instantiate(store, std::move(component), import_from_items(importable_), id.empty() ? "" : id.substr(1));
  if (!made) {
    if (store.locked_down()) return Outcome::trap(trap_of(&store.context()));
    return {.kind = Outcome::Kind::Link, .message = made.error().message};
  }
  instances_[""] = {&store, *made};
  if (!id.empty()) {
    instances_[id] = {&store, *made};
    importable_[id.substr(1)] = std::make_shared<RuntimeInstance>((*made)->exports);
  }
  return {};
}

Outcome ComponentScope::register_as(const std::string& name, const std::string& id) {
  const Placed* placed = find(id);
  if (placed == nullptr) return Outcome::error(fmt::format("no component instance {}", id));
  if (placed->store == &usable_store())
    importable_[name] = std::make_shared<RuntimeInstance>(placed->instance->exports);
  return {};
}

// The items of an older store cannot be imported into another one.
Store& ComponentScope::usable_store() {
  if (stores_.empty() || stores_.back()->locked_down()) {
    stores_.push_back(std::make_unique<Store>(engine_, scheduler_));
    importable_.clear();
  }
  return *stores_.back();
}

const ComponentScope::Placed* ComponentScope::find(const std::string& id) const {
  auto found = instances_.find(id);
  return found != instances_.end() ? &found->second : nullptr;
}

Outcome ComponentScope::perform(const wast::Action& action) {
  const Placed* placed = find(action.module);
  if (placed == nullptr) return Outcome::error(fmt::format("no component instance {}", action.module));
  if (action.kind != wast::Action::Kind::Invoke) return Outcome::error("components have no globals");
  auto function = find_function(*placed->instance, action.name);
  if (!function) return Outcome::error(function.error().message);
  if (placed->store->locked_down()) {
    return {.kind = Outcome::Kind::Trap, .message = message(TrapCode::CannotEnter), .code = TrapCode::CannotEnter};
  }
  return call(*placed->store, *function, action);
}

Outcome ComponentScope::call(Store& store, const std::shared_ptr<RuntimeFunction>& function,
                             const wast::Action& action) {
  const ComponentTypes& types = *function->types;
  const ComponentTypeDef& type = types[function->type];
  if (type.parts.size() != action.args.size()) {
    return Outcome::error(
        fmt::format("\"{}\" has {} parameters, not {}", action.name, type.parts.size(), action.args.size()));
  }
  HostArena arena;
  const SizeAlign size = params_size(types, function->type, true);
  auto* params = static_cast<uint8_t*>(arena.allocate(size.size + 16, 16));
  const std::vector<uint32_t> offsets = field_offsets(types, function->type, true);
  for (size_t i = 0; i < action.args.size(); ++i) {
    auto value = to_component_value(types, type.parts[i].type, action.args[i]);
    if (!value) return Outcome::error(value.error().message);
    auto stored = store_value(types, type.parts[i].type, *value, params + offsets[i], arena);
    if (!stored) return Outcome::error(stored.error().message);
  }
  Outcome outcome;
  outcome.types = function->types;
  outcome.type = type.element;
  bool resolved = false;
  std::optional<Error> failure;
  const size_t result_bytes = type.element != kNoType ? elem_size(types, type.element, true) : 0;
  store.enqueue([&] {
    auto started = store.start_call(function, params, result_bytes, [&](const void* results) {
      resolved = true;
      store.end_quantum();  // what other threads do then is not this call's
      if (type.element == kNoType) return;
      uint64_t left = store.host_memory.left;
      outcome.value = load_value(types, type.element, results, left);
      if (left == 0) failure = Error{"the result takes more host memory than is left"};
    });
    if (!started) failure = started.error();
  });
  const RunResult ended = scheduler_.run(store, [&] { return resolved || failure || store.locked_down(); });
  if (failure) return Outcome::error(failure->message);
  if (store.locked_down()) return Outcome::trap(trap_of(&store.context()));
  if (ended == RunResult::Idle) {
    // Nothing may run in this store again: its call refers to this frame.
    store.trap(TrapCode::Deadlock, describe_deadlock(store));
    return Outcome::trap(trap_of(&store.context()));
  }
  return outcome;
}

}  // namespace wjit::tools
