;; --invoke: any export, values as WAVE; of core modules numbers.
;; RUN: %wjit run --invoke 'sum(1, 2)' %examples/calc.wat | FileCheck %s --check-prefix=SUM --match-full-lines
;; SUM: 3
;; RUN: %wjit run --invoke 'sum(2147483647, 1)' %examples/calc.wat | FileCheck %s --check-prefix=WRAP --match-full-lines
;; WRAP: -2147483648
;; RUN: %wjit run --invoke 'concat("hello, ", "w\u{f6}rld\n")' %examples/calc.wat | FileCheck %s --check-prefix=CONCAT --match-full-lines
;; CONCAT: "hello, wörld\n"
;; RUN: %wjit run --invoke 'docs:calc/ops.add(20, 22)' %examples/calc.wat | FileCheck %s --check-prefix=ADD --match-full-lines
;; RUN: %wjit run --invoke 'docs:calc/ops@0.1.0.add(20, 22)' %examples/calc.wat | FileCheck %s --check-prefix=ADD --match-full-lines
;; ADD: 42
;; RUN: %wjit run --invoke 'swap(1, -2.5)' %s | FileCheck %s --check-prefix=SWAP --match-full-lines
;; SWAP: -2.5
;; SWAP-NEXT: 1
;; What does not fit is an error with status 1, and says what it should be.
;; RUN: %wjit run --invoke 'sum(1)' %examples/calc.wat 2>%t; test $? = 1
;; RUN: FileCheck %s --check-prefix=FEW <%t
;; FEW: parameter `b` (s32) is missing
;; RUN: %wjit run --invoke 'sum(1, "x")' %examples/calc.wat 2>%t; test $? = 1
;; RUN: FileCheck %s --check-prefix=TYPE <%t
;; TYPE: parameter `b` (s32)
;; RUN: %wjit run --invoke 'swap(1)' %s 2>%t; test $? = 1
;; RUN: FileCheck %s --check-prefix=CORE <%t
;; CORE: --invoke swap: it takes 2 arguments, not 1
(module
  (func (export "swap") (param i32 f64) (result f64 i32) (local.get 1) (local.get 0)))
