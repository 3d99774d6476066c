;; A start function that traps, and segments that do not fit: the program does not start.
;; RUN: %wjit run --invoke 'f()' %s 2>%t; test $? = 134
;; RUN: FileCheck %s <%t
;; CHECK: wasm trap: unreachable
;; CHECK-NEXT: 0: {{.*}}main at 0x
(module
  (func (export "f"))
  (func $main (unreachable))
  (start $main))
