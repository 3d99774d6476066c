// How wasm signatures map to registers. Guest functions use no stack arguments (so __morestack copies nothing and sibling
// calls always work): after the context, up to 5 integer-class (i32, i64, references) and 8 vector-class (f32, f64, v128)
// parameters travel in the C convention's registers, all others in 16-byte slots of StoreContext::argument_area, numbered
// from 0 in order. The first result is in rax or xmm0, the others in argument_area slots from 0.
// Used by the emitter (ir/) and by whoever calls guest code from C++ (jit/call.cpp). Tests: test/unit/signature_test.cpp.
#pragma once

#include <cstdint>
#include <vector>

#include "frontend/types.h"

namespace wjit {

struct ValueLocation {
  enum class Where : uint8_t { Integer, Vector, Area } where = Where::Integer;
  uint16_t index = 0;  // Integer: 0..4 (RegisterArgs::ints[index + 1]); Vector: 0..7; Area: slot
};

struct CallShape {
  std::vector<ValueLocation> params;
  std::vector<ValueLocation> results;  // results[0] is Integer 0 (rax) or Vector 0 (xmm0)
};

constexpr uint32_t kIntegerParams = 5;
constexpr uint32_t kVectorParams = 8;

CallShape classify(const FuncType& type);

}  // namespace wjit
