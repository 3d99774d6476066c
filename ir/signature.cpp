#include "ir/signature.h"

namespace wjit {

static bool is_vector_class(ValType type) {
  return type.kind == ValKind::F32 || type.kind == ValKind::F64 || type.kind == ValKind::V128;
}

CallShape classify(const FuncType& type) {
  using Where = ValueLocation::Where;
  CallShape shape;
  uint16_t integers = 0, vectors = 0, slots = 0;
  for (ValType param : type.params) {
    bool vector = is_vector_class(param);
    uint16_t& used = vector ? vectors : integers;
    if (used < (vector ? kVectorParams : kIntegerParams)) {
      shape.params.push_back({vector ? Where::Vector : Where::Integer, used++});
    } else {
      shape.params.push_back({Where::Area, slots++});
    }
  }
  slots = 0;
  for (ValType result : type.results) {
    if (shape.results.empty()) {
      shape.results.push_back({is_vector_class(result) ? Where::Vector : Where::Integer, 0});
    } else {
      shape.results.push_back({Where::Area, slots++});
    }
  }
  return shape;
}

}  // namespace wjit
