# wjit_stub_throw: `wjit.throw`. Guest code calls it with a vmctx (rdi) and an Exception (rsi) and never gets back: wjit_throw
# (jit/exception.cpp), on the worker's stack, finds the frame that goes on, whose registers are then loaded. A landing
# block expects the exception in rax and a selector, which nobody reads, in rdx. jit/host_call.inc has the usual stub.
#include "jit/host_call.inc"

.text
.p2align 4
.globl wjit_stub_throw
.type wjit_stub_throw, @function
wjit_stub_throw:
  .cfi_startproc
  .cfi_undefined %rip
  mov (%rdi), %rax
  mov %rsp, %rcx
  mov %rsp, GUEST_CONTEXT_GUEST_SP(%rax)
  mov %rbp, GUEST_CONTEXT_GUEST_FP(%rax)
  mov GUEST_CONTEXT_HOST_SP(%rax), %rsp
  sub $80, %rsp                       # ThrowRegisters, the exception; 16-byte aligned
  mov %rbx, (%rsp)
  mov %rbp, 8(%rsp)
  mov %r12, 16(%rsp)
  mov %r13, 24(%rsp)
  mov %r14, 32(%rsp)
  mov %r15, 40(%rsp)
  lea 8(%rcx), %rdx
  mov %rdx, 48(%rsp)
  mov (%rcx), %rdx
  mov %rdx, 56(%rsp)
  mov %rsi, 64(%rsp)
  mov %rax, %rbx
  mov %rsp, %rdx
  call wjit_throw@PLT
  test %al, %al
  jz 1f
  mov 64(%rsp), %rax
  xor %edx, %edx
  mov (%rsp), %rbx
  mov 8(%rsp), %rbp
  mov 16(%rsp), %r12
  mov 24(%rsp), %r13
  mov 32(%rsp), %r14
  mov 40(%rsp), %r15
  mov 56(%rsp), %rcx
  mov 48(%rsp), %rsp
  jmp *%rcx
1:
  jmp *GUEST_CONTEXT_ABANDON(%rbx)
  .cfi_endproc
.size wjit_stub_throw, . - wjit_stub_throw

.section .note.GNU-stack, "", @progbits
