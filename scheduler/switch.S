# Switching between the worker's stack and the segments of a fiber (x86-64, System V). scheduler/fiber.h has the
# picture, jit/host_call.S the other side (the stub of a host function).
#
#   wjit_fiber_enter(context, fiber)   worker stack -> fiber, at fiber->resume; returns when the fiber leaves it
#     wjit_fiber_begin                 resume address of a Fresh fiber: registers from fiber->args, call fiber->entry
#     wjit_fiber_continue              resume address of a Suspended one: continuation on the worker stack, then guest
#   wjit_fiber_park, wjit_fiber_abandon  from a stub on the worker stack, rbx = context: back out of wjit_fiber_enter, or (park)
#                                    to the adapter that entered the fiber
#   __morestack                        called by a guest prologue whose frame does not fit; r10 = frame size
#
# Every switch goes by `jmp` to a saved address: a `ret` to an address that no `call` pushed is mispredicted every time.
# Tests: test/unit/fiber_test.cpp; figures: bench/fiber.cpp.

# GuestContext (base/guest_context.h)
.set context_host_sp, 0
.set context_guest_sp, 8
.set context_guest_fp, 16
.set context_fiber, 24
.set context_request, 32
.set context_stack_exhausted, 56
.set context_guest_entry_parked, 64
# Fiber (scheduler/fiber.h)
.set fiber_sp, 0
.set fiber_limit, 8
.set fiber_resume, 16
.set fiber_context, 24
.set fiber_entry, 32
.set fiber_args, 40
.set fiber_continuation, 48
.set fiber_continuation_argument, 56
.set fiber_results, 64
.set fiber_state, 96
.set fiber_current, 112
.set fiber_guest_sp, 136
.set fiber_guest_fp, 144
.set fiber_guest_limit, 152
.set fiber_guest_fiber, 160
.set parked_return, 18
.set state_running, 1
.set state_suspended, 2
.set state_finished, 3
.set state_abandoned, 4
.set exit_finished, 0
.set exit_suspended, 1
.set exit_abandoned, 2
.set request_return, 0
.set request_suspend, 1
# Segment (scheduler/segment.h)
.set segment_next, 0
.set segment_limit, 16
.set segment_top, 24
.set segment_capacity, 32
.set limit_offset, 576
# glibc's slot for the stack limit
.set stack_limit, 0x70

.text

# Leaves the worker's frame of wjit_fiber_enter: rbx = context, eax = FiberExit. The frame, from host_sp upwards:
#   padding, previous current context, %fs:0x70, fiber, guest_fp, guest_sp, host_sp, r15, r14, r13, r12, rbx, rbp,
#   return address. (Loads and stores: pops to memory were no faster in bench/fiber.cpp.)
# `return`: the fiber has run through without parking, so the processor's stack of return addresses is as it was when it was
# entered, and `ret` keeps it right for all callers. After a park it is not: a jump leaves it one entry nearer to them.
# (calls.wat suspend-callback: 8 mispredicted returns a call without the former, suspend-stackful as many without the latter.)
.macro LEAVE return=0
    mov context_host_sp(%rbx), %rsp
    mov 8(%rsp), %rcx
    mov wjit_current_context@gottpoff(%rip), %rdx
    mov %rcx, %fs:(%rdx)
    mov 16(%rsp), %rcx
    mov %rcx, %fs:stack_limit
    mov 24(%rsp), %rcx
    mov %rcx, context_fiber(%rbx)
    mov 32(%rsp), %rdx
    mov %rdx, context_guest_fp(%rbx)
    mov 40(%rsp), %rcx
    mov %rcx, context_guest_sp(%rbx)
    mov 48(%rsp), %rcx
    mov %rcx, context_host_sp(%rbx)
    mov 56(%rsp), %r15
    mov 64(%rsp), %r14
    mov 72(%rsp), %r13
    mov 80(%rsp), %r12
    mov 88(%rsp), %rbx
    mov 96(%rsp), %rbp
