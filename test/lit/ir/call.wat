;; Calls: through the entry table, to imports, through tables and references; arguments and results beyond the registers.
;; RUN: %wjit compile %s --emit=llvm-ir | FileCheck %s
(module
  (type $unary (func (param i32) (result i32)))
  (import "host" "f" (func $import (param f64)))
  (table 4 funcref)

  ;; CHECK-LABEL: define i32 @wasm.1.direct(
  ;; CHECK: [[ENTRIES:%.*]] = load ptr, ptr
  ;; CHECK: [[ENTRY:%.*]] = load ptr, ptr [[ENTRIES]]
  ;; CHECK: call i32 [[ENTRY]](ptr %vmctx, i32 %0)
  (func $direct (export "direct") (type $unary) (call $direct (local.get 0)))

  ;; CHECK-LABEL: define void @wasm.2.import_call(
  ;; CHECK: [[CODE:%.*]] = load ptr
  ;; CHECK: [[CONTEXT:%.*]] = load ptr
  ;; CHECK: call void [[CODE]](ptr [[CONTEXT]], double %0)
  (func $import_call (export "import") (param f64) (call $import (local.get 0)))

  ;; CHECK-LABEL: define i32 @wasm.3.indirect(
  ;; CHECK: icmp uge i64
  ;; CHECK: icmp eq ptr {{%.*}}, null
  ;; CHECK: icmp ne i32
  ;; CHECK: call i32 {{%.*}}(ptr {{%.*}}, i32 %0)
  ;; CHECK: call void @wjit.trap(ptr %vmctx, i32 4)
  ;; CHECK: call void @wjit.trap(ptr %vmctx, i32 3)
  ;; CHECK: call void @wjit.trap(ptr %vmctx, i32 5)
  (func $indirect (export "indirect") (param i32 i32) (result i32)
    (call_indirect (type $unary) (local.get 0) (local.get 1)))

  ;; CHECK-LABEL: define i32 @wasm.4.reference(
  ;; CHECK: icmp eq ptr %0, null
  ;; CHECK: call void @wjit.trap(ptr %vmctx, i32 10)
  (func $reference (export "reference") (param (ref null $unary)) (result i32)
    (call_ref $unary (i32.const 1) (local.get 0)))

  ;; Two results, seven parameters: the second result, and the last two parameters, are in the area.
  ;; CHECK-LABEL: define i32 @wasm.5.area(ptr {{.*}}%vmctx, i32 %0, i32 %1, i32 %2, i32 %3, i32 %4)
  ;; CHECK: load i32, ptr [[AREA:%.*]], align 16
  ;; CHECK: [[SEVENTH:%.*]] = load i64, ptr {{%.*}}, align 16
  ;; CHECK: store i64 [[SEVENTH]], ptr [[AREA]], align 16
  ;; CHECK-NEXT: ret i32
  (func $area (export "area") (param i32 i32 i32 i32 i32 i32 i64) (result i32 i64)
    (local.get 5) (local.get 6))
)
