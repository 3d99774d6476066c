// A stack machine over the few constant instructions. The expression has been validated, so operands are there and have
// their types; the depth of the stack is bounded by the size of the expression.
#include "jit/const_expr.h"

#include <cstring>
#include <vector>

#include "base/check.h"
#include "frontend/opcodes.h"
#include "frontend/reader.h"
#include "jit/instance.h"

namespace wjit {
namespace {

template <typename T>
GlobalCell cell(T value) {
  GlobalCell result;
  memcpy(result.bytes, &value, sizeof value);
  return result;
}

template <typename T>
T value_of(const GlobalCell& from) {
  T value;
  memcpy(&value, from.bytes, sizeof value);
  return value;
}

template <typename T, typename Operation>
void binary(std::vector<GlobalCell>& stack, Operation operation) {
  const T right = value_of<T>(stack.back());
  stack.pop_back();
  stack.back() = cell<T>(operation(value_of<T>(stack.back()), right));
}

}  // namespace

Result<GlobalCell> evaluate(CoreInstance& instance, ConstExpr expr) {
  ErrorSink sink;
  Reader in(*instance.module().bytes, expr, sink);
  std::vector<GlobalCell> stack;
  while (true) {
    const uint8_t first = in.byte();
    const uint8_t prefix = first >= 0xFB && first <= 0xFD ? first : 0;
    const OpcodeInfo* row = find_opcode(prefix, prefix ? in.u32() : first);
    CHECK(sink.ok() && row);
    switch (row->opcode) {
      case Opcode::End: {
        CHECK(in.at_end() && stack.size() == 1);
        return stack.back();
      }
      case Opcode::I32Const: stack.push_back(cell(in.s32())); break;
      case Opcode::I64Const: stack.push_back(cell(in.s64())); break;
      case Opcode::F32Const: stack.push_back(cell(in.fixed32())); break;
      case Opcode::F64Const: stack.push_back(cell(in.fixed64())); break;
      case Opcode::V128Const: {
        const uint64_t low = in.fixed64(), high = in.fixed64();
        GlobalCell& vector = stack.emplace_back(cell(low));
        memcpy(vector.bytes + 8, &high, sizeof high);
        break;
      }
      case Opcode::I32Add: binary<uint32_t>(stack, [](uint32_t a, uint32_t b) { return a + b; }); break;
      case Opcode::I32Sub: binary<uint32_t>(stack, [](uint32_t a, uint32_t b) { return a - b; }); break;
      case Opcode::I32Mul: binary<uint32_t>(stack, [](uint32_t a, uint32_t b) { return a * b; }); break;
      case Opcode::I64Add: binary<uint64_t>(stack, [](uint64_t a, uint64_t b) { return a + b; }); break;
      case Opcode::I64Sub: binary<uint64_t>(stack, [](uint64_t a, uint64_t b) { return a - b; }); break;
      case Opcode::I64Mul: binary<uint64_t>(stack, [](uint64_t a, uint64_t b) { return a * b; }); break;
      case Opcode::GlobalGet: stack.push_back(*instance.global(in.u32())); break;
      case Opcode::RefFunc: stack.push_back(cell(instance.func_ref(in.u32()))); break;
      case Opcode::RefNull:
        in.s33();
        stack.push_back(cell<void*>(nullptr));
        break;
      default: return fail("not supported yet: {} in a constant expression ({})", row->text, name(row->feature));
    }
  }
}

}  // namespace wjit
