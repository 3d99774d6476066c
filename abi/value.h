// Component values outside of guests: as a tree (frontend/component_values.h), as text (WAVE, as `wjit run --invoke`
// reads and prints it), and in host layout (abi/host.h), where adapters take them from and put them. Not thread-bound;
// streams and futures have no form here. Tests: test/unit/value_test.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "abi/host.h"
#include "base/error.h"
#include "frontend/component_values.h"

namespace wjit {

// Reads one value of type `type` from the start of `text` and moves `text` past it. WAVE syntax: 1, "x", 'c', [1, 2],
// (1, "a"), {field: 1}, case(payload), some(1), none, ok, err("x"), {flag1, flag2}.
Result<ComponentValue> parse_wave(const ComponentTypes& types, TypeId type, std::string_view& text);
std::string to_wave(const ComponentTypes& types, TypeId type, const ComponentValue& value);

// Writes the value at `to`, in host layout; strings and lists into the arena. Fails where it does not fit the type.
Result<> store_value(const ComponentTypes& types, TypeId type, const ComponentValue& value, void* to, HostArena& arena);
// Reads a value in host layout that an adapter has written. `left`: how many bytes the tree may take; 0 afterwards when
// they were too few (then the value is incomplete).
ComponentValue load_value(const ComponentTypes& types, TypeId type, const void* from, uint64_t& left);

}  // namespace wjit
