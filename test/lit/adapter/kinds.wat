;; One adapter for each pair of lower and lift: what its code does, by the functions of abi/adapter.h.
;; RUN: %wjit compile %s --emit=adapters | FileCheck %s
(component
  (component $Callee
    (core module $M
      (import "" "return" (func $return (param i32)))
      (memory (export "mem") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
      (func $same (param i32) (result i32) (local.get 0))
      (func (export "sync") (param i32) (result i32) (call $same (local.get 0)))
      (func (export "leaf") (param i32) (result i32) (local.get 0))
      (func (export "callback") (param i32) (result i32) (call $return (local.get 0)) (i32.const 0))
      (func (export "stackful") (param i32) (call $return (local.get 0)))
      (func (export "text") (param i32 i32) (result i32) (local.get 1))
      (func (export "choice") (param i32 i64) (result i32) (local.get 0))
      (func (export "never") (param i32 i32 i32) (result i32) unreachable))
    (canon task.return (result u32) (core func $return))
    (core instance $m (instantiate $M (with "" (instance (export "return" (func $return))))))
    (func (export "sync") (param "x" u8) (result u32) (canon lift (core func $m "sync")))
    (func (export "leaf") (param "x" u8) (result bool) (canon lift (core func $m "leaf")))
    (func (export "callback") async (param "x" u32) (result u32)
      (canon lift (core func $m "callback") async (callback (core func $m "never"))))
    (func (export "stackful") async (param "x" u32) (result u32) (canon lift (core func $m "stackful") async))
    (func (export "text") (param "x" string) (result u32)
      (canon lift (core func $m "text") (memory (core memory $m "mem")) (realloc (core func $m "realloc"))))
    (func (export "choice") (param "x" (result u32 (error u64))) (result u32) (canon lift (core func $m "choice"))))
  (component $Caller
    (import "sync" (func $sync (param "x" u8) (result u32)))
    (import "leaf" (func $leaf (param "x" u8) (result bool)))
    (import "callback" (func $callback async (param "x" u32) (result u32)))
    (import "stackful" (func $stackful async (param "x" u32) (result u32)))
    (import "text" (func $text (param "x" string) (result u32)))
    (import "choice" (func $choice (param "x" (result u32 (error u64))) (result u32)))
    (core module $Mem (memory (export "mem") 1))
    (core instance $mem (instantiate $Mem))
    (core func (canon lower (func $sync)))
    (core func (canon lower (func $leaf)))
    (core func (canon lower (func $callback) async (memory (core memory $mem "mem"))))
    (core func (canon lower (func $stackful)))
    (core func (canon lower (func $text) (memory (core memory $mem "mem"))))
    (core func (canon lower (func $choice))))
  (instance $callee (instantiate $Callee))
  (instance (instantiate $Caller (with "sync" (func $callee "sync")) (with "leaf" (func $callee "leaf"))
    (with "callback" (func $callee "callback"))
    (with "stackful" (func $callee "stackful")) (with "text" (func $callee "text")) (with "choice" (func $callee "choice")))))

;; Sync to sync: `slow` leaves the call to the run time; `lower` enters the callee itself, on its own stack, if nothing stands
;; against it (caller's may_leave, callee's gate), and calls the run time only if the task's record changed meanwhile. A u8 is cut to its width.
;; CHECK: define i32 @"Caller -> sync.slow"(ptr %0, i32 %1)
;; CHECK: [[WORD:%.*]] = call i64 @wjit.abi.call(
;; CHECK: define i32 @"Caller -> sync.lower"(ptr %0, i32 %1) [[ATTRIBUTES:#[0-9]+]]
;; CHECK: br i1 {{.*}}, label %{{.*}}, label %slow
;; CHECK: br i1 {{.*}}, label %{{.*}}, label %slow
;; CHECK-NOT: asm sideeffect
;; CHECK: trunc i32 {{.*}} to i8
;; CHECK: call i32 %{{.*}}(ptr %{{.*}}, i32 %{{.*}})
;; CHECK: call i64 @wjit.abi.finish_task(
;; CHECK: slow:
;; CHECK-NEXT: call i32 @"Caller -> sync.slow"(ptr %0, i32 %1)
;; CHECK: define i32 @"Caller -> sync.start"(ptr %0, ptr %1)
;; CHECK: call void @wjit.abi.resolve(
;; CHECK: ret i32 0

;; A callee that calls nothing needs no task: nothing is stored, and nothing is asked afterwards.
;; CHECK: define i32 @"Caller -> leaf.lower"(ptr %0, i32 %1)
;; CHECK: br i1 {{.*}}, label %{{.*}}, label %slow
;; CHECK-NOT: store
;; CHECK: trunc i32 {{.*}} to i8
;; CHECK-NOT: store
;; CHECK: tail call i32 %{{.*}}(ptr %{{.*}}, i32 %{{.*}})
;; CHECK-NOT: {{store|call}}
;; CHECK: ret i32
;; CHECK: slow:

;; Async to callback: the callee runs on a fresh fiber (the stack limit at %fs:0x70 changes with the stack); if it parks, or returns
;; another code than EXIT, `lower` returns what the run time says; else RETURNED (2).
;; CHECK: define i32 @"Caller -> callback.lower"(ptr %0, i32 %1, i32 %2)
;; CHECK: asm sideeffect "movq %rsp, {{.*}}%fs:0x70{{.*}}callq *%r10
;; CHECK: and i32 %{{.*}}, 15
;; CHECK: call i64 @wjit.abi.callback_waits(
;; CHECK: call i64 @wjit.abi.finish_task(
;; CHECK: ret i32 2
;; CHECK: define i32 @"Caller -> callback.start"
;; CHECK: [[CODE:%.*]] = call i32 %{{.*}}(ptr %{{.*}}, i32 %{{.*}})
;; CHECK-NEXT: ret i32 [[CODE]]
;; task.return stores the result behind the return pointer, which is checked. An eager task is resolved by one store; with any
;; other, and with a pointer that does not fit, the slow one goes on, so that this one calls nothing.
;; CHECK: define void @"Caller -> callback.task_return_slow"(ptr %0, i32 %1)
;; CHECK: call void @wjit.abi.check_return(
;; CHECK: icmp ugt i64
;; CHECK: call void @wjit.trap(
;; CHECK: store i32 %1
;; CHECK: call void @wjit.abi.resolve(
;; CHECK: define void @"Caller -> callback.task_return"(ptr %0, i32 %1, ptr nest %2)
;; CHECK: br i1 %{{.*}}, label %{{.*}}, label %slow
;; CHECK-NOT: call
;; CHECK: store i32 %1
;; CHECK: store i32
;; CHECK-NEXT: ret void
;; CHECK: slow:
;; CHECK-NEXT: tail call void @"Caller -> callback.task_return_slow"

;; Sync to stackful: who calls must be able to wait; if the callee parks, `lower` waits for its subtask.
;; CHECK: define i32 @"Caller -> stackful.lower"(ptr %0, i32 %1)
;; CHECK: asm sideeffect
;; CHECK: call i64 @wjit.abi.await(
;; CHECK: define i32 @"Caller -> stackful.start"
;; CHECK: call void %{{.*}}(ptr %{{.*}}, i32 %{{.*}})
;; CHECK-NEXT: ret i32 0

;; A string goes through a function of its encodings: test/lit/adapter/strings.wat.
;; CHECK: define i32 @"Caller -> text.start"

;; A variant: the discriminant is checked, the payload is joined to i64.
;; CHECK: define i32 @"Caller -> choice.start"
;; CHECK: icmp uge i32 {{.*}}, 2
;; CHECK: switch i32
;; CHECK: phi i64
;; CHECK: attributes [[ATTRIBUTES]] = { {{.*}}"split-stack"
