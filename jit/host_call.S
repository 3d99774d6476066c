// The stubs of the core run-time built-ins: `wjit_stub_<name>` calls `builtin_<name>` (jit/builtins.cpp) on the
// worker's stack. Emitted code reaches them as `wjit.<name>`, bound when it is linked.
#include "jit/host_call.inc"

#define BUILTIN(name, params, result) HOST_STUB wjit_stub_##name, builtin_##name
#include "jit/builtins.def"
#undef BUILTIN

  .section .note.GNU-stack, "", @progbits
