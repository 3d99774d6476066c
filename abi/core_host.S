// wjit_stub_core_host: the code of every CoreHostFunction (abi/core_host.h). Stores the argument registers as RegisterArgs
// on the guest's stack and goes to builtin_core_host on the worker's; the result comes back in rax and, for floats, xmm0.
// Offsets of RegisterArgs: base/guest_context.h. Test: test/unit/core_host_test.cpp.
#include "jit/host_call.inc"

HOST_STUB wjit_stub_core_host_inner, builtin_core_host

#define ARGS_SIZE 176

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
  mov %rdi, 0(%rsp)
  mov %rsi, 8(%rsp)
  mov %rdx, 16(%rsp)
  mov %rcx, 24(%rsp)
  mov %r8, 32(%rsp)
  mov %r9, 40(%rsp)
  movups %xmm0, 48(%rsp)
  movups %xmm1, 64(%rsp)
  movups %xmm2, 80(%rsp)
  movups %xmm3, 96(%rsp)
  movups %xmm4, 112(%rsp)
  movups %xmm5, 128(%rsp)
  movups %xmm6, 144(%rsp)
  movups %xmm7, 160(%rsp)
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
