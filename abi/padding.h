// The padding of values of numbers in memory: what lies there is the writer's own, and no other component may see it.
// So elements with padding are not copied as plain bytes. Pure functions; called where code for copies is made
// (abi/adapter_list.cpp)
// and where payload types are (abi/occurrences.cpp). Test: test/lit/adapter/padding.wat.
#pragma once

#include <cstdint>
#include <vector>

#include "frontend/component_types.h"

namespace wjit {

// Of a type for which all_numbers (abi/adapter.h): whether there are bytes between its values.
bool has_padding(const ComponentTypes& types, TypeId type);
// For each byte of a value 0xff, or 0 for padding.
std::vector<uint8_t> padding_mask(const ComponentTypes& types, TypeId type);

}  // namespace wjit
