;; With a seed a run depends on nothing else: equal seeds give equal results, different seeds different orders. Four calls of
;; `note` yield once and then write down their digit; the caller waits for all.
;; RUN: for s in 0 1 2 3 4 5 6 7; do %wjit run --deterministic --seed $s --invoke 'order()' %s || exit 1; done >%t.1
;; RUN: for s in 0 1 2 3 4 5 6 7; do %wjit run --deterministic --seed $s --invoke 'order()' %s || exit 1; done >%t.2
;; RUN: diff %t.1 %t.2
;; RUN: test $(sort -u %t.1 | wc -l) -ge 4
;; The traces are equal as well, times included, and looking does not change anything.
;; RUN: for s in 0 1 2 3 4 5 6 7; do %wjit run --deterministic --seed $s --trace=%t.$s.json --invoke 'order()' %s || exit 1; done >%t.3
;; RUN: diff %t.1 %t.3
;; RUN: for s in 0 1 2 3 4 5 6 7; do %wjit run --deterministic --seed $s --trace=%t.again --invoke 'order()' %s || exit 1; cmp %t.again %t.$s.json || exit 1; done >%t.3
;; RUN: test $(cksum <%t.0.json | cut -d ' ' -f 1) != $(cksum <%t.1.json | cut -d ' ' -f 1)
;; RUN: %check_trace %t.5.json
;; Every digit is there once.
;; RUN: FileCheck %s <%t.1
;; CHECK-COUNT-8: {{^[1-4][1-4][1-4][1-4]$}}
(component
  (component $Notes
    (core module $M
      (import "" "return" (func $return (param i32)))
      (import "" "context.set" (func $keep (param i32)))
      (import "" "context.get" (func $kept (result i32)))
      (global $noted (mut i32) (i32.const 0))
      (func (export "note") (param $digit i32) (result i32)
        (call $keep (local.get $digit))
        (i32.const 1 (; YIELD ;)))
      (func (export "noted") (param i32 i32 i32) (result i32)
        (global.set $noted (i32.add (i32.mul (global.get $noted) (i32.const 10)) (call $kept)))
        (call $return (global.get $noted))
        (i32.const 0 (; EXIT ;))))
    (canon task.return (result u32) (core func $return))
    (canon context.set i32 0 (core func $set))
    (canon context.get i32 0 (core func $get))
    (core instance $m (instantiate $M (with "" (instance
      (export "return" (func $return)) (export "context.set" (func $set)) (export "context.get" (func $get))))))
    (func (export "note") async (param "digit" u32) (result u32)
      (canon lift (core func $m "note") async (callback (core func $m "noted")))))
  (component $Main
    (import "note" (func $note async (param "digit" u32) (result u32)))
    (core module $Mem (memory (export "mem") 1))
    (core instance $mem (instantiate $Mem))
    (core module $M
      (import "" "mem" (memory 1))
      (import "" "note" (func $note (param i32 i32) (result i32)))
      (import "" "join" (func $join (param i32 i32)))
      (import "" "set" (func $set (result i32)))
      (import "" "wait" (func $wait (param i32 i32) (result i32)))
      (func (export "order") (result i32)
        (local $digit i32) (local $status i32) (local $waits i32) (local $set i32) (local $most i32)
        (local.set $set (call $set))
        (loop $more
          (local.set $digit (i32.add (local.get $digit) (i32.const 1)))
          (local.set $status (call $note (local.get $digit) (i32.mul (local.get $digit) (i32.const 8))))
          (if (i32.ne (local.get $status) (i32.const 2 (; RETURNED ;)))
            (then
              (call $join (i32.shr_u (local.get $status) (i32.const 4)) (local.get $set))
              (local.set $waits (i32.add (local.get $waits) (i32.const 1)))))
          (br_if $more (i32.lt_u (local.get $digit) (i32.const 4))))
        (block $done
          (loop $next
            (br_if $done (i32.eqz (local.get $waits)))
            (drop (call $wait (local.get $set) (i32.const 64)))
            (if (i32.eq (i32.load (i32.const 68)) (i32.const 2 (; RETURNED ;)))
              (then (local.set $waits (i32.sub (local.get $waits) (i32.const 1)))))
            (br $next)))
        ;; the last result is the longest number
        (loop $next
          (if (i32.gt_u (i32.load (i32.mul (local.get $digit) (i32.const 8))) (local.get $most))
            (then (local.set $most (i32.load (i32.mul (local.get $digit) (i32.const 8))))))
          (local.set $digit (i32.sub (local.get $digit) (i32.const 1)))
          (br_if $next (local.get $digit)))
        (local.get $most)))
    (canon lower (func $note) async (memory (core memory $mem "mem")) (core func $note'))
    (canon waitable.join (core func $join))
    (canon waitable-set.new (core func $set))
    (canon waitable-set.wait (memory (core memory $mem "mem")) (core func $wait))
    (core instance $m (instantiate $M (with "" (instance
      (export "mem" (memory $mem "mem")) (export "note" (func $note')) (export "join" (func $join))
      (export "set" (func $set)) (export "wait" (func $wait))))))
    (func (export "order") async (result u32) (canon lift (core func $m "order"))))
  (instance $notes (instantiate $Notes))
  (instance $main (instantiate $Main (with "note" (func $notes "note"))))
  (export "order" (func $main "order")))
