// Names for messages: see abi/labels.h.
#include "abi/labels.h"

#include "abi/store.h"

namespace wjit {

std::string instance_label(const ComponentInstance& instance) {
  int same = 0;
  for (const auto& other : instance.store->instances()) {
    if (other->name != instance.name) continue;
    ++same;
    if (other.get() == &instance) break;
  }
  std::string name = instance.name.empty() ? "(unnamed)" : instance.name;
  return same < 2 ? name : fmt::format("{}#{}", name, same);
}

std::string function_label(const Task& task) {
  if (task.adapter == nullptr) return task.instance->component != nullptr ? "a destructor" : "the main function";
  // "caller -> function"
  const std::string& name = task.adapter->spec->name;
  const size_t arrow = name.rfind(" -> ");
  return arrow == std::string::npos ? name : name.substr(arrow + 4);
}

std::string task_label(const Task& task) {
  return fmt::format("{} of {}", function_label(task), instance_label(*task.instance));
}

}  // namespace wjit
