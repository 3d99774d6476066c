;; What --invoke prints counts as the store's memory: a result of 2^28 - 1 elements, and 4,096 times the same MiB.
;; RUN: %wjit run --host-memory 100000000 --invoke 'bytes()' %s 2>%t; test $? = 1
;; RUN: FileCheck %s <%t
;; RUN: %wjit run --host-memory 100000000 --invoke 'strings()' %s 2>%t; test $? = 1
;; RUN: FileCheck %s <%t
;; CHECK: the result takes more host memory than is left (--host-memory)
(component
  (core module $M
    (memory (export "memory") 4097)
    (func (export "bytes") (result i32)
      (i32.store (i32.const 0) (i32.const 16))
      (i32.store (i32.const 4) (i32.const 0x0fffffff))
      (i32.const 0))
    (func (export "strings") (result i32) (local $i i32)
      (i32.store (i32.const 0) (i32.const 16))
      (i32.store (i32.const 4) (i32.const 4096))
      (loop $each
        (i64.store (i32.add (i32.const 16) (i32.mul (local.get $i) (i32.const 8))) (i64.const 0x0010000000010000))
        (br_if $each (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 4096))))
      (i32.const 0)))
  (core instance $m (instantiate $M))
  (func (export "bytes") (result (list u8)) (canon lift (core func $m "bytes") (memory (core memory $m "memory"))))
  (func (export "strings") (result (list string)) (canon lift (core func $m "strings") (memory (core memory $m "memory")))))
