// Binary in, text out: modules and components as .wat. The text is assembled (frontend/text.h) to a module or component
// that is equal, and to the very same bytes where the binary is encoded as the assembler encodes it. What the text
// format has no words for is in annotations, which other tools skip:
//
//   (@custom "name" place? "…")   a custom section: "name" and "component-name" only where ids do not say the same
//   $id (@name "x")               the name, where it is no id of its own (twice the same, empty)
//   (@own-name "x")               what a module or component in a component calls itself; (@own-name) for nothing
//   (@section data)               the section is there though it is empty; a data count that no instruction asks for
//   (@section)                    the next definition of a component begins a section of its own
//   (@section core type)          an empty section of a component stands here
//   (@leb 5)                      the next number takes 5 bytes, as linkers leave it; (@leb 1) 0 is an index that the
//                                 shortest encoding would leave out (PrintOptions::exact)
//
// The input is not validated, only read; the first thing that cannot be read is the error.
//
//   print_module.h, print_module.cpp, print_instructions.cpp   core modules
//   print_component.h, print_component.cpp, print_component_types.cpp   components
//   print_names.h   ids, strings, the output
//
// Callers: tools/text.cpp. Pure function, any thread. Core specification 3.0, chapters 5 and 6; Binary.md and
// Explainer.md. Tests: test/unit/print_test.cpp, test/lit/print.
#pragma once

#include <string>

#include "base/error.h"
#include "frontend/module.h"

namespace wjit {

struct PrintOptions {
  bool exact = false;  // (@leb …) for numbers that are longer than they need to be
};

Parsed<std::string> print_text(const Bytes& bytes, const PrintOptions& options);

}  // namespace wjit
