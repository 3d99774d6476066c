// Stubs of the host functions that adapters and canonical built-ins call (abi/runtime_calls.def, abi/canon_calls.def), and
// two entries that know no signature:
//   wjit_adapter_entry      code of every lowered function until its adapter is compiled: goes on in lower_entry, which is
//                           compiled first where it is null. All argument registers are kept.
//   wjit_stub_task_return   canon task.return: stores the argument registers as RegisterArgs on the guest's stack.
#include "jit/host_call.inc"
#include "abi/register_args.inc"

#define RUNTIME_CALL(name, params, result) HOST_STUB wjit_stub_abi_##name, builtin_abi_##name ;
#include "abi/runtime_calls.def"
#undef RUNTIME_CALL

#define CANON_CALL(name, params, result) HOST_STUB wjit_stub_canon_##name, builtin_canon_##name ;
#include "abi/canon_calls.def"
#undef CANON_CALL

HOST_STUB wjit_stub_compile_adapter, builtin_compile_adapter
HOST_STUB wjit_stub_task_return_inner, builtin_canon_TaskReturn

#define ADAPTER_LOWER_ENTRY 24
.text
.p2align 4
.globl wjit_adapter_entry
.type wjit_adapter_entry, @function
wjit_adapter_entry:
  .cfi_startproc
  mov ADAPTER_LOWER_ENTRY(%rdi), %rax
  test %rax, %rax
  jz 1f
  jmp *%rax
1:
  push %rbp
  .cfi_adjust_cfa_offset 8
  .cfi_offset %rbp, -16
  mov %rsp, %rbp
  .cfi_def_cfa_register %rbp
  sub $ARGS_SIZE, %rsp
  SAVE_ARGUMENTS
  call wjit_stub_compile_adapter
  mov 0(%rsp), %rdi
  mov 8(%rsp), %rsi
  mov 16(%rsp), %rdx
  mov 24(%rsp), %rcx
  mov 32(%rsp), %r8
  mov 40(%rsp), %r9
  movups 48(%rsp), %xmm0
  movups 64(%rsp), %xmm1
  movups 80(%rsp), %xmm2
  movups 96(%rsp), %xmm3
  movups 112(%rsp), %xmm4
  movups 128(%rsp), %xmm5
  movups 144(%rsp), %xmm6
  movups 160(%rsp), %xmm7
  leave
  .cfi_def_cfa %rsp, 8
  .cfi_restore %rbp
  jmp *%rax
  .cfi_endproc
.size wjit_adapter_entry, . - wjit_adapter_entry

.p2align 4
.globl wjit_stub_task_return
.type wjit_stub_task_return, @function
wjit_stub_task_return:
  .cfi_startproc
  push %rbp
  .cfi_adjust_cfa_offset 8
  .cfi_offset %rbp, -16
  mov %rsp, %rbp
  .cfi_def_cfa_register %rbp
  sub $ARGS_SIZE, %rsp
  SAVE_ARGUMENTS
  mov %rsp, %rsi
  call wjit_stub_task_return_inner
  leave
  .cfi_def_cfa %rsp, 8
  .cfi_restore %rbp
  ret
  .cfi_endproc
.size wjit_stub_task_return, . - wjit_stub_task_return

.section .note.GNU-stack, "", @progbits
