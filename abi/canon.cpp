// The table of built-ins' stubs. See abi/canon.h.
#include "abi/canon.h"

#include "base/check.h"

extern "C" {
#define CANON_CALL(name, params, result) void wjit_stub_canon_##name();
#include "abi/canon_calls.def"
#undef CANON_CALL
void wjit_stub_task_return();
}

namespace wjit {

void* canon_stub(CanonBuiltin builtin) {
  switch (builtin) {
#define CANON_CALL(name, params, result) \
  case CanonBuiltin::name: return reinterpret_cast<void*>(&wjit_stub_canon_##name);  // NOLINT
#include "abi/canon_calls.def"
#undef CANON_CALL
    case CanonBuiltin::TaskReturn: return reinterpret_cast<void*>(&wjit_stub_task_return);  // NOLINT
  }
  UNREACHABLE_CASE("a built-in without a stub");
}

}  // namespace wjit
