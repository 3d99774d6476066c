;; A value that a start function returns counts as the store's memory: 2^28 - 1 elements do not fit into 100 MB.
;; RUN: %wjit run --host-memory 100000000 --invoke v %s 2>%t; test $? = 1
;; RUN: FileCheck %s <%t
;; CHECK: too large a value: no host memory is left for `main`
(component
  (core module $M
    (memory (export "memory") 4097)
    (func (export "f") (result i32)
      (i32.store (i32.const 0) (i32.const 16))
      (i32.store (i32.const 4) (i32.const 0x0fffffff))
      (i32.const 0)))
  (core instance $m (instantiate $M))
  (func $f (result (list u8)) (canon lift (core func $m "f") (memory (core memory $m "memory"))))
  (start $f (result (value $v)))
  (export "v" (value $v)))
