;; Whatever a guest can make without end ends in a trap, before the machine's memory does: handles of each kind, calls that
;; never return, threads, and the backpressure counter.
;; RUN: %wjit run --host-memory 10000000 --invoke 'recycled()' %s
;; RUN: for f in resources sets streams contexts calls threads backpressure; do \
;; RUN:   %wjit run --host-memory 10000000 --invoke "$f()" %s 2>%t; test $? = 134 || exit 9; cat %t; done | FileCheck %s
;; CHECK: wasm trap: {{.*}}the handle table is full
;; CHECK-NEXT: 0: M!resources at 0x
;; CHECK: wasm trap: {{.*}}the handle table is full
;; CHECK-NEXT: 0: M!sets at 0x
;; CHECK: wasm trap: {{.*}}the handle table is full
;; CHECK-NEXT: 0: M!streams at 0x
;; CHECK: wasm trap: {{.*}}the handle table is full
;; CHECK-NEXT: 0: M!contexts at 0x
;; CHECK: wasm trap: {{.*}} is full
;; CHECK: M!calls at 0x
;; CHECK: wasm trap: {{.*}}the thread table is full
;; CHECK-NEXT: 0: M!threads at 0x
;; CHECK: wasm trap: {{.*}}backpressure counter overflow
;; CHECK-NEXT: 0: M!backpressure at 0x
(component
  (type $s8 (stream u8))
  (component $Peer
    (core module $M (import "" "new" (func $new (result i32)))
      (func (export "never") (result i32) (i32.or (i32.const 2) (i32.shl (call $new) (i32.const 4))))
      (func (export "again") (param i32 i32 i32) (result i32) unreachable))
    (canon waitable-set.new (core func $new))
    (core instance $m (instantiate $M (with "" (instance (export "new" (func $new))))))
    (func (export "never") async (canon lift (core func $m "never") async (callback (core func $m "again")))))
  (instance $peer (instantiate $Peer))
  (component $Tester
    (type $s8 (stream u8))
    (import "never" (func $never async))
    (core module $Mem (memory (export "mem") 1)
      (table (export "table") 1 1 funcref) (func $t (param i32)) (elem (i32.const 0) func $t)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
    (core instance $mem (instantiate $Mem))
    (type $R (resource (rep i32)))
    (canon resource.new $R (core func $new-r))
    (canon resource.drop $R (core func $drop))
    (canon waitable-set.new (core func $new-set))
    (canon stream.new $s8 (core func $new-s8))
    (canon error-context.new (memory (core memory $mem "mem")) (core func $new-context))
    (canon lower (func $never) async (core func $never'))
    (core type $t (func (param i32)))
    (canon thread.new-indirect $t (core table $mem "table") (core func $thread))
    (canon backpressure.inc (core func $inc))
    (core module $M
      (import "" "r" (func $r (param i32) (result i32)))
      (import "" "set" (func $set (result i32))) (import "" "s8" (func $s8 (result i64)))
      (import "" "context" (func $context (param i32 i32) (result i32))) (import "" "never" (func $never (result i32)))
      (import "" "thread" (func $thread (param i32 i32) (result i32)))
      (import "" "inc" (func $inc)) (import "" "drop" (func $drop (param i32)))
      ;; Handles that come and go cost nothing: a million of them.
      (func (export "recycled") (local $i i32)
        (loop $more
          (call $drop (call $r (i32.const 1)))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $more (i32.lt_u (local.get $i) (i32.const 1000000)))))
      (func (export "resources") (loop (drop (call $r (i32.const 1))) (br 0)))
      (func (export "sets") (loop (drop (call $set)) (br 0)))
      (func (export "streams") (loop (drop (call $s8)) (br 0)))
      (func (export "contexts") (loop (drop (call $context (i32.const 0) (i32.const 0))) (br 0)))
      (func (export "calls") (loop (drop (call $never)) (br 0)))
      (func (export "threads") (loop (drop (call $thread (i32.const 0) (i32.const 0))) (br 0)))
      (func (export "backpressure") (loop (call $inc) (br 0))))
    (core instance $m (instantiate $M (with "" (instance (export "r" (func $new-r))
      (export "set" (func $new-set)) (export "s8" (func $new-s8))
      (export "context" (func $new-context)) (export "never" (func $never')) (export "thread" (func $thread)) (export "inc" (func $inc)) (export "drop" (func $drop))))))
    (func (export "recycled") (canon lift (core func $m "recycled")))
    (func (export "resources") (canon lift (core func $m "resources")))
    (func (export "sets") (canon lift (core func $m "sets")))
    (func (export "streams") (canon lift (core func $m "streams")))
    (func (export "contexts") (canon lift (core func $m "contexts")))
    (func (export "calls") (canon lift (core func $m "calls")))
    (func (export "threads") async (canon lift (core func $m "threads") async))
    (func (export "backpressure") (canon lift (core func $m "backpressure"))))
  (instance $tester (instantiate $Tester (with "never" (func $peer "never"))))
  (export "recycled" (func $tester "recycled"))
  (export "resources" (func $tester "resources")) (export "sets" (func $tester "sets"))
  (export "streams" (func $tester "streams")) (export "contexts" (func $tester "contexts")) (export "calls" (func $tester "calls"))
  (export "threads" (func $tester "threads"))
  (export "backpressure" (func $tester "backpressure")))