.if \return
    add $104, %rsp
    ret
.else
    mov 104(%rsp), %rcx
    add $112, %rsp
    jmp *%rcx
.endif
.endm

# The entry has run through. rbx: kept by the guest, as the C calling convention has it.
.macro FINISH
    mov context_fiber(%rbx), %rcx
    mov %rax, fiber_results(%rcx)
    movaps %xmm0, fiber_results+16(%rcx)
    movl $state_finished, fiber_state(%rcx)
    xor %eax, %eax
.endm

# FiberExit wjit_fiber_enter(GuestContext* rdi, Fiber* rsi)
.globl wjit_fiber_enter
.hidden wjit_fiber_enter
.type wjit_fiber_enter, @function
.p2align 4
wjit_fiber_enter:
    .cfi_startproc
    push %rbp
    .cfi_def_cfa_offset 16
    .cfi_offset %rbp, -16
    mov %rsp, %rbp
    .cfi_def_cfa_register %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    .cfi_offset %rbx, -24
    .cfi_offset %r12, -32
    .cfi_offset %r13, -40
    .cfi_offset %r14, -48
    .cfi_offset %r15, -56
    push context_host_sp(%rdi)
    push context_guest_sp(%rdi)
    push context_guest_fp(%rdi)
    push context_fiber(%rdi)
    push %fs:stack_limit
    mov wjit_current_context@gottpoff(%rip), %rdx
    push %fs:(%rdx)
    sub $8, %rsp                        # padding: host_sp is 16-byte aligned
    .cfi_remember_state
    mov %rdi, %fs:(%rdx)
    mov %rdi, %rbx
    mov %rsp, context_host_sp(%rdi)
    mov %rsi, context_fiber(%rdi)
    mov %rdi, fiber_context(%rsi)
    mov fiber_limit(%rsi), %rax
    mov %rax, %fs:stack_limit
    movl $state_running, fiber_state(%rsi)
    jmp *fiber_resume(%rsi)

# rbx = context, rsi = fiber, on the worker stack.
.globl wjit_fiber_continue
.hidden wjit_fiber_continue
wjit_fiber_continue:
    .cfi_restore_state
    mov %rbx, %rdi
    mov fiber_continuation_argument(%rsi), %rax
    mov fiber_continuation(%rsi), %rcx
    mov %rax, %rsi
    call *%rcx
    cmpl $request_return, context_request(%rbx)
    jne 1f
    mov context_fiber(%rbx), %rcx
    mov fiber_sp(%rcx), %rsp            # address of the return address into the guest
    mov -16(%rsp), %rbp
    mov -24(%rsp), %r12
    mov -32(%rsp), %r13
    mov -40(%rsp), %r14
    mov -48(%rsp), %r15
    mov -8(%rsp), %rbx
    pop %rcx
    jmp *%rcx
    # Asked to stay suspended: the saved state is as it was. Else it is abandoned.
1:  cmpl $request_suspend, context_request(%rbx)
    jne wjit_fiber_abandon
    mov context_fiber(%rbx), %rcx
    movl $state_suspended, fiber_state(%rcx)
    movl $request_return, context_request(%rbx)
    mov $exit_suspended, %eax
    LEAVE
    .cfi_endproc
.size wjit_fiber_enter, .-wjit_fiber_enter

# The base of a fiber: the unwinder ends here. rbx = context, rsi = fiber.
.globl wjit_fiber_begin
.hidden wjit_fiber_begin
.type wjit_fiber_begin, @function
.p2align 4
wjit_fiber_begin:
    .cfi_startproc
    .cfi_undefined %rip
    mov fiber_args(%rsi), %r11
    movaps 48(%r11), %xmm0
    movaps 64(%r11), %xmm1
    movaps 80(%r11), %xmm2
    movaps 96(%r11), %xmm3
    movaps 112(%r11), %xmm4
    movaps 128(%r11), %xmm5
    movaps 144(%r11), %xmm6
    movaps 160(%r11), %xmm7
