;; A callee's realloc that lies, traps or calls out while an argument is copied for it; arguments that are none. The backtrace
;; names the callee's functions, the adapter and the caller's.
;; RUN: for f in unaligned outside last trap divide deep import long past odd; do %wjit run --invoke "$f()" %s 2>%t; \
;; RUN:   test $? = 134 || exit 9; echo "== $f"; sed '/^ *[1-9][0-9]*: Callee!deep/d' %t; done >%t.all
;; RUN: FileCheck %s <%t.all
;; CHECK: == unaligned
;; CHECK-NEXT: wasm trap: unaligned pointer (realloc return: result not aligned)
;; CHECK-NEXT: 0: adapter Caller -> unaligned
;; CHECK: Caller!unaligned at 0x
;; CHECK: == outside
;; CHECK-NEXT: wasm trap: list content out-of-bounds (realloc return: beyond end of memory)
;; CHECK-NEXT: 0: adapter Caller -> outside
;; CHECK: == last
;; CHECK-NEXT: wasm trap: list content out-of-bounds (realloc return: beyond end of memory)
;; CHECK: == trap
;; CHECK-NEXT: wasm trap: unreachable
;; CHECK-NEXT: 0: Callee!trap at 0x
;; CHECK: adapter Caller -> trap
;; CHECK: Caller!trap at 0x
;; CHECK: == divide
;; CHECK-NEXT: wasm trap: integer divide by zero
;; CHECK-NEXT: 0: Callee!divide at 0x
;; CHECK: adapter Caller -> divide
;; CHECK: Caller!divide at 0x
;; CHECK: == deep
;; CHECK-NEXT: wasm trap: call stack exhausted
;; CHECK-NEXT: 0: Callee!deep at 0x
;; CHECK: == import
;; CHECK-NEXT: wasm trap: cannot leave component instance
;; CHECK-NEXT: 0: adapter Callee -> notify
;; CHECK: Callee!import at 0x
;; CHECK: adapter Caller -> import
;; CHECK: Caller!import at 0x
;; CHECK: == long
;; CHECK-NEXT: wasm trap: list or string content is too long
;; CHECK: == past
;; CHECK-NEXT: wasm trap: list content out-of-bounds
;; CHECK: == odd
;; CHECK-NEXT: wasm trap: unaligned pointer
(component $realloc
  (component $Callee
    (import "notify" (func $notify))
    (core module $Mem (memory (export "mem") 1))
    (core instance $mem (instantiate $Mem))
    (canon lower (func $notify) (core func $notify))
    (core module $Callee
      (import "" "mem" (memory 1))
      (import "" "notify" (func $notify))
      (func (export "f") (param i32 i32) (result i32) (local.get 1))
      (func (export "unaligned") (param i32 i32 i32 i32) (result i32) (i32.const 1025))
      (func (export "outside") (param i32 i32 i32 i32) (result i32) (i32.const 65532))
      (func (export "last") (param i32 i32 i32 i32) (result i32) (i32.const -4))
      (func (export "trap") (param i32 i32 i32 i32) (result i32) unreachable)
      (func (export "divide") (param i32 i32 i32 i32) (result i32) (i32.div_u (i32.const 1) (i32.const 0)))
      (func $deep (export "deep") (param i32 i32 i32 i32) (result i32)
        (i32.add (i32.const 1) (call $deep (local.get 0) (local.get 1) (local.get 2) (local.get 3))))
      (func (export "import") (param i32 i32 i32 i32) (result i32) (call $notify) (i32.const 1024)))
    (core instance $m (instantiate $Callee (with "" (instance (export "mem" (memory $mem "mem")) (export "notify" (func $notify))))))
    (func (export "unaligned") (param "x" (list u32)) (result u32)
      (canon lift (core func $m "f") (memory (core memory $mem "mem")) (realloc (core func $m "unaligned"))))
    (func (export "outside") (param "x" (list u32)) (result u32)
      (canon lift (core func $m "f") (memory (core memory $mem "mem")) (realloc (core func $m "outside"))))
    (func (export "last") (param "x" (list u32)) (result u32)
      (canon lift (core func $m "f") (memory (core memory $mem "mem")) (realloc (core func $m "last"))))
    (func (export "trap") (param "x" (list u32)) (result u32)
      (canon lift (core func $m "f") (memory (core memory $mem "mem")) (realloc (core func $m "trap"))))
    (func (export "divide") (param "x" (list string)) (result u32)
      (canon lift (core func $m "f") (memory (core memory $mem "mem")) (realloc (core func $m "divide"))))
    (func (export "deep") (param "x" (list u32)) (result u32)
      (canon lift (core func $m "f") (memory (core memory $mem "mem")) (realloc (core func $m "deep"))))
    (func (export "import") (param "x" (list u32)) (result u32)
      (canon lift (core func $m "f") (memory (core memory $mem "mem")) (realloc (core func $m "import")))))
  (component $Caller
    (import "unaligned" (func $unaligned (param "x" (list u32)) (result u32)))
    (import "outside" (func $outside (param "x" (list u32)) (result u32)))
    (import "last" (func $last (param "x" (list u32)) (result u32)))
    (import "trap" (func $trap (param "x" (list u32)) (result u32)))
    (import "divide" (func $divide (param "x" (list string)) (result u32)))
    (import "deep" (func $deep (param "x" (list u32)) (result u32)))
    (import "import" (func $import (param "x" (list u32)) (result u32)))
    (core module $Mem (memory (export "mem") 1) (data (i32.const 16) "\40\00\00\00\08\00\00\00"))
    (core instance $mem (instantiate $Mem))
    (canon lower (func $unaligned) (memory (core memory $mem "mem")) (core func $unaligned'))
    (canon lower (func $outside) (memory (core memory $mem "mem")) (core func $outside'))
    (canon lower (func $last) (memory (core memory $mem "mem")) (core func $last'))
    (canon lower (func $trap) (memory (core memory $mem "mem")) (core func $trap'))
    (canon lower (func $divide) (memory (core memory $mem "mem")) (core func $divide'))
    (canon lower (func $deep) (memory (core memory $mem "mem")) (core func $deep'))
    (canon lower (func $import) (memory (core memory $mem "mem")) (core func $import'))
    (core module $Caller
      (import "" "unaligned" (func $unaligned (param i32 i32) (result i32)))
      (import "" "outside" (func $outside (param i32 i32) (result i32)))
      (import "" "last" (func $last (param i32 i32) (result i32)))
      (import "" "trap" (func $trap (param i32 i32) (result i32)))
      (import "" "divide" (func $divide (param i32 i32) (result i32)))
      (import "" "deep" (func $deep (param i32 i32) (result i32)))
      (import "" "import" (func $import (param i32 i32) (result i32)))
      (func (export "unaligned") (result i32) (call $unaligned (i32.const 16) (i32.const 4)))
      (func (export "outside") (result i32) (call $outside (i32.const 16) (i32.const 4)))
      (func (export "last") (result i32) (call $last (i32.const 16) (i32.const 4)))
      (func (export "trap") (result i32) (call $trap (i32.const 16) (i32.const 4)))
      (func (export "divide") (result i32) (call $divide (i32.const 16) (i32.const 1)))
      (func (export "deep") (result i32) (call $deep (i32.const 16) (i32.const 4)))
      (func (export "import") (result i32) (call $import (i32.const 16) (i32.const 4)))
      (func (export "long") (result i32) (call $trap (i32.const 16) (i32.const 0x7fffffff)))
      (func (export "past") (result i32) (call $trap (i32.const 65532) (i32.const 4)))
      (func (export "odd") (result i32) (call $trap (i32.const 17) (i32.const 4))))
    (core instance $m (instantiate $Caller (with "" (instance (export "unaligned" (func $unaligned'))
      (export "outside" (func $outside')) (export "last" (func $last')) (export "trap" (func $trap')) (export "divide" (func $divide'))
      (export "deep" (func $deep')) (export "import" (func $import'))))))
    (func (export "unaligned") (result u32) (canon lift (core func $m "unaligned")))
    (func (export "outside") (result u32) (canon lift (core func $m "outside")))
    (func (export "last") (result u32) (canon lift (core func $m "last")))
    (func (export "trap") (result u32) (canon lift (core func $m "trap")))
    (func (export "divide") (result u32) (canon lift (core func $m "divide")))
    (func (export "deep") (result u32) (canon lift (core func $m "deep")))
    (func (export "import") (result u32) (canon lift (core func $m "import")))
    (func (export "long") (result u32) (canon lift (core func $m "long")))
    (func (export "past") (result u32) (canon lift (core func $m "past")))
    (func (export "odd") (result u32) (canon lift (core func $m "odd"))))
  (component $Witness
    (core module $M (func (export "f")))
    (core instance $m (instantiate $M))
    (func (export "notify") (canon lift (core func $m "f"))))
  (instance $witness (instantiate $Witness))
  (instance $callee (instantiate $Callee (with "notify" (func $witness "notify"))))
  (instance $caller (instantiate $Caller
    (with "unaligned" (func $callee "unaligned")) (with "outside" (func $callee "outside")) (with "last" (func $callee "last"))
    (with "trap" (func $callee "trap")) (with "divide" (func $callee "divide")) (with "deep" (func $callee "deep"))
    (with "import" (func $callee "import"))))
  (export "unaligned" (func $caller "unaligned")) (export "outside" (func $caller "outside")) (export "last" (func $caller "last"))
  (export "trap" (func $caller "trap")) (export "divide" (func $caller "divide")) (export "deep" (func $caller "deep"))
  (export "import" (func $caller "import")) (export "long" (func $caller "long")) (export "past" (func $caller "past"))
  (export "odd" (func $caller "odd")))
