// The C++ side of jit/builtins.def: `builtin_<name>`, called on the worker's stack by the stubs of jit/host_call.S. The
// table's letters are checked against these prototypes in jit/builtins.cpp. Bounds violations raise traps; the stub
// then leaves the fiber. Tests: test/unit/trap_test.cpp, public core suite (memory_*, table_*, bulk).
#pragma once

#include "ir/vmctx.h"

namespace wjit {

extern "C" {
// Also called by adapters and canonical built-ins: of the context only the first word, the store, is used.
void builtin_trap(VmContext*, uint32_t code);
uint64_t builtin_memory_grow(VmContext*, uint32_t memory, uint64_t delta);
void builtin_memory_copy(VmContext*, uint32_t to, uint32_t from, uint64_t destination, uint64_t source, uint64_t count);
void builtin_memory_fill(VmContext*, uint32_t memory, uint64_t destination, uint32_t value, uint64_t count);
void builtin_memory_init(VmContext*, uint32_t memory, uint32_t segment, uint64_t destination, uint64_t source,
                         uint64_t count);
void builtin_data_drop(VmContext*, uint32_t segment);
uint64_t builtin_table_grow(VmContext*, uint32_t table, void* initial, uint64_t delta);
void builtin_table_fill(VmContext*, uint32_t table, uint64_t destination, void* value, uint64_t count);
void builtin_table_copy(VmContext*, uint32_t to, uint32_t from, uint64_t destination, uint64_t source, uint64_t count);
void builtin_table_init(VmContext*, uint32_t table, uint32_t segment, uint64_t destination, uint64_t source,
                        uint64_t count);
void builtin_elem_drop(VmContext*, uint32_t segment);
Exception* builtin_exception_new(VmContext*, uint32_t tag);
void builtin_exception_catch(VmContext*, Exception* exception);
void* builtin_exception_ref(VmContext*, Exception* exception);
Exception* builtin_exception_of(VmContext*, void* reference);

// The stubs (jit/host_call.S): addresses for the linker, not to be called from C++.
#define BUILTIN(name, params, result) void wjit_stub_##name();
#include "jit/builtins.def"
#undef BUILTIN
void wjit_stub_throw();  // jit/throw.S: `wjit.throw`
void __morestack();      // scheduler/switch.S
}

}  // namespace wjit
