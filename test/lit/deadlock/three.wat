;; Three components in a circle, and a task beside it that waits for one of them: Main started `idle` of Last before.
;; RUN: %wjit run --invoke 'run()' %s 2>%t; test $? = 134
;; RUN: FileCheck %s <%t
;; CHECK: wasm trap: deadlock detected
;; CHECK-NEXT: {{^}}  task 1 (run of Main) waits for task [[PASS:[0-9]+]] (pass of Middle) to return{{$}}
;; CHECK-NEXT: {{^}}  task [[PASS]] (pass of Middle) waits for a waitable set with the call of task [[PUT:[0-9]+]] (put of Last){{$}}
;; CHECK-NEXT: {{^}}  task [[PUT]] (put of Last) waits to write to stream {{[0-9]+}}, whose readable end {{[0-9]+}} is held by Main (task 1){{$}}
;; CHECK-NEXT: {{^}}  so these 3 wait in a circle{{$}}
;; CHECK-NEXT: {{^}}  task {{[0-9]+}} (idle of Last) waits for a waitable set that is empty{{$}}
;; CHECK-NOT: task
(component
  (component $Last
    (type $S (stream u8))
    (core module $Mem (memory (export "mem") 1))
    (core instance $mem (instantiate $Mem))
    (core module $M
      (import "" "new" (func $new (result i64)))
      (import "" "write" (func $write (param i32 i32 i32) (result i32)))
      (import "" "set" (func $set (result i32)))
      (import "" "wait" (func $wait (param i32 i32) (result i32)))
      (import "" "return" (func $return))
      (global $writable (mut i32) (i32.const 0))
      (func (export "open") (result i32)
        (local $ends i64)
        (local.set $ends (call $new))
        (global.set $writable (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32))))
        (i32.wrap_i64 (local.get $ends)))
      (func (export "put") (drop (call $write (global.get $writable) (i32.const 0) (i32.const 4))) (call $return))
      (func (export "idle") (drop (call $wait (call $set) (i32.const 0)))))
    (canon stream.new $S (core func $new))
    (canon stream.write $S (memory (core memory $mem "mem")) (core func $write))
    (canon waitable-set.new (core func $set))
    (canon waitable-set.wait (memory (core memory $mem "mem")) (core func $wait))
    (canon task.return (core func $return))
    (core instance $m (instantiate $M (with "" (instance (export "new" (func $new)) (export "write" (func $write))
      (export "set" (func $set)) (export "wait" (func $wait)) (export "return" (func $return))))))
    (func (export "open") (result $S) (canon lift (core func $m "open")))
    (func (export "put") async (canon lift (core func $m "put") async))
    (func (export "idle") async (canon lift (core func $m "idle") async)))
  (component $Middle
    (import "put" (func $put async))
    (core module $Mem (memory (export "mem") 1))
    (core instance $mem (instantiate $Mem))
    (core module $M
      (import "" "put" (func $put (result i32)))
      (import "" "set" (func $set (result i32)))
      (import "" "join" (func $join (param i32 i32)))
      (import "" "wait" (func $wait (param i32 i32) (result i32)))
      (func (export "pass")
        (local $set i32)
        (local.set $set (call $set))
        (call $join (i32.shr_u (call $put) (i32.const 4)) (local.get $set))
        (drop (call $wait (local.get $set) (i32.const 0)))))
    (canon lower (func $put) async (core func $put'))
    (canon waitable-set.new (core func $set))
    (canon waitable.join (core func $join))
    (canon waitable-set.wait (memory (core memory $mem "mem")) (core func $wait))
    (core instance $m (instantiate $M (with "" (instance (export "put" (func $put')) (export "set" (func $set))
      (export "join" (func $join)) (export "wait" (func $wait))))))
    (func (export "pass") async (canon lift (core func $m "pass"))))
  (component $Main
    (type $S (stream u8))
    (import "open" (func $open (result $S)))
    (import "idle" (func $idle async))
    (import "pass" (func $pass async))
    (core module $M
      (import "" "open" (func $open (result i32)))
      (import "" "idle" (func $idle (result i32)))
      (import "" "pass" (func $pass))
      (func (export "run") (drop (call $open)) (drop (call $idle)) (call $pass)))
    (canon lower (func $open) (core func $open'))
    (canon lower (func $idle) async (core func $idle'))
    (canon lower (func $pass) (core func $pass'))
    (core instance $m (instantiate $M (with "" (instance (export "open" (func $open')) (export "idle" (func $idle'))
      (export "pass" (func $pass'))))))
    (func (export "run") async (canon lift (core func $m "run"))))
  (instance $last (instantiate $Last))
  (instance $middle (instantiate $Middle (with "put" (func $last "put"))))
  (instance $main (instantiate $Main (with "open" (func $last "open")) (with "idle" (func $last "idle"))
    (with "pass" (func $middle "pass"))))
  (export "run" (func $main "run")))
