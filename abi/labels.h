// Names of instances and tasks for messages and traces. Strand only. Tests: test/lit/deadlock, test/lit/trace.
#pragma once

#include <string>

namespace wjit {

struct ComponentInstance;
struct Task;

// "NAME", made unique among the store's instances by "#2", "#3"….
std::string instance_label(const ComponentInstance& instance);
// The function that the task is a call of: "FUNCTION".
std::string function_label(const Task& task);
// "FUNCTION of INSTANCE".
std::string task_label(const Task& task);

}  // namespace wjit
