;; Every pair of lower and lift of an async function whose parameter is a string. Each way through `lower` and task.return that is
;; taken when the callee returns at once calls guests only (realloc and the callee), and the copies of the string.
;; RUN: %wjit compile %s --emit=adapters >%t
;; RUN: grep '^; adapter' %t | FileCheck %s --check-prefix=PAIRS
;; PAIRS: ; adapter Sync -> sync
;; PAIRS: ; adapter Sync -> callback
;; PAIRS: ; adapter Sync -> stackful
;; PAIRS: ; adapter Async -> sync
;; PAIRS: ; adapter Async -> callback
;; PAIRS: ; adapter Async -> stackful
;; PAIRS-NOT: ; adapter
;; RUN: python3 %S/Inputs/fast_path.py <%t | FileCheck %s --check-prefix=WAYS
;; WAYS: Sync -> sync.lower: fast {{.*}}guest{{.*}} guest
;; WAYS: Sync -> sync.string: fast guest
;; WAYS: Sync -> callback.lower: fast {{.*}}guest{{.*}} guest
;; WAYS: Sync -> callback.task_return: fast
;; WAYS: Sync -> stackful.lower: fast {{.*}}guest{{.*}} guest
;; WAYS: Sync -> stackful.task_return: fast
;; WAYS: Async -> sync.lower: fast {{.*}}guest{{.*}} guest
;; WAYS: Async -> callback.lower: fast {{.*}}guest{{.*}} guest
;; WAYS: Async -> callback.task_return: fast
;; WAYS: Async -> stackful.lower: fast {{.*}}guest{{.*}} guest
;; WAYS: Async -> stackful.task_return: fast
;; What a lower says of a callee that returned: the result itself, or RETURNED (2) and the result in memory. An async lower passes
;; the run time's status on; a sync one waits for the callee's subtask.
;; RUN: FileCheck %s <%t
;; CHECK: define i32 @"Sync -> sync.lower"(ptr %0, i32 %1, i32 %2)
;; CHECK: call i64 @wjit.abi.await(
;; CHECK: define i32 @"Sync -> callback.lower"(ptr %0, i32 %1, i32 %2)
;; CHECK: call i64 @wjit.abi.await(
;; CHECK: define i32 @"Sync -> stackful.lower"(ptr %0, i32 %1, i32 %2)
;; CHECK: call i64 @wjit.abi.await(
;; CHECK: define i32 @"Async -> sync.lower"(ptr %0, i32 %1, i32 %2, i32 %3)
;; CHECK-NOT: @wjit.abi.await(
;; CHECK: ret i32 2
;; CHECK: define i32 @"Async -> callback.lower"(ptr %0, i32 %1, i32 %2, i32 %3)
;; CHECK-NOT: @wjit.abi.await(
;; CHECK: ret i32 2
;; CHECK: define i32 @"Async -> stackful.lower"(ptr %0, i32 %1, i32 %2, i32 %3)
;; CHECK-NOT: @wjit.abi.await(
;; CHECK: ret i32 2
(component
  (component $Callee
    (core module $M
      (import "" "return" (func $return (param i32)))
      (memory (export "mem") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
      (func (export "sync") (param i32 i32) (result i32) (local.get 1))
      (func (export "callback") (param i32 i32) (result i32) (call $return (local.get 1)) (i32.const 0))
      (func (export "stackful") (param i32 i32) (call $return (local.get 1)))
      (func (export "again") (param i32 i32 i32) (result i32) unreachable))
    (canon task.return (result u32) (core func $return))
    (core instance $m (instantiate $M (with "" (instance (export "return" (func $return))))))
    (func (export "sync") async (param "x" string) (result u32)
      (canon lift (core func $m "sync") (memory (core memory $m "mem")) (realloc (core func $m "realloc"))))
    (func (export "callback") async (param "x" string) (result u32)
      (canon lift (core func $m "callback") async (callback (core func $m "again"))
        (memory (core memory $m "mem")) (realloc (core func $m "realloc"))))
    (func (export "stackful") async (param "x" string) (result u32)
      (canon lift (core func $m "stackful") async (memory (core memory $m "mem")) (realloc (core func $m "realloc")))))
  (component $Sync
    (import "sync" (func $sync async (param "x" string) (result u32)))
    (import "callback" (func $callback async (param "x" string) (result u32)))
    (import "stackful" (func $stackful async (param "x" string) (result u32)))
    (core module $Mem (memory (export "mem") 1))
    (core instance $mem (instantiate $Mem))
    (core func (canon lower (func $sync) (memory (core memory $mem "mem"))))
    (core func (canon lower (func $callback) (memory (core memory $mem "mem"))))
    (core func (canon lower (func $stackful) (memory (core memory $mem "mem")))))
  (component $Async
    (import "sync" (func $sync async (param "x" string) (result u32)))
    (import "callback" (func $callback async (param "x" string) (result u32)))
    (import "stackful" (func $stackful async (param "x" string) (result u32)))
    (core module $Mem (memory (export "mem") 1))
    (core instance $mem (instantiate $Mem))
    (core func (canon lower (func $sync) async (memory (core memory $mem "mem"))))
    (core func (canon lower (func $callback) async (memory (core memory $mem "mem"))))
    (core func (canon lower (func $stackful) async (memory (core memory $mem "mem")))))
  (instance $callee (instantiate $Callee))
  (instance (instantiate $Sync (with "sync" (func $callee "sync")) (with "callback" (func $callee "callback"))
    (with "stackful" (func $callee "stackful"))))
  (instance (instantiate $Async (with "sync" (func $callee "sync")) (with "callback" (func $callee "callback"))
    (with "stackful" (func $callee "stackful")))))
