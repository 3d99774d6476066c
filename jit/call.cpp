// Arguments and results of guest calls made from C++, as ir/signature.h places them. Interface: jit/instance.h.
// Covered by test/unit/instance_test.cpp.
#include <cstring>

#include "base/check.h"
#include "ir/signature.h"
#include "jit/instance.h"

namespace wjit {

static size_t words(ValType type) { return type.kind == ValKind::V128 ? 2 : 1; }

void place_arguments(StoreContext* store, const FuncType& type, std::span<const uint64_t> args, void* vmctx,
                     RegisterArgs& registers) {
  const CallShape shape = classify(type);
  registers.ints[0] = reinterpret_cast<uint64_t>(vmctx);
  size_t next = 0;
  for (size_t i = 0; i < type.params.size(); ++i) {
    const ValueLocation where = shape.params[i];
    const size_t count = words(type.params[i]);
    CHECK(next + count <= args.size());
    uint8_t bytes[16] = {};
    memcpy(bytes, &args[next], count * sizeof(uint64_t));
    next += count;
    switch (where.where) {
      case ValueLocation::Where::Integer: memcpy(&registers.ints[where.index + 1], bytes, 8); break;
      case ValueLocation::Where::Vector: memcpy(registers.vectors[where.index], bytes, 16); break;
      case ValueLocation::Where::Area:
        CHECK(where.index < StoreContext::kArgumentSlots);
        memcpy(store->argument_area[where.index], bytes, 16);
        break;
    }
  }
  CHECK(next == args.size());
}

std::vector<uint64_t> collect_results(StoreContext* store, const FuncType& type, const RegisterResults& registers) {
  const CallShape shape = classify(type);
  std::vector<uint64_t> results;
  for (size_t i = 0; i < type.results.size(); ++i) {
    const ValueLocation where = shape.results[i];
    uint64_t value[2] = {};
    switch (where.where) {
      case ValueLocation::Where::Integer: value[0] = registers.rax; break;
      case ValueLocation::Where::Vector: memcpy(value, registers.xmm0, 16); break;
      case ValueLocation::Where::Area: memcpy(value, store->argument_area[where.index], 16); break;
    }
    // The upper half of a register that holds a 32-bit value is anything.
    const ValKind kind = type.results[i].kind;
    if (kind == ValKind::I32 || kind == ValKind::F32) value[0] = static_cast<uint32_t>(value[0]);
    results.insert(results.end(), value, value + words(type.results[i]));
  }
  return results;
}

}  // namespace wjit
