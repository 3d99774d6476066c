;; The other end of a stream is held by an instance that runs nothing: what it kept is never written to.
;; RUN: %wjit run --invoke 'run()' %s 2>%t; test $? = 134
;; RUN: FileCheck %s <%t
;; CHECK: wasm trap: deadlock detected
;; CHECK-NEXT: {{^}}  task 1 (run of Main) waits to read stream 1, whose writable end 2 is held by Keeper, which runs no task{{$}}
;; CHECK-NOT: circle
(component
  (component $Keeper
    (type $S (stream u8))
    (core module $M
      (import "" "new" (func $new (result i64)))
      (func (export "open") (result i32) (i32.wrap_i64 (call $new))))
    (canon stream.new $S (core func $new))
    (core instance $m (instantiate $M (with "" (instance (export "new" (func $new))))))
    (func (export "open") (result $S) (canon lift (core func $m "open"))))
  (component $Main
    (type $S (stream u8))
    (import "open" (func $open (result $S)))
    (core module $Mem (memory (export "mem") 1))
    (core instance $mem (instantiate $Mem))
    (core module $M
      (import "" "open" (func $open (result i32)))
      (import "" "read" (func $read (param i32 i32 i32) (result i32)))
      (func (export "run") (drop (call $read (call $open) (i32.const 0) (i32.const 8)))))
    (canon lower (func $open) (core func $open'))
    (canon stream.read $S (memory (core memory $mem "mem")) (core func $read))
    (core instance $m (instantiate $M (with "" (instance (export "open" (func $open')) (export "read" (func $read))))))
    (func (export "run") async (canon lift (core func $m "run"))))
  (instance $keeper (instantiate $Keeper))
  (instance $main (instantiate $Main (with "open" (func $keeper "open"))))
  (export "run" (func $main "run")))
