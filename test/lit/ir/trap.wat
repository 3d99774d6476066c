;; Checks branch to blocks behind the function, each with the location of its instruction.
;; RUN: %wjit compile %s --emit=llvm-ir | FileCheck %s
(module
  ;; CHECK-LABEL: define i32 @wasm.0.divide(
  ;; CHECK: [[ZERO:%.*]] = icmp eq i32 %1, 0, !dbg [[AT:!.*]]
  ;; CHECK-NEXT: br i1 [[ZERO]]
  ;; CHECK: icmp eq i32 %1, -1
  ;; CHECK: icmp eq i32 %0, -2147483648
  ;; CHECK: sdiv i32 %0, %1, !dbg [[AT]]
  ;; CHECK-NEXT: ret i32
  ;; CHECK: call void @wjit.trap(ptr %vmctx, i32 6), !dbg [[AT]]
  ;; CHECK: call void @wjit.trap(ptr %vmctx, i32 7), !dbg [[AT]]
  (func $divide (export "divide") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))

  ;; A constant divisor needs no check.
  ;; CHECK-LABEL: define i32 @wasm.1.by_seven(
  ;; CHECK-NEXT: sdiv i32 %0, 7
  ;; CHECK-NEXT: ret i32
  (func $by_seven (export "by_seven") (param i32) (result i32) (i32.div_s (local.get 0) (i32.const 7)))

  ;; x % -1 is 0 for the smallest x too.
  ;; CHECK-LABEL: define i64 @wasm.2.remainder(
  ;; CHECK: [[DIVISOR:%.*]] = select i1 {{%.*}}, i64 1, i64 %1
  ;; CHECK: srem i64 %0, [[DIVISOR]]
  (func $remainder (export "remainder") (param i64 i64) (result i64) (i64.rem_s (local.get 0) (local.get 1)))

  ;; CHECK-LABEL: define i32 @wasm.3.truncate(
  ;; CHECK: fcmp ogt double %0, 0xC1E0000000200000
  ;; CHECK: fcmp olt double %0, 0x41E0000000000000
  ;; CHECK: [[CODE:%.*]] = select i1 {{%.*}}, i32 8, i32 7
  ;; CHECK: fptosi double %0 to i32
  ;; CHECK: call void @wjit.trap(ptr %vmctx, i32 [[CODE]])
  (func $truncate (export "truncate") (param f64) (result i32) (i32.trunc_f64_s (local.get 0)))

  ;; Every function has a line, its place in the binary, and the attributes that fibers need.
  ;; CHECK: attributes #0 = { noredzone {{.*}}"no-builtins" "split-stack"
  ;; CHECK: !DISubprogram(name: "wasm.0.divide",{{.*}} line: {{[1-9][0-9]*}}
)
