// Values of test scripts and values of guests: the script's constants as arguments, and its patterns against results
// (NaN classes, lanes, references, either). Components' values go by the function's type.
// Used by tools/wast_core.cpp and tools/wast_component.cpp. Test: the public suites.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "abi/value.h"
#include "frontend/wast.h"

namespace wjit::tools {

// A core value: numbers as bits, references as what the guest holds (0 is null).
struct CoreValue {
  ValType type;
  uint64_t low = 0;
  uint64_t high = 0;  // V128 only
};

// Appends the 64-bit words of an argument (jit/instance.h, place_arguments).
Result<> append_argument(const wast::Value& value, std::vector<uint64_t>& words);
bool matches(const wast::Value& expected, const CoreValue& actual);

// The script's constant as a value of type `type`; fails where it has another shape.
Result<ComponentValue> to_component_value(const ComponentTypes& types, TypeId type, const wast::Value& value);
bool matches(const ComponentTypes& types, TypeId type, const wast::Value& expected, const ComponentValue& actual);

// For messages.
std::string to_string(const CoreValue& value);
std::string to_string(const wast::Value& value);

}  // namespace wjit::tools
