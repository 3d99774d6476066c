;; A destructor that waits in a host function of WASI 0.2: who drops the resource goes on when it is through.
;; RUN: %wjit run --invoke 'run()' %s | FileCheck %s
;; CHECK: 7
(component
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $p (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $p))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (alias outer 1 $pollable (type $p'))
    (export "pollable" (type $p (eq $p')))
    (export "subscribe-duration" (func (param "when" u64) (result (own $p))))))
  (core func $subscribe (canon lower (func $clock "subscribe-duration")))
  (core func $block (canon lower (func $poll "[method]pollable.block")))
  (core module $D
    (import "" "subscribe" (func $subscribe (param i64) (result i32)))
    (import "" "block" (func $block (param i32)))
    (global $dropped (export "dropped") (mut i32) (i32.const 0))
    (func (export "drop") (param i32)
      (call $block (call $subscribe (i64.const 20000000)))
      (global.set $dropped (local.get 0))))
  (core instance $d (instantiate $D (with "" (instance
    (export "subscribe" (func $subscribe)) (export "block" (func $block))))))
  (type $r (resource (rep i32) (dtor (core func $d "drop"))))
  (core func $new (canon resource.new $r))
  (core func $drop (canon resource.drop $r))
  (core module $M
    (import "" "new" (func $new (param i32) (result i32)))
    (import "" "drop" (func $drop (param i32)))
    (import "" "dropped" (global $dropped (mut i32)))
    (func (export "run") (result i32)
      (call $drop (call $new (i32.const 7)))
      (global.get $dropped)))
  (core instance $m (instantiate $M (with "" (instance
    (export "new" (func $new)) (export "drop" (func $drop)) (export "dropped" (global $d "dropped"))))))
  (func (export "run") (result u32) (canon lift (core func $m "run"))))
