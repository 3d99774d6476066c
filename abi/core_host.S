// wjit_stub_core_host: the code of every CoreHostFunction (abi/core_host.h). Stores the argument registers as RegisterArgs
// on the guest's stack and goes to builtin_core_host on the worker's; the result comes back in rax and, for floats, xmm0.
// Offsets of RegisterArgs: base/guest_context.h. Test: test/unit/core_host_test.cpp.
#include "jit/host_call.inc"
#include "abi/register_args.inc"

HOST_STUB wjit_stub_core_host_inner, builtin_core_host

.text
.p2align 4
.globl wjit_stub_core_host
.type wjit_stub_core_host, @function
wjit_stub_core_host:
  .cfi_startproc
  push %rbp
  .cfi_adjust_cfa_offset 8
  .cfi_offset %rbp, -16
  mov %rsp, %rbp
  .cfi_def_cfa_register %rbp
  sub $ARGS_SIZE, %rsp
  SAVE_ARGUMENTS
  mov %rsp, %rsi
  call wjit_stub_core_host_inner
  movq %rax, %xmm0
  leave
  .cfi_def_cfa %rsp, 8
  .cfi_restore %rbp
  ret
  .cfi_endproc
.size wjit_stub_core_host, . - wjit_stub_core_host

.section .note.GNU-stack, "", @progbits
