;; Two components wait for each other: Main for Reader's `take` to return, Reader for a future that only Main could write.
;; RUN: %wjit run --invoke 'run()' %s 2>%t; test $? = 134
;; RUN: FileCheck %s <%t
;; CHECK: wasm trap: deadlock detected
;; CHECK-NEXT: {{^}}  task 1 (run of Main) waits for task 2 (take of Reader) to return{{$}}
;; CHECK-NEXT: {{^}}  task 2 (take of Reader) waits to read future 1, whose writable end 2 is held by Main (task 1){{$}}
;; CHECK-NEXT: {{^}}  so these 2 wait in a circle{{$}}
;; CHECK-NOT: task
(component
  (type $F (future u8))
  (component $Reader
    (type $F (future u8))
    (core module $Mem (memory (export "mem") 1))
    (core instance $mem (instantiate $Mem))
    (core module $M
      (import "" "read" (func $read (param i32 i32) (result i32)))
      (func (export "take") (param $future i32) (drop (call $read (local.get $future) (i32.const 0)))))
    (canon future.read $F (memory (core memory $mem "mem")) (core func $read))
    (core instance $m (instantiate $M (with "" (instance (export "read" (func $read))))))
    (func (export "take") async (param "x" $F) (canon lift (core func $m "take"))))
  (component $Main
    (type $F (future u8))
    (import "take" (func $take async (param "x" $F)))
    (core module $M
      (import "" "new" (func $new (result i64)))
      (import "" "take" (func $take (param i32)))
      (func (export "run") (call $take (i32.wrap_i64 (call $new)))))
    (canon future.new $F (core func $new))
    (canon lower (func $take) (core func $take'))
    (core instance $m (instantiate $M (with "" (instance (export "new" (func $new)) (export "take" (func $take'))))))
    (func (export "run") async (canon lift (core func $m "run"))))
  (instance $reader (instantiate $Reader))
  (instance $main (instantiate $Main (with "take" (func $reader "take"))))
  (export "run" (func $main "run")))
