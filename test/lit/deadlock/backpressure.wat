;; Backpressure that is never taken back, and an exclusive lock that is never given up.
;; RUN: %wjit run --invoke 'full()' %s 2>%t; test $? = 134
;; RUN: FileCheck %s --check-prefix=FULL <%t
;; FULL: wasm trap: deadlock detected
;; FULL-NEXT: {{^}}  task 1 (full of Main) waits for task [[G:[0-9]+]] (get of Busy) to return{{$}}
;; FULL-NEXT: {{^}}  task [[G]] (get of Busy) waits to start: Busy has backpressure on (backpressure.inc was called 2 times more than backpressure.dec) and runs no task that could end it{{$}}
;; FULL-NOT: circle
;; RUN: %wjit run --invoke 'locked()' %s 2>%t; test $? = 134
;; RUN: FileCheck %s --check-prefix=LOCKED <%t
;; LOCKED: wasm trap: deadlock detected
;; LOCKED-NEXT: {{^}}  task 1 (locked of Main) waits for task 3 (get of Busy) to return{{$}}
;; LOCKED-NEXT: {{^}}  task 3 (get of Busy) waits to start, but task 2 (take of Busy) has the exclusive lock of Busy{{$}}
;; LOCKED-NEXT: {{^}}  task 2 (take of Busy) waits to read future 1, whose writable end 2 is held by Main (task 1){{$}}
;; LOCKED-NEXT: {{^}}  so these 3 wait in a circle{{$}}
(component
  (component $Busy
    (type $F (future u8))
    (core module $Mem (memory (export "mem") 1))
    (core instance $mem (instantiate $Mem))
    (core module $M
      (import "" "inc" (func $inc))
      (import "" "read" (func $read (param i32 i32) (result i32)))
      (func (export "stop") (call $inc))
      (func (export "get"))
      (func (export "take") (param $future i32) (drop (call $read (local.get $future) (i32.const 0)))))
    (canon backpressure.inc (core func $inc))
    (canon future.read $F (memory (core memory $mem "mem")) (core func $read))
    (core instance $m (instantiate $M (with "" (instance (export "inc" (func $inc)) (export "read" (func $read))))))
    (func (export "stop") (canon lift (core func $m "stop")))
    (func (export "get") async (canon lift (core func $m "get")))
    (func (export "take") async (param "x" $F) (canon lift (core func $m "take"))))
  (component $Main
    (type $F (future u8))
    (import "stop" (func $stop))
    (import "get" (func $get async))
    (import "take" (func $take async (param "x" $F)))
    (core module $M
      (import "" "new" (func $new (result i64)))
      (import "" "stop" (func $stop))
      (import "" "get" (func $get))
      (import "" "take" (func $take (param i32) (result i32)))
      (func (export "full") (call $stop) (call $stop) (call $get))
      (func (export "locked") (drop (call $take (i32.wrap_i64 (call $new)))) (call $get)))
    (canon future.new $F (core func $new))
    (canon lower (func $stop) (core func $stop'))
    (canon lower (func $get) (core func $get'))
    (canon lower (func $take) async (core func $take'))
    (core instance $m (instantiate $M (with "" (instance (export "new" (func $new)) (export "stop" (func $stop'))
      (export "get" (func $get')) (export "take" (func $take'))))))
    (func (export "full") async (canon lift (core func $m "full")))
    (func (export "locked") async (canon lift (core func $m "locked"))))
  (instance $busy (instantiate $Busy))
  (instance $main (instantiate $Main (with "stop" (func $busy "stop")) (with "get" (func $busy "get"))
    (with "take" (func $busy "take"))))
  (export "full" (func $main "full"))
  (export "locked" (func $main "locked")))
