;; Locals become values while the body is read: phis only where a loop assigns the local or where edges differ.
;; RUN: %wjit compile %s --emit=llvm-ir | FileCheck %s
(module
  (memory 1)

  ;; CHECK-LABEL: define i32 @wasm.0.sum(
  ;; CHECK: [[BASE:%.*]] = load ptr, ptr
  ;; CHECK: br label %[[LOOP:.*]]
  ;; CHECK: [[LOOP]]:
  ;; CHECK-NEXT: phi i32 [ %0,
  ;; CHECK-NEXT: phi i32 [ %1,
  ;; CHECK-NEXT: [[SUM:%.*]] = phi i32 [ 0,
  ;; CHECK-NEXT: icmp eq i32
  ;; CHECK-NEXT: br i1
  ;; CHECK: getelementptr inbounds i8, ptr [[BASE]], i64
  ;; CHECK: br label %[[LOOP]]
  ;; CHECK: ret i32 [[SUM]]
  (func $sum (export "sum") (param $p i32) (param $n i32) (result i32) (local $sum i32) (local $untouched i64)
    (block $out
      (loop $next
        (br_if $out (i32.eqz (local.get $n)))
        (local.set $sum (i32.add (local.get $sum) (i32.load offset=8 (local.get $p))))
        (local.set $p (i32.add (local.get $p) (i32.const 4)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $next)))
    (local.get $sum))

  ;; A local that nobody reads afterwards has no phi, nor has one that is the same on both edges.
  ;; CHECK-LABEL: define i32 @wasm.1.if(
  ;; CHECK: [[R:%.*]] = phi i32 [ 7, {{%.*}} ], [ 8, {{%.*}} ]
  ;; CHECK-NOT: phi
  ;; CHECK: ret i32
  (func $if (export "if") (param $c i32) (result i32) (local $dead i32) (local $same i32)
    (if (result i32) (local.get $c)
      (then (local.set $dead (i32.const 1)) (local.set $same (i32.const 5)) (i32.const 7))
      (else (local.set $dead (i32.const 2)) (local.set $same (i32.const 5)) (i32.const 8)))
    (i32.add (local.get $same)))

  ;; A loop that nobody branches to is no loop, and code behind a branch is not emitted.
  ;; CHECK-LABEL: define i32 @wasm.2.no_loop(
  ;; CHECK-NOT: phi
  ;; CHECK: [[T:%.*]] = mul i32 %0, 3
  ;; CHECK-NEXT: br label %[[END:.*]]
  ;; CHECK: [[END]]:
  ;; CHECK-NEXT: ret i32 [[T]]
  (func $no_loop (export "no_loop") (param i32) (result i32)
    (loop $l (result i32)
      (return (i32.mul (local.get 0) (i32.const 3)))
      (loop $dead (br_if $dead (i32.const 1)))
      (br $l)))

  ;; A comparison goes into the branch as it is.
  ;; CHECK-LABEL: define i32 @wasm.3.compare(
  ;; CHECK-NEXT: [[C:%.*]] = icmp slt i32 %0, %1
  ;; CHECK-NEXT: [[S:%.*]] = select i1 [[C]], i32 %0, i32 %1
  (func $compare (export "compare") (param i32 i32) (result i32)
    (select (local.get 0) (local.get 1) (i32.lt_s (local.get 0) (local.get 1))))
)