# For entries without vector parameters: what lies there may just have been written in smaller pieces, and the loads would wait.
.globl wjit_fiber_begin_integers
.hidden wjit_fiber_begin_integers
wjit_fiber_begin_integers:
    mov fiber_sp(%rsi), %rsp
    xor %ebp, %ebp
    mov fiber_args(%rsi), %r11
    mov fiber_entry(%rsi), %r10
    mov (%r11), %rdi
    mov 8(%r11), %rsi
    mov 16(%r11), %rdx
    mov 24(%r11), %rcx
    mov 32(%r11), %r8
    mov 40(%r11), %r9
    call *%r10
    FINISH
    LEAVE return=1
# Where the oldest frame of a fiber that has parked returns to: see LEAVE.
wjit_fiber_returned:
    FINISH
    LEAVE
    .cfi_endproc
.size wjit_fiber_begin, .-wjit_fiber_begin

# From a stub, on the worker stack: rbx = context, rbp and r12-r15 the guest's; guest rbx at guest_sp-8.
.globl wjit_fiber_park
.hidden wjit_fiber_park
.type wjit_fiber_park, @function
.p2align 4
wjit_fiber_park:
    .cfi_startproc
    .cfi_undefined %rip
    mov context_guest_sp(%rbx), %rax
    mov context_fiber(%rbx), %rcx
    mov %rbp, -16(%rax)
    mov %r12, -24(%rax)
    mov %r13, -32(%rax)
    mov %r14, -40(%rax)
    mov %r15, -48(%rax)
    mov %rax, fiber_sp(%rcx)
    mov %fs:stack_limit, %rdx
    mov %rdx, fiber_limit(%rcx)
    sub $limit_offset, %rdx
    mov %rdx, fiber_current(%rcx)
    lea wjit_fiber_continue(%rip), %rdx
    mov %rdx, fiber_resume(%rcx)
    movl $state_suspended, fiber_state(%rcx)
    movl $request_return, context_request(%rbx)
    lea wjit_fiber_returned(%rip), %rdx
    mov -8(%rcx), %rsi                  # the return address of its oldest frame, right below the Fiber
    mov %rdx, -8(%rcx)
    cmpq $0, fiber_guest_sp(%rcx)
    jne 1f
    mov $exit_suspended, %eax
    LEAVE
    # Guest code entered it. What that needs goes to the worker's stack first: while guest_entry_parked runs, other threads
    # may, and with them this fiber.
1:  push %rsi
    push fiber_guest_sp(%rcx)
    push fiber_guest_fp(%rcx)
    push fiber_guest_limit(%rcx)
    push fiber_guest_fiber(%rcx)
    sub $8, %rsp
    movq $0, fiber_guest_sp(%rcx)
    mov %rbx, %rdi
    mov %rcx, %rsi
    call *context_guest_entry_parked(%rbx)
    cmpl $request_return, context_request(%rbx)
    jne wjit_fiber_abandon
    add $8, %rsp
    pop %rcx
    mov %rcx, context_fiber(%rbx)
    pop %rcx
    mov %rcx, %fs:stack_limit
    pop %rbp
    pop %rcx
    pop %rsi
    add $parked_return, %rsi
    mov %rcx, %rsp
    mov $1, %edx                        # parked; rax: guest_entry_parked's value
    jmp *%rsi
    .cfi_endproc
.size wjit_fiber_park, .-wjit_fiber_park

# From a stub, __morestack or a signal handler's return: rbx = context; nothing else is needed.
.globl wjit_fiber_abandon
.hidden wjit_fiber_abandon
.type wjit_fiber_abandon, @function
.p2align 4
wjit_fiber_abandon:
    .cfi_startproc
    .cfi_undefined %rip
    mov context_fiber(%rbx), %rcx
    movl $state_abandoned, fiber_state(%rcx)
    movl $request_return, context_request(%rbx)
    mov $exit_abandoned, %eax
    LEAVE
    .cfi_endproc
