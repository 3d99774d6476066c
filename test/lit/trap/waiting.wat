;; While a task waits, others run on top of it (Store::run_others_in): the backtrace of a trap shows it where it is the caller,
;; and nowhere else.
;; RUN: %wjit run --invoke 'run()' %s 2>%t; test $? = 134
;; RUN: FileCheck %s <%t
;; CHECK: wasm trap: unreachable
;; CHECK-NEXT: 0: M!deep at
;; CHECK-NEXT: 1: M!cb at
;; CHECK-NEXT: 2: M!waits at
;; CHECK-NEXT: 3: M!run at
;; CHECK-NEXT: 4: adapter host -> run
;; RUN: %wjit run --invoke 'other()' %s 2>%t; test $? = 134
;; RUN: FileCheck %s --check-prefix=OTHER --implicit-check-not=waits <%t
;; OTHER: wasm trap: unreachable
;; OTHER-NEXT: 0: M!deep at
;; OTHER-NEXT: 1: M!cb at
(component
  (component $Callee
    (core module $M
      (import "" "return" (func $return (param i32)))
      (func $deep (unreachable))
      (func (export "f") (result i32) (i32.const 1))
      (func (export "g") (result i32) (i32.const 1))
      (func (export "cb-ok") (param i32 i32 i32) (result i32) (call $return (i32.const 1)) (i32.const 0))
      (func (export "cb") (param i32 i32 i32) (result i32) (call $deep) (i32.const 0)))
    (canon task.return (result u32) (core func $return))
    (core instance $m (instantiate $M (with "" (instance (export "return" (func $return))))))
    (func (export "f") async (result u32) (canon lift (core func $m "f") async (callback (core func $m "cb"))))
    (func (export "g") async (result u32) (canon lift (core func $m "g") async (callback (core func $m "cb-ok")))))
  (component $Caller
    (import "f" (func $f async (result u32)))
    (import "g" (func $g async (result u32)))
    (core module $Mem (memory (export "mem") 1))
    (core instance $mem (instantiate $Mem))
    (core func $f (canon lower (func $f) async (memory (core memory $mem "mem"))))
    (core func $g (canon lower (func $g) async (memory (core memory $mem "mem"))))
    (core func $join (canon waitable.join))
    (core func $new (canon waitable-set.new))
    (core func $wait (canon waitable-set.wait (memory (core memory $mem "mem"))))
    (core module $M
      (import "" "f" (func $f (param i32) (result i32)))
      (import "" "g" (func $g (param i32) (result i32)))
      (import "" "join" (func $join (param i32 i32)))
      (import "" "new" (func $new (result i32)))
      (import "" "wait" (func $wait (param i32 i32) (result i32)))
      (func $waits (param $sub i32)  (local $set i32)
        (local.set $set (call $new))
        (call $join (i32.shr_u (local.get $sub) (i32.const 4)) (local.get $set))
        (drop (call $wait (local.get $set) (i32.const 32))))
      (func (export "run") (result i32)
        (call $waits (call $f (i32.const 16)))
        (i32.const 1))
      (func (export "other") (result i32) (local $sub i32)
        (drop (call $f (i32.const 16)))
        (call $waits (call $g (i32.const 16)))
        (i32.const 1)))
    (core instance $m (instantiate $M (with "" (instance (export "f" (func $f)) (export "g" (func $g))  (export "join" (func $join)) (export "new" (func $new)) (export "wait" (func $wait))))))
    (func (export "run") async (result u32) (canon lift (core func $m "run")))
    (func (export "other") async (result u32) (canon lift (core func $m "other"))))
  (instance $callee (instantiate $Callee))
  (instance $caller (instantiate $Caller (with "f" (func $callee "f"))  (with "g" (func $callee "g"))))
  (export "run" (func $caller "run"))
  (export "other" (func $caller "other")))
