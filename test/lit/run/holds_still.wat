;; A host function whose type is not async may take its time (0.2's waits): nothing of the store runs meanwhile, callers
;; included, however they called. So async lowers of what waits so see it return, and start functions may wait so, too.
;; RUN: %wjit run --invoke 'callers()' %s | FileCheck %s
;; RUN: %wjit run --io epoll --invoke 'callers()' %s | FileCheck %s
;; RUN: %wjit run --deterministic --seed 5 --invoke 'callers()' %s | FileCheck %s
;; CHECK: "core start, start, sync 0, stackful 2, callback 2, free"
(component
  (import "wasi:io/poll@0.2.12" (instance $poll
    (export "pollable" (type $p (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $p))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.12" (instance $clock
    (alias outer 1 $pollable (type $p'))
    (export "pollable" (type $p (eq $p')))
    (export "subscribe-duration" (func (param "when" u64) (result (own $p))))))

  ;; Each function sets a flag, waits a millisecond, and clears it: `busy` is called by somebody else meanwhile if it is set.
  (component $Inner
    (import "pollable" (type $p (sub resource)))
    (import "after" (func $after (param "when" u64) (result (own $p))))
    (import "block" (func $block (param "self" (borrow $p))))
    (core func $after (canon lower (func $after)))
    (core func $block (canon lower (func $block)))
    (core func $return (canon task.return))
    (core module $M
      (import "" "after" (func $after (param i64) (result i32)))
      (import "" "block" (func $block (param i32)))
      (import "" "return" (func $return))
      (global $flag (mut i32) (i32.const 0))
      (global $started (mut i32) (i32.const 0))
      (func $wait
        (global.set $flag (i32.const 1))
        (call $block (call $after (i64.const 1000000)))
        (global.set $flag (i32.const 0)))
      (func $start (call $wait) (global.set $started (i32.add (global.get $started) (i32.const 1))))
      (start $start)
      (func (export "begin") (call $start))
      (func (export "started") (result i32) (global.get $started))
      (func (export "busy") (result i32) (global.get $flag))
      (func (export "sync") (call $wait))
      (func (export "stackful") (call $wait) (call $return) (call $wait))
      (func (export "callback") (result i32) (call $wait) (call $return) (call $wait) (i32.const 0))
      (func (export "unused") (param i32 i32 i32) (result i32) unreachable))
    (core instance $m (instantiate $M (with "" (instance
      (export "after" (func $after)) (export "block" (func $block)) (export "return" (func $return))))))
    (func $begin (canon lift (core func $m "begin")))
    (start $begin)
    (func (export "started") (result u32) (canon lift (core func $m "started")))
    (func (export "busy") (result u32) (canon lift (core func $m "busy")))
    (func (export "sync") (canon lift (core func $m "sync")))
    (func (export "stackful") async (canon lift (core func $m "stackful") async))
    (func (export "callback") async (canon lift (core func $m "callback") async (callback (core func $m "unused")))))
  (instance $inner (instantiate $Inner (with "pollable" (type $pollable))
    (with "after" (func $clock "subscribe-duration")) (with "block" (func $poll "[method]pollable.block"))))

  (component $Outer
    (import "started" (func $started (result u32)))
    (import "busy" (func $busy (result u32)))
    (import "sync" (func $sync))
    (import "stackful" (func $stackful async))
    (import "callback" (func $callback async))
    (core func $started (canon lower (func $started)))
    (core func $busy (canon lower (func $busy)))
    (core func $sync (canon lower (func $sync)))
    (core func $stackful (canon lower (func $stackful) async))
    (core func $callback (canon lower (func $callback) async))
    (core module $Libc
      (memory (export "memory") 1)
      (data (i32.const 8) "\18\00\00\00\37\00\00\00\00")
      (data (i32.const 24) "core start, start, sync 0, stackful ?, callback ?, free"))
    (core instance $libc (instantiate $Libc))
    (core module $M
      (import "" "memory" (memory 1))
      (import "" "started" (func $started (result i32)))
      (import "" "busy" (func $busy (result i32)))
      (import "" "sync" (func $sync))
      (import "" "stackful" (func $stackful (result i32)))
      (import "" "callback" (func $callback (result i32)))
      ;; A digit at `at`, or "!" in the place of the first letter if the instance is in the middle of something.
      (func $note (param $at i32) (param $digit i32)
        (i32.store8 (local.get $at) (i32.add (i32.const 48) (local.get $digit)))
        (if (call $busy) (then (i32.store8 (i32.const 24) (i32.const 33)))))
      (func (export "callers") (result i32)
        (if (i32.ne (call $started) (i32.const 2)) (then (i32.store8 (i32.const 24) (i32.const 63))))
        (call $sync)
        (call $note (i32.const 48) (i32.const 0))
        (call $note (i32.const 60) (call $stackful))
        (call $note (i32.const 72) (call $callback))
        (i32.const 8)))
    (core instance $m (instantiate $M (with "" (instance
      (export "memory" (memory $libc "memory")) (export "started" (func $started)) (export "busy" (func $busy))
      (export "sync" (func $sync)) (export "stackful" (func $stackful)) (export "callback" (func $callback))))))
    (func (export "callers") (result string) (canon lift (core func $m "callers") (memory (core memory $libc "memory")))))
  (instance $outer (instantiate $Outer
    (with "started" (func $inner "started")) (with "busy" (func $inner "busy")) (with "sync" (func $inner "sync"))
    (with "stackful" (func $inner "stackful")) (with "callback" (func $inner "callback"))))
  (export "callers" (func $outer "callers")))
