// The table of built-ins' stubs. See abi/canon.h.
#include "abi/canon.h"

#include "base/check.h"

extern "C" {
#define CANON_CALL(name, params, result) void wjit_stub_canon_##name();
#include "abi/canon_calls.def"
#undef CANON_CALL
void wjit_task_return_entry();
void wjit_context_get_entry();
}

namespace wjit {

void* canon_stub(CanonBuiltin builtin) {
  if (builtin == CanonBuiltin::ContextGet) return reinterpret_cast<void*>(&wjit_context_get_entry);  // NOLINT
  switch (builtin) {
#define CANON_CALL(name, params, result) \
  case CanonBuiltin::name: return reinterpret_cast<void*>(&wjit_stub_canon_##name);  // NOLINT
#include "abi/canon_calls.def"
#undef CANON_CALL
    case CanonBuiltin::TaskReturn: return reinterpret_cast<void*>(&wjit_task_return_entry);  // NOLINT
  }
  UNREACHABLE_CASE("a built-in without a stub");
}

}  // namespace wjit
