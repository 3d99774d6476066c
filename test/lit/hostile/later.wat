;; A callee that traps after it has blocked, on a fiber of its own: the backtrace goes on through those that wait for it, whether in
;; a sync call, in a waitable set, or between the events of a callback; and through two callers.
;; RUN: for callee in callback stackful never; do for caller in sync set callback; do f=$caller-$callee; \
;; RUN:   %wjit run --invoke "$f()" %s 2>%t; test $? = 134 || exit 9; echo "== $f"; cat %t; done; done | FileCheck %s
;; CHECK: == sync-callback
;; CHECK-NEXT: wasm trap: unreachable
;; CHECK-NEXT: 0: Callee!callback-again at 0x
;; CHECK: Caller!sync-callback at 0x
;; CHECK: == set-callback
;; CHECK-NEXT: wasm trap: unreachable
;; CHECK-NEXT: 0: Callee!callback-again at 0x
;; CHECK-NEXT: 1: Caller!await at 0x
;; CHECK-NEXT: 2: Caller!set-callback at 0x
;; CHECK: == callback-callback
;; CHECK-NEXT: wasm trap: unreachable
;; CHECK-NEXT: 0: Callee!callback-again at 0x
;; CHECK-NEXT: 1: task 1 (callback-callback of Caller)
;; CHECK: == sync-stackful
;; CHECK-NEXT: wasm trap: unreachable
;; CHECK-NEXT: 0: Callee!later at 0x
;; CHECK-NEXT: 1: Callee!stackful at 0x
;; CHECK: Caller!sync-stackful at 0x
;; CHECK: == set-stackful
;; CHECK-NEXT: wasm trap: unreachable
;; CHECK-NEXT: 0: Callee!later at 0x
;; CHECK-NEXT: 1: Callee!stackful at 0x
;; CHECK: Caller!await at 0x
;; CHECK-NEXT: Caller!set-stackful at 0x
;; CHECK: == callback-stackful
;; CHECK-NEXT: wasm trap: unreachable
;; CHECK-NEXT: 0: Callee!later at 0x
;; CHECK-NEXT: 1: Callee!stackful at 0x
;; CHECK: task 1 (callback-stackful of Caller)
;; No code of the callee runs any more when it is found that it has not returned: its task stands for it.
;; CHECK: == sync-never
;; CHECK-NEXT: wasm trap: {{.*}}the task's last thread exited without `task.return` or `task.cancel`
;; CHECK-NEXT: 0: task {{[0-9]+}} (never of Callee)
;; CHECK: Caller!sync-never at 0x
;; CHECK: == set-never
;; CHECK: 0: task {{[0-9]+}} (never of Callee)
;; CHECK-NEXT: 1: Caller!await at 0x
;; CHECK-NEXT: 2: Caller!set-never at 0x
;; CHECK: == callback-never
;; CHECK: 0: task {{[0-9]+}} (never of Callee)
;; CHECK-NEXT: 1: task 1 (callback-never of Caller)
;; RUN: %wjit run --invoke "outer()" %s 2>%t; test $? = 134 && FileCheck %s --check-prefix=OUTER <%t
;; OUTER: wasm trap: unreachable
;; OUTER-NEXT: 0: Callee!callback-again at 0x
;; OUTER-NEXT: 1: Caller!await at 0x
;; OUTER-NEXT: 2: Caller!set-callback at 0x
;; OUTER: Outer!outer at 0x
(component
  (component $Callee
    (core module $Callee
      (import "" "yield" (func $yield (result i32)))
      (func (export "callback") (result i32) (i32.const 1))
      (func $later (drop (call $yield)) unreachable)
      (func (export "stackful") (call $later))
      (func (export "never") (result i32) (i32.const 1))
      (func (export "callback-again") (param i32 i32 i32) (result i32) unreachable)
      (func (export "never-again") (param i32 i32 i32) (result i32) (i32.const 0)))
    (canon thread.yield (core func $yield))
    (core instance $m (instantiate $Callee (with "" (instance (export "yield" (func $yield))))))
    (func (export "callback") async (canon lift (core func $m "callback") async (callback (core func $m "callback-again"))))
    (func (export "stackful") async (canon lift (core func $m "stackful") async))
    (func (export "never") async (canon lift (core func $m "never") async (callback (core func $m "never-again")))))
  (component $Caller
    (import "callback" (func $callback async))
    (import "stackful" (func $stackful async))
    (import "never" (func $never async))
    (core module $Mem (memory (export "mem") 1))
    (core instance $mem (instantiate $Mem))
    (core module $Caller
      (import "" "sync-callback" (func $sync-callback))
      (import "" "sync-stackful" (func $sync-stackful))
      (import "" "sync-never" (func $sync-never))
      (import "" "callback" (func $callback (result i32)))
      (import "" "stackful" (func $stackful (result i32)))
      (import "" "never" (func $never (result i32)))
      (import "" "set" (func $set (result i32)))
      (import "" "join" (func $join (param i32 i32)))
      (import "" "wait" (func $wait (param i32 i32) (result i32)))
      (func $joined (param $call i32) (result i32) (local $set i32)
        (local.set $set (call $set))
        (call $join (i32.shr_u (local.get $call) (i32.const 4)) (local.get $set))
        (local.get $set))
      (func $await (param $call i32) (drop (call $wait (call $joined (local.get $call)) (i32.const 0))))
      (func $code (param $call i32) (result i32)
        (i32.or (i32.const 2) (i32.shl (call $joined (local.get $call)) (i32.const 4))))
      (func (export "sync-callback") (call $sync-callback))
      (func (export "sync-stackful") (call $sync-stackful))
      (func (export "sync-never") (call $sync-never))
      (func (export "set-callback") (call $await (call $callback)))
      (func (export "set-stackful") (call $await (call $stackful)))
      (func (export "set-never") (call $await (call $never)))
      (func (export "callback-callback") (result i32) (call $code (call $callback)))
      (func (export "callback-stackful") (result i32) (call $code (call $stackful)))
      (func (export "callback-never") (result i32) (call $code (call $never)))
      (func (export "again") (param i32 i32 i32) (result i32) unreachable))
    (canon lower (func $callback) (core func $sync-callback))
    (canon lower (func $stackful) (core func $sync-stackful))
    (canon lower (func $never) (core func $sync-never))
    (canon lower (func $callback) async (core func $callback'))
    (canon lower (func $stackful) async (core func $stackful'))
    (canon lower (func $never) async (core func $never'))
    (canon waitable-set.new (core func $set))
    (canon waitable.join (core func $join))
    (canon waitable-set.wait (memory (core memory $mem "mem")) (core func $wait))
    (core instance $m (instantiate $Caller (with "" (instance (export "sync-callback" (func $sync-callback))
      (export "sync-stackful" (func $sync-stackful)) (export "sync-never" (func $sync-never))
      (export "callback" (func $callback')) (export "stackful" (func $stackful')) (export "never" (func $never'))
      (export "set" (func $set)) (export "join" (func $join)) (export "wait" (func $wait))))))
    (func (export "sync-callback") async (canon lift (core func $m "sync-callback")))
    (func (export "sync-stackful") async (canon lift (core func $m "sync-stackful")))
    (func (export "sync-never") async (canon lift (core func $m "sync-never")))
    (func (export "set-callback") async (canon lift (core func $m "set-callback") async))
    (func (export "set-stackful") async (canon lift (core func $m "set-stackful") async))
    (func (export "set-never") async (canon lift (core func $m "set-never") async))
    (func (export "callback-callback") async
      (canon lift (core func $m "callback-callback") async (callback (core func $m "again"))))
    (func (export "callback-stackful") async
      (canon lift (core func $m "callback-stackful") async (callback (core func $m "again"))))
    (func (export "callback-never") async
      (canon lift (core func $m "callback-never") async (callback (core func $m "again")))))
  (component $Outer
    (import "f" (func $f async))
    (canon lower (func $f) (core func $f'))
    (core module $Outer (import "" "f" (func $f)) (func (export "outer") (call $f)))
    (core instance $m (instantiate $Outer (with "" (instance (export "f" (func $f'))))))
    (func (export "outer") async (canon lift (core func $m "outer"))))
  (instance $callee (instantiate $Callee))
  (instance $caller (instantiate $Caller (with "callback" (func $callee "callback")) (with "stackful" (func $callee "stackful"))
    (with "never" (func $callee "never"))))
  (instance $outer (instantiate $Outer (with "f" (func $caller "set-callback"))))
  (export "outer" (func $outer "outer"))
  (export "sync-callback" (func $caller "sync-callback")) (export "sync-stackful" (func $caller "sync-stackful"))
  (export "sync-never" (func $caller "sync-never")) (export "set-callback" (func $caller "set-callback"))
  (export "set-stackful" (func $caller "set-stackful")) (export "set-never" (func $caller "set-never"))
  (export "callback-callback" (func $caller "callback-callback"))
  (export "callback-stackful" (func $caller "callback-stackful")) (export "callback-never" (func $caller "callback-never")))
