;; Hand-overs: an arrow from each write to the read that got its elements, whoever came first, with counts and bytes.
;; RUN: %wjit run --trace=%t.json --invoke 'run()' %s | FileCheck %s --check-prefix=RESULT
;; RESULT: 10
;; RUN: %check_trace %t.json | FileCheck %s
;; CHECK-DAG: Source / produce #2: produce #2 > runs > stream write 2 > waits: stream > stream write 2 done
;; CHECK-DAG: Sink / run #1: run #1 > runs > produce of Source > stream read 1 > stream read 1 done > waits: stream > future read 2 {{.*}}future read 2 done
;; CHECK: arrow call: Sink / run #1 -> Source / produce #2 ({{[0-9]+}})
;; CHECK: arrow future: Source / produce #2 -> Sink / run #1 (1)
;; CHECK: arrow stream: Source / produce #2 -> Sink / run #1 (2)
;; CHECK: arrow wake: Sink / run #1 -> Source / produce #2 ({{[0-9]+}})
;; CHECK: arrow wake: Source / produce #2 -> Sink / run #1 (
;; RUN: grep -c '"elements":4,"bytes":16,"result":"completed"' %t.json | FileCheck %s --check-prefix=FOUR
;; FOUR: 2
;; RUN: grep -c '"elements":6,"bytes":24,"result":"completed"' %t.json | FileCheck %s --check-prefix=SIX
;; SIX: 2
(component
  (component $Source
    (type $S (stream u32))
    (type $F (future u8))
    (core module $Mem (memory (export "mem") 1))
    (core instance $mem (instantiate $Mem))
    (core module $M
      (import "" "new-s" (func $new-s (result i64)))
      (import "" "new-f" (func $new-f (result i64)))
      (import "" "write" (func $write (param i32 i32 i32) (result i32)))
      (import "" "write-f" (func $write-f (param i32 i32) (result i32)))
      (import "" "return" (func $return (param i32 i32)))
      ;; the first write waits for the reader, the second finds it waiting
      (func (export "produce") (local $s i64) (local $f i64)
        (local.set $s (call $new-s))
        (local.set $f (call $new-f))
        (call $return (i32.wrap_i64 (local.get $s)) (i32.wrap_i64 (local.get $f)))
        (drop (call $write (i32.wrap_i64 (i64.shr_u (local.get $s) (i64.const 32))) (i32.const 0) (i32.const 4)))
        (drop (call $write (i32.wrap_i64 (i64.shr_u (local.get $s) (i64.const 32))) (i32.const 0) (i32.const 6)))
        (drop (call $write-f (i32.wrap_i64 (i64.shr_u (local.get $f) (i64.const 32))) (i32.const 0)))))
    (canon stream.new $S (core func $new-s))
    (canon future.new $F (core func $new-f))
    (canon stream.write $S (memory (core memory $mem "mem")) (core func $write))
    (canon future.write $F (memory (core memory $mem "mem")) (core func $write-f))
    (canon task.return (result (tuple $S $F)) (core func $return))
    (core instance $m (instantiate $M (with "" (instance (export "new-s" (func $new-s)) (export "new-f" (func $new-f))
      (export "write" (func $write)) (export "write-f" (func $write-f)) (export "return" (func $return))))))
    (func (export "produce") async (result (tuple $S $F)) (canon lift (core func $m "produce") async)))
  (component $Sink
    (type $S (stream u32))
    (type $F (future u8))
    (import "produce" (func $produce async (result (tuple $S $F))))
    (core module $Mem (memory (export "mem") 1))
    (core instance $mem (instantiate $Mem))
    (core module $M
      (import "" "mem" (memory 1))
      (import "" "produce" (func $produce (param i32)))
      (import "" "read" (func $read (param i32 i32 i32) (result i32)))
      (import "" "read-f" (func $read-f (param i32 i32) (result i32)))
      (func (export "run") (result i32) (local $got i32)
        (call $produce (i32.const 8))
        (local.set $got (i32.shr_u (call $read (i32.load (i32.const 8)) (i32.const 64) (i32.const 4)) (i32.const 4)))
        (local.set $got (i32.add (local.get $got)
          (i32.shr_u (call $read (i32.load (i32.const 8)) (i32.const 64) (i32.const 100)) (i32.const 4))))
        (drop (call $read-f (i32.load (i32.const 12)) (i32.const 64)))
        (local.get $got)))
    (canon lower (func $produce) (memory (core memory $mem "mem")) (core func $produce'))
    (canon stream.read $S (memory (core memory $mem "mem")) (core func $read))
    (canon future.read $F (memory (core memory $mem "mem")) (core func $read-f))
    (core instance $m (instantiate $M (with "" (instance (export "mem" (memory $mem "mem"))
      (export "produce" (func $produce')) (export "read" (func $read)) (export "read-f" (func $read-f))))))
    (func (export "run") async (result u32) (canon lift (core func $m "run"))))
  (instance $source (instantiate $Source))
  (instance $sink (instantiate $Sink (with "produce" (func $source "produce"))))
  (export "run" (func $sink "run")))
