// Stubs of the host functions that adapters and canonical built-ins call (abi/runtime_calls.def, abi/canon_calls.def), and
// entries that know no signature, or need no host function:
//   wjit_adapter_entry      code of every lowered function until its adapter is compiled: goes on in lower_entry, which is
//                           compiled first where it is null. All argument registers are kept.
//   wjit_task_return_entry  canon task.return: goes on in the running task's adapter, if that has the same result type and options.
//   wjit_context_get_entry  canon context.get.
#include "jit/host_call.inc"
#include "abi/register_args.inc"

#define RUNTIME_CALL(name, params, result) HOST_STUB wjit_stub_abi_##name, builtin_abi_##name ;
#include "abi/runtime_calls.def"
#undef RUNTIME_CALL

#define CANON_CALL(name, params, result) HOST_STUB wjit_stub_canon_##name, builtin_canon_##name ;
#include "abi/canon_calls.def"
#undef CANON_CALL

HOST_STUB wjit_stub_compile_adapter, builtin_compile_adapter
HOST_STUB wjit_stub_task_return_refused, builtin_canon_TaskReturn

#define ADAPTER_LOWER_ENTRY 24
#define ADAPTER_RETURN_KEY 136
#define ADAPTER_TASK_RETURN 144
#define BUILTIN_RETURN_KEY 16
#define BUILTIN_SLOT 24
#define STORE_CURRENT 88
#define THREAD_TASK 16
#define THREAD_STORAGE 32
#define TASK_ADAPTER 104
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

// The task goes to the adapter in r10. StoreContext::current, Thread::task, Task::adapter, AdapterContext::return_key and task_return, BuiltinContext::return_key
// (asserted in abi/instantiate.cpp).
.p2align 4
.globl wjit_task_return_entry
.type wjit_task_return_entry, @function
wjit_task_return_entry:
  .cfi_startproc
  mov (%rdi), %rax
  mov STORE_CURRENT(%rax), %rax
  test %rax, %rax
  jz wjit_stub_task_return_refused
  mov THREAD_TASK(%rax), %r10
  mov TASK_ADAPTER(%r10), %rax
  test %rax, %rax
  jz wjit_stub_task_return_refused
  mov BUILTIN_RETURN_KEY(%rdi), %r11
  cmp %r11, ADAPTER_RETURN_KEY(%rax)
  jne wjit_stub_task_return_refused
  mov %rax, %rdi
  jmp *ADAPTER_TASK_RETURN(%rax)
  .cfi_endproc
.size wjit_task_return_entry, . - wjit_task_return_entry

// canon context.get and context.set: the running thread's storage. set marks its task dirty.
.p2align 4
.globl wjit_context_get_entry
.type wjit_context_get_entry, @function
wjit_context_get_entry:
  .cfi_startproc
  mov (%rdi), %rax
  mov STORE_CURRENT(%rax), %rax
  test %rax, %rax
  jz wjit_stub_canon_ContextGet
  mov BUILTIN_SLOT(%rdi), %ecx
  mov THREAD_STORAGE(%rax,%rcx,8), %rax
  ret
  .cfi_endproc
.size wjit_context_get_entry, . - wjit_context_get_entry

.section .note.GNU-stack, "", @progbits
