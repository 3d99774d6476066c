;; RUN: %wjit run %s 2>%t; test $? = 1
;; RUN: FileCheck %s <%t
;; CHECK: malformed.wat:5:
(module (func (export "f") (result i32)
  (i32.cnst 1)))
