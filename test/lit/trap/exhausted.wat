;; A stack without end is a trap; the middle of the backtrace is left out.
;; RUN: %wjit run --invoke 'forever(1)' %s 2>%t; test $? = 134
;; RUN: FileCheck %s <%t
;; RUN: %wjit run --stack 65536 --invoke 'forever(1)' %s 2>%t; test $? = 134
;; RUN: FileCheck %s <%t
;; CHECK: wasm trap: call stack exhausted
;; CHECK-NEXT: 0: deep!forever at 0x
;; CHECK-NEXT: 1: deep!forever at 0x
;; CHECK: frames left out
(module $deep
  (memory 1)
  (func $forever (export "forever") (param i32) (result i32)
    (i32.add (call $forever (i32.load (local.get 0))) (i32.const 1))))
