;; Tail calls become jumps at every level, with equal and with unequal prototypes, and with arguments in the area.
;; RUN: %wjit compile %s --emit=llvm-ir | FileCheck %s
;; RUN: %wjit compile %s --emit=asm | FileCheck %s --check-prefix=ASM
;; RUN: %wjit compile %s --emit=asm -O2 | FileCheck %s --check-prefix=FULLASM
(module
  (type $binary (func (param i32 i64) (result i32)))
  (table 1 funcref)

  ;; CHECK-LABEL: define i32 @wasm.0.same(
  ;; CHECK: musttail call i32
  ;; CHECK-NEXT: ret i32
  ;; ASM-LABEL: wasm.0.same:
  ;; ASM: jmp{{q?}} {{.*}}*
  (func $same (export "same") (param i32) (result i32)
    (return_call $same_too (local.get 0)))
  (func $same_too (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (return (i32.const 1))))
    (return_call $same (i32.sub (local.get 0) (i32.const 1))))

  ;; CHECK-LABEL: define i32 @wasm.2.other(
  ;; CHECK: tail call i32 {{%.*}}(ptr {{%.*}}, i32 %0, i64 5)
  ;; CHECK-NEXT: ret i32
  ;; ASM-LABEL: wasm.2.other:
  ;; ASM-NOT: callq *
  ;; ASM: jmp{{q?}} {{.*}}*
  ;; FULLASM-LABEL: wasm.2.other:
  ;; FULLASM-NOT: callq *
  ;; FULLASM: jmp{{q?}} {{.*}}*
  (func $other (export "other") (param i32) (result i32)
    (return_call_indirect (type $binary) (local.get 0) (i64.const 5) (i32.const 0)))

  ;; CHECK-LABEL: define void @wasm.3.many(
  ;; CHECK: store i64 6, ptr [[AREA:%.*]], align 16
  ;; CHECK: tail call void {{%.*}}(ptr %vmctx, i64 1, i64 2, i64 3, i64 4, i64 5)
  ;; CHECK-NEXT: ret void
  ;; ASM-LABEL: wasm.3.many:
  ;; ASM-NOT: callq *
  ;; ASM: jmp{{q?}} {{.*}}*
  (func $many (export "many")
    (return_call $six (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6)))

  ;; CHECK-LABEL: define void @wasm.4.six(
  ;; CHECK: [[SIXTH:%.*]] = load i64, ptr {{%.*}}, align 16
  (func $six (param i64 i64 i64 i64 i64 i64)
    (if (i64.eqz (local.get 5)) (then unreachable)))
)
