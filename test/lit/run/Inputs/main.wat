;; Ends with an error. The test fills in what stands in capital letters.
(component
  (core module $M
    (memory (export "memory") 1)
    (func (export "run1") (param i32) (result i32) (i32.const 1))
    (func (export "run0") (result i32) (i32.const 1)))
  (core instance $m (instantiate $M))
  (func $run PARAMS RESULT (canon lift (core func $m "CORE") (memory (core memory $m "memory"))))
  (instance $i (export "run" (func $run)))
  (export "wasi:cli/run@VERSION" (instance $i)))
