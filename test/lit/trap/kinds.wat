;; Each way into a trap: an emitted check, a memory fault, a bulk built-in, an indirect call; status 134, the specification's
;; message, and a backtrace with the instruction's byte offset.
;; RUN: %wjit run --invoke 'divide(1, 0)' %s 2>%t; test $? = 134
;; RUN: FileCheck %s --check-prefix=DIVIDE <%t
;; DIVIDE: wasm trap: integer divide by zero
;; DIVIDE-NEXT: 0: kinds!divide at 0x
;; RUN: %wjit run --invoke 'load(65536)' %s 2>%t; test $? = 134
;; RUN: FileCheck %s --check-prefix=LOAD <%t
;; LOAD: wasm trap: out of bounds memory access
;; LOAD-NEXT: 0: kinds!inner at 0x[[#%x,INNER:]]
;; LOAD-NEXT: 1: kinds!load at 0x
;; LOAD-NOT: 2:
;; RUN: %wjit run --invoke 'load(-1)' %s 2>%t; test $? = 134
;; RUN: FileCheck %s --check-prefix=LOAD <%t
;; RUN: %wjit run --invoke 'fill(65530, 7)' %s 2>%t; test $? = 134
;; RUN: FileCheck %s --check-prefix=FILL <%t
;; FILL: wasm trap: out of bounds memory access
;; FILL-NEXT: 0: kinds!fill at 0x
;; RUN: %wjit run --invoke 'indirect(0)' %s 2>%t; test $? = 134
;; RUN: FileCheck %s --check-prefix=NULL <%t
;; NULL: wasm trap: uninitialized element
;; RUN: %wjit run --invoke 'indirect(1)' %s 2>%t; test $? = 134
;; RUN: FileCheck %s --check-prefix=TYPE <%t
;; TYPE: wasm trap: indirect call type mismatch
;; RUN: %wjit run --invoke 'indirect(9)' %s 2>%t; test $? = 134
;; RUN: FileCheck %s --check-prefix=UNDEFINED <%t
;; UNDEFINED: wasm trap: undefined element
(module $kinds
  (memory 1)
  (table 2 funcref)
  (elem (i32.const 1) $divide)
  (func $divide (export "divide") (param i32 i32) (result i32) (i32.div_u (local.get 0) (local.get 1)))
  (func $inner (param i32) (result i32) (i32.add (i32.load offset=4 (local.get 0)) (i32.const 1)))
  (func $load (export "load") (param i32) (result i32) (i32.add (call $inner (local.get 0)) (i32.const 1)))
  (func $fill (export "fill") (param i32 i32) (memory.fill (local.get 0) (i32.const 0) (local.get 1)))
  (func $indirect (export "indirect") (param i32) (call_indirect (local.get 0))))
