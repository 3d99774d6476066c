// Values of component-level types, as a tree, and the literals of value definitions, which are bytes (Binary.md, "Value
// Definitions"). Users: frontend/component_decoder.cpp checks literals, abi/instantiate.cpp makes values of them,
// frontend/text_component_values.cpp learns from the decoder which types its literals have; all of abi/value.h.
// Test: test/unit/component_test.cpp, test/unit/text_component_test.cpp.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "frontend/component.h"
#include "frontend/component_types.h"
#include "frontend/reader.h"

namespace wjit {

struct ComponentValue {
  TypeKind kind = TypeKind::Bool;
  // Numbers (floats as their bits), bool, char; variant-likes: the case; flags: the set; handles.
  uint64_t bits = 0;
  std::string text;                      // string
  std::vector<ComponentValue> children;  // fields, elements; the payload of a variant-like
};

// Reads one value of a value type into `out`, if that is not null; what is wrong goes to the reader's sink. Recursion
// is as deep as the type, and so is the tree: each byte makes no more nodes than that.
void read_value(Reader& in, const ComponentTypes& types, TypeId type, ComponentValue* out = nullptr);

// The text format writes literals of which only the validator knows the type: their number stands behind this length,
// which no real literal has.
constexpr uint32_t kLiteralToCome = UINT32_MAX;
// Told of each of these that decode_component meets.
using LiteralToCome = std::function<void(uint32_t number, const ComponentTypes& types, TypeId type)>;
Parsed<std::shared_ptr<const Component>> decode_component(std::shared_ptr<const Bytes> bytes,
                                                          const LiteralToCome& literal_to_come);

}  // namespace wjit
