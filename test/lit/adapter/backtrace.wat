;; A trap in a callee that an adapter has entered itself, on another fiber (the third call; the first goes by the run time): the
;; backtrace goes on through the adapter to its caller.
;; RUN: not %wjit run --invoke "run()" %s 2>&1 | FileCheck %s
;; CHECK: wasm trap: unreachable
;; CHECK-NEXT: 0: Callee!inner at 0x
;; CHECK-NEXT: 1: Callee!f at 0x
;; CHECK-NEXT: 2: adapter Caller -> f (lower)
;; CHECK-NEXT: 3: Caller!deep at 0x
;; CHECK-NEXT: 4: Caller!deep at 0x
;; CHECK-NEXT: 5: Caller!deep at 0x
;; CHECK-NEXT: 6: Caller!run at 0x
;; CHECK-NEXT: 7: adapter host -> run (start)
(component
  (component $Callee
    (core module $Callee
      (import "" "return" (func $return (param i32)))
      (memory 1)
      (func $inner (param i32) (if (i32.eq (local.get 0) (i32.const 3)) (then unreachable)))
      (func (export "f") (param i32) (result i32) (call $inner (local.get 0)) (call $return (local.get 0)) (i32.const 0))
      (func (export "cb") (param i32 i32 i32) (result i32) unreachable))
    (canon task.return (result u32) (core func $return))
    (core instance $m (instantiate $Callee (with "" (instance (export "return" (func $return))))))
    (func (export "f") async (param "x" u32) (result u32) (canon lift (core func $m "f") async (callback (core func $m "cb")))))
  (component $Caller
    (import "f" (func $f async (param "x" u32) (result u32)))
    (core module $Mem (memory (export "mem") 1))
    (core instance $mem (instantiate $Mem))
    (core func $f' (canon lower (func $f) async (memory (core memory $mem "mem"))))
    (core module $Caller
      (import "" "mem" (memory 1))
      (import "" "f" (func $f (param i32 i32) (result i32)))
      (func $deep (param i32) (if (local.get 0)
        (then (call $deep (i32.sub (local.get 0) (i32.const 1))))
        (else (drop (call $f (i32.const 1) (i32.const 16))) (drop (call $f (i32.const 2) (i32.const 16)))
          (drop (call $f (i32.const 3) (i32.const 16))))))
      (func (export "run") (call $deep (i32.const 2))))
    (core instance $m (instantiate $Caller (with "" (instance (export "mem" (memory $mem "mem")) (export "f" (func $f'))))))
    (func (export "run") async (canon lift (core func $m "run"))))
  (instance $callee (instantiate $Callee))
  (instance $caller (instantiate $Caller (with "f" (func $callee "f"))))
  (export "run" (func $caller "run")))
