;; Every kind of output, and --filter by a function's name, export name or number.
;; RUN: %wjit compile %s --emit=llvm-ir | FileCheck %s --check-prefix=IR
;; IR: define i32 @wasm.0.double(
;; IR: define i32 @wasm.1.twice(
;; RUN: %wjit compile %s --emit=llvm-ir --filter=twice | FileCheck %s --check-prefix=ONE
;; RUN: %wjit compile %s --emit=llvm-ir --filter=1 | FileCheck %s --check-prefix=ONE
;; ONE-NOT: wasm.0.double(
;; ONE: define i32 @wasm.1.twice(
;; RUN: %wjit compile %s --emit=llvm-ir-opt -O2 --filter=double | FileCheck %s --check-prefix=OPT
;; OPT: shl i32 %0, 1
;; RUN: %wjit compile %s --emit=asm | FileCheck %s --check-prefix=ASM
;; The stack check: the pointer against the limit of the segment.
;; ASM-LABEL: wasm.1.twice:
;; ASM: cmpq %fs:112, %rsp
;; ASM: callq __morestack
;; RUN: %wjit compile %s --emit=obj -o %t.o && llvm-readobj-22 --symbols %t.o | FileCheck %s --check-prefix=OBJ
;; OBJ: Name: wasm.0.double
;; RUN: %wjit compile %s --emit=wasm-info | FileCheck %s --check-prefix=INFO
;; INFO: module emit: {{.*}}2 functions (0 imported)
;; INFO: function 1 twice: body 0x{{[0-9a-f]+}}..0x{{[0-9a-f]+}}, 3 locals
;; RUN: %wjit compile %s --filter=absent 2>%t; test $? = 1
;; RUN: FileCheck %s --check-prefix=ABSENT <%t
;; ABSENT: absent
;; RUN: %wjit compile %s --emit=adapters 2>%t; test $? = 1
;; RUN: FileCheck %s --check-prefix=CORE <%t
;; CORE: a core module has no adapters
;; RUN: %wjit compile %s -o /absent/file 2>%t; test $? = 1
;; RUN: FileCheck %s --check-prefix=OUTPUT <%t
;; OUTPUT: cannot write /absent/file: No such file or directory
(module $emit
  (func $double (export "f") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
  (func $twice (export "g") (param i32) (result i32) (local i32 i32 i64)
    (call $double (call $double (local.get 0)))))
