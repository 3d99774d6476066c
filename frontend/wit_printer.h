// A component's imports and exports as WIT text: its world, and the interfaces that the world names, by package. Also a
// plain list of a core module's imports and exports. For `wjit inspect`. Words and syntax: component-model WIT.md. Pure
// functions; any thread. Test: test/unit/wit_printer_test.cpp.
#pragma once

#include <string>

#include "frontend/component.h"
#include "frontend/module.h"

namespace wjit {

// What WIT cannot say (imported components and core modules) is a comment line.
std::string print_wit(const Component& component);

// One line for each import and export: kind, names, type.
std::string print_module(const Module& module);

}  // namespace wjit
