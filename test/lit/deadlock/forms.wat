;; Deadlocks without a circle: a stream that nobody reads, a thread that nobody resumes, a callee that does not let itself be
;; cancelled, a set of very many calls, a task that holds the other end itself.
;; RUN: for f in unread suspended resists many itself; do %wjit run --invoke "$f()" %s 2>%t; test $? = 134 || exit 9; \
;; RUN:   echo "== $f"; cat %t; done | FileCheck %s
;; CHECK: == unread
;; CHECK-NEXT: wasm trap: deadlock detected
;; CHECK-NEXT: {{^}}  task 1 (unread of Main) waits to write to stream 2, whose readable end 1 is held by Peer, which runs no task{{$}}
;; CHECK: == suspended
;; CHECK-NEXT: wasm trap: deadlock detected
;; CHECK-NEXT: {{^}}  task 1 (suspended of Main) is suspended until another thread of its instance resumes it{{$}}
;; The cause stands first.
;; CHECK: == resists
;; CHECK-NEXT: wasm trap: deadlock detected
;; CHECK-NEXT: {{^}}  task [[N:[0-9]+]] (never of Peer) waits for a waitable set that is empty{{$}}
;; CHECK-NEXT: {{^}}  task 1 (resists of Main) waits for task [[N]] (never of Peer) to return, and has asked to cancel it{{$}}
;; CHECK: == many
;; CHECK-NEXT: wasm trap: deadlock detected
;; CHECK-NEXT: {{^}}  task 2 (never of Peer) waits for a waitable set that is empty{{$}}
;; CHECK-NEXT: {{^}}  task 1 (many of Main) waits for a waitable set with the call of task {{[0-9]+}} (never of Peer); {{.*}}; and 92 more{{$}}
;; CHECK-COUNT-14: {{^}}  task {{[0-9]+}} (never of Peer) waits for a waitable set that is empty{{$}}
;; CHECK-NEXT: {{^}}  and 85 more tasks{{$}}
;; CHECK: == itself
;; CHECK-NEXT: wasm trap: deadlock detected
;; CHECK-NEXT: {{^}}  task 1 (itself of Main) waits for a waitable set with the read of stream 1, whose writable end 2 is held by Main (task 1){{$}}
;; CHECK-NOT: task
(component
  (component $Peer
    (type $S (stream u8))
    (core module $M
      (import "" "set" (func $set (result i32)))
      (func (export "keep") (param i32))
      (func $wait (result i32) (i32.or (i32.const 2) (i32.shl (call $set) (i32.const 4))))
      (func (export "never") (result i32) (call $wait))
      (func (export "again") (param i32 i32 i32) (result i32) (call $wait)))
    (canon waitable-set.new (core func $set))
    (core instance $m (instantiate $M (with "" (instance (export "set" (func $set))))))
    (func (export "keep") (param "s" $S) (canon lift (core func $m "keep")))
    (func (export "never") async (canon lift (core func $m "never") async (callback (core func $m "again")))))
  (component $Main
    (type $S (stream u8))
    (import "keep" (func $keep (param "s" $S)))
    (import "never" (func $never async))
    (core module $Mem (memory (export "mem") 1))
    (core instance $mem (instantiate $Mem))
    (core module $M
      (import "" "keep" (func $keep (param i32)))
      (import "" "never" (func $never (result i32)))
      (import "" "new" (func $new (result i64)))
      (import "" "read" (func $read (param i32 i32 i32) (result i32)))
      (import "" "write" (func $write (param i32 i32 i32) (result i32)))
      (import "" "suspend" (func $suspend (result i32)))
      (import "" "cancel" (func $cancel (param i32) (result i32)))
      (import "" "set" (func $set (result i32)))
      (import "" "join" (func $join (param i32 i32)))
      (import "" "wait" (func $wait (param i32 i32) (result i32)))
      (func (export "unread") (local $ends i64)
        (local.set $ends (call $new))
        (call $keep (i32.wrap_i64 (local.get $ends)))
        (drop (call $write (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32))) (i32.const 0) (i32.const 8))))
      (func (export "suspended") (drop (call $suspend)))
      (func (export "resists") (drop (call $cancel (i32.shr_u (call $never) (i32.const 4)))))
      (func (export "many") (local $i i32) (local $set i32)
        (local.set $set (call $set))
        (loop $more
          (call $join (i32.shr_u (call $never) (i32.const 4)) (local.get $set))
          (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100))))
        (drop (call $wait (local.get $set) (i32.const 0))))
      (func (export "itself") (local $end i32) (local $set i32)
        (local.set $end (i32.wrap_i64 (call $new)))
        (local.set $set (call $set))
        (drop (call $read (local.get $end) (i32.const 0) (i32.const 8)))
        (call $join (local.get $end) (local.get $set))
        (drop (call $wait (local.get $set) (i32.const 0)))))
    (canon lower (func $keep) (core func $keep'))
    (canon lower (func $never) async (core func $never'))
    (canon stream.new $S (core func $new))
    (canon stream.read $S async (memory (core memory $mem "mem")) (core func $read))
    (canon stream.write $S (memory (core memory $mem "mem")) (core func $write))
    (canon thread.suspend (core func $suspend))
    (canon subtask.cancel (core func $cancel))
    (canon waitable-set.new (core func $set))
    (canon waitable.join (core func $join))
    (canon waitable-set.wait (memory (core memory $mem "mem")) (core func $wait))
    (core instance $m (instantiate $M (with "" (instance (export "keep" (func $keep')) (export "never" (func $never'))
      (export "new" (func $new)) (export "read" (func $read)) (export "write" (func $write)) (export "suspend" (func $suspend))
      (export "cancel" (func $cancel)) (export "set" (func $set)) (export "join" (func $join)) (export "wait" (func $wait))))))
    (func (export "unread") async (canon lift (core func $m "unread")))
    (func (export "suspended") async (canon lift (core func $m "suspended")))
    (func (export "resists") async (canon lift (core func $m "resists")))
    (func (export "many") async (canon lift (core func $m "many")))
    (func (export "itself") async (canon lift (core func $m "itself"))))
  (instance $peer (instantiate $Peer))
  (instance $main (instantiate $Main (with "keep" (func $peer "keep")) (with "never" (func $peer "never"))))
  (export "unread" (func $main "unread")) (export "suspended" (func $main "suspended"))
  (export "resists" (func $main "resists")) (export "many" (func $main "many")) (export "itself" (func $main "itself")))
