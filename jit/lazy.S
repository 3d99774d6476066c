// Where a call of a function that is not compiled yet arrives (stub layout: jit/code.cpp). Everything is kept on the
// worker's stack, so the guest segment needs no room for it.
//
// In: guest stack; [rsp] = number of the defined function, [rsp+8] = return address into the guest; r11 = ModuleCode*;
// argument registers as the guest set them (rdi = context record). Calls wjit_lazy_compile_entry(GuestContext*,
// ModuleCode*, uint32_t), restores every argument register and goes on into the entry that it gave. A null entry is a
// trap that has been recorded: the fiber is abandoned.
// Covered by test/unit/code_test.cpp.
#include "jit/host_call.inc"

  .text
  .p2align 4
  .globl wjit_lazy_compile
  .type wjit_lazy_compile, @function
wjit_lazy_compile:
  .cfi_startproc
  .cfi_def_cfa_offset 16
  pop %rax
  .cfi_def_cfa_offset 8
  mov (%rdi), %r10
  mov %rsp, GUEST_CONTEXT_GUEST_SP(%r10)
  mov %rbp, GUEST_CONTEXT_GUEST_FP(%r10)
  .cfi_escape 0x0f, 0x05, 0x7a, GUEST_CONTEXT_GUEST_SP, 0x06, 0x23, 0x08  // frame address by way of r10
  mov GUEST_CONTEXT_HOST_SP(%r10), %rsp
  sub $192, %rsp
  mov %rbx, 184(%rsp)
  mov %rdi, 176(%rsp)
  mov %rsi, 168(%rsp)
  mov %rdx, 160(%rsp)
  mov %rcx, 152(%rsp)
  mov %r8, 144(%rsp)
  mov %r9, 136(%rsp)
  movaps %xmm0, 0(%rsp)
  movaps %xmm1, 16(%rsp)
  movaps %xmm2, 32(%rsp)
  movaps %xmm3, 48(%rsp)
  movaps %xmm4, 64(%rsp)
  movaps %xmm5, 80(%rsp)
  movaps %xmm6, 96(%rsp)
  movaps %xmm7, 112(%rsp)
  mov %r10, %rbx
  .cfi_escape 0x0f, 0x05, 0x73, GUEST_CONTEXT_GUEST_SP, 0x06, 0x23, 0x08  // by way of rbx
  mov %r10, %rdi
  mov %r11, %rsi
  mov %eax, %edx
  call wjit_lazy_compile_entry@PLT
  test %rax, %rax
  jz 1f
  mov GUEST_CONTEXT_GUEST_SP(%rbx), %r10
  movaps 0(%rsp), %xmm0
  movaps 16(%rsp), %xmm1
  movaps 32(%rsp), %xmm2
  movaps 48(%rsp), %xmm3
  movaps 64(%rsp), %xmm4
  movaps 80(%rsp), %xmm5
  movaps 96(%rsp), %xmm6
  movaps 112(%rsp), %xmm7
  mov 136(%rsp), %r9
  mov 144(%rsp), %r8
  mov 152(%rsp), %rcx
  mov 160(%rsp), %rdx
  mov 168(%rsp), %rsi
  mov 176(%rsp), %rdi
  mov 184(%rsp), %rbx
  mov %r10, %rsp
  .cfi_remember_state
  .cfi_def_cfa %rsp, 8
  jmp *%rax
1:
  .cfi_restore_state
  jmp *GUEST_CONTEXT_ABANDON(%rbx)
  .cfi_endproc
  .size wjit_lazy_compile, . - wjit_lazy_compile

  .section .note.GNU-stack, "", @progbits
