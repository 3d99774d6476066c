;; An exception does not leave its component: at the adapter it is a trap, on the caller's stack as on a fiber of the callee's own.
;; RUN: %wjit wast %s | FileCheck %s
;; CHECK: 1 passed, 0 failed
(component definition $Test
  (component $Callee
    (core module $M
      (tag $t)
      (func (export "sync") (throw $t))
      (func (export "callback") (result i32) (throw $t))
      (func (export "never") (param i32 i32 i32) (result i32) unreachable))
    (core instance $m (instantiate $M))
    (func (export "sync") (canon lift (core func $m "sync")))
    (func (export "callback") async (canon lift (core func $m "callback") async (callback (core func $m "never")))))
  (component $Caller
    (import "sync" (func $sync))
    (import "callback" (func $callback async))
    (core func $sync' (canon lower (func $sync)))
    (core func $callback' (canon lower (func $callback)))
    (core module $M
      (import "" "sync" (func $sync))
      (import "" "callback" (func $callback))
      (func (export "sync") (result i32)
        (block $h (try_table (catch_all $h) (call $sync)) (return (i32.const 1)))
        (i32.const 2))
      (func (export "callback") (result i32)
        (block $h (try_table (catch_all $h) (call $callback)) (return (i32.const 1)))
        (i32.const 2)))
    (core instance $m (instantiate $M (with "" (instance
      (export "sync" (func $sync')) (export "callback" (func $callback'))))))
    (func (export "sync") (result u32) (canon lift (core func $m "sync")))
    (func (export "callback") async (result u32) (canon lift (core func $m "callback"))))
  (instance $callee (instantiate $Callee))
  (instance $caller (instantiate $Caller
    (with "sync" (func $callee "sync")) (with "callback" (func $callee "callback"))))
  (export "sync" (func $caller "sync"))
  (export "callback" (func $caller "callback")))
(component instance $i $Test)
(assert_trap (invoke "sync") "exception")
(component instance $i $Test)
(assert_trap (invoke "callback") "exception")