.size wjit_fiber_abandon, .-wjit_fiber_abandon

# A guest prologue found too little room: r10 = frame size, r11 = bytes of stack arguments, always 0. Above rsp lie the
# return address into the prologue (at a `ret`, right behind which the body begins) and the caller's return address.
# Runs the body on the next segment and comes back. All argument registers reach the body, all results the caller.
# To the unwinder this frame's caller is the guest function's caller, so that the function shows up once.
.globl __morestack
.type __morestack, @function
.p2align 4
__morestack:
    .cfi_startproc
    .cfi_def_cfa_offset 16
    push %rbp
    .cfi_def_cfa_offset 24
    .cfi_offset %rbp, -24
    mov %rsp, %rbp
    .cfi_def_cfa_register %rbp
    mov %fs:stack_limit, %rax
    mov segment_next-limit_offset(%rax), %r11
    test %r11, %r11
    jz 2f
    cmp segment_capacity(%r11), %r10
    ja 2f
1:  mov segment_top(%r11), %rsp         # r11 = the new segment, rax = the old limit
    mov segment_limit(%r11), %r11
    mov %r11, %fs:stack_limit
    push %rax
    push %rax                           # alignment
    mov 8(%rbp), %rax
    inc %rax
    call *%rax
    pop %r11
    mov %r11, %fs:stack_limit
    mov %rbp, %rsp
    pop %rbp
    .cfi_remember_state
    .cfi_def_cfa %rsp, 16
    ret
    # No next segment, or one too small: get one on the worker stack.
2:  .cfi_restore_state
    mov wjit_current_context@gottpoff(%rip), %r11
    mov %fs:(%r11), %r11
    lea 8(%rbp), %rax
    mov %rax, context_guest_sp(%r11)
    mov (%rbp), %rax
    mov %rax, context_guest_fp(%r11)
    mov context_host_sp(%r11), %rsp
    sub $192, %rsp
    mov %rdi, (%rsp)
    mov %rsi, 8(%rsp)
    mov %rdx, 16(%rsp)
    mov %rcx, 24(%rsp)
    mov %r8, 32(%rsp)
    mov %r9, 40(%rsp)
    movaps %xmm0, 64(%rsp)
    movaps %xmm1, 80(%rsp)
    movaps %xmm2, 96(%rsp)
    movaps %xmm3, 112(%rsp)
    movaps %xmm4, 128(%rsp)
    movaps %xmm5, 144(%rsp)
    movaps %xmm6, 160(%rsp)
    movaps %xmm7, 176(%rsp)
    mov %r11, 48(%rsp)
    mov %r11, %rdi
    mov %r10, %rsi
    call wjit_fiber_grow
    test %rax, %rax
    jz 3f
    mov %rax, %r11
    mov (%rsp), %rdi
    mov 8(%rsp), %rsi
    mov 16(%rsp), %rdx
    mov 24(%rsp), %rcx
    mov 32(%rsp), %r8
    mov 40(%rsp), %r9
    movaps 64(%rsp), %xmm0
    movaps 80(%rsp), %xmm1
    movaps 96(%rsp), %xmm2
    movaps 112(%rsp), %xmm3
    movaps 128(%rsp), %xmm4
    movaps 144(%rsp), %xmm5
    movaps 160(%rsp), %xmm6
    movaps 176(%rsp), %xmm7
    mov %fs:stack_limit, %rax
    jmp 1b
    # The fiber's limit is reached, or memory is: the engine records the trap, then the fiber is left for good.
3:  mov 48(%rsp), %rbx
    mov context_host_sp(%rbx), %rsp
    mov context_stack_exhausted(%rbx), %rax
    test %rax, %rax
    jz 4f
    mov %rbx, %rdi
    call *%rax
4:  jmp wjit_fiber_abandon
    .cfi_endproc
.size __morestack, .-__morestack

.section .note.GNU-stack, "", @progbits
