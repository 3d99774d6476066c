(module
  (func (export "one") (result i32) (i32.const 1))
  (func (export "trap") unreachable))
(assert_return (invoke "one") (i32.const 2))
(assert_trap (invoke "trap") "integer divide by zero")
(assert_invalid (module) "nothing wrong with it")
