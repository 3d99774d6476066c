// Literals of value definitions: are these bytes a value of this type? Binary.md, "Value Definitions".
// Called by frontend/component_decoder.cpp. Test: test/unit/component_test.cpp.
#pragma once

#include "frontend/component_types.h"
#include "frontend/reader.h"

namespace wjit {

// Reads one value of a value type; what is wrong goes to the reader's sink. Recursion is as deep as the type.
void read_value(Reader& in, const ComponentTypes& types, TypeId type);

}  // namespace wjit
