;; Addresses: no check where the guard does it; explicit checks for memory64 and small pages. Loads that must not vanish.
;; RUN: %wjit compile %s --emit=llvm-ir | FileCheck %s
;; RUN: %wjit compile %s --emit=llvm-ir -O2 | FileCheck %s --check-prefix=FULL
;; RUN: %wjit compile %s --emit=asm | FileCheck %s --check-prefix=ASM
;; RUN: %wjit compile %s --emit=asm -O2 | FileCheck %s --check-prefix=FULLASM
(module
  (memory $m 1)
  (memory $large i64 1)

  ;; CHECK-LABEL: define i32 @wasm.0.load(
  ;; CHECK: [[AT:%.*]] = zext i32 %0 to i64
  ;; CHECK-NEXT: [[P:%.*]] = getelementptr inbounds i8, ptr {{%.*}}, i64 [[AT]]
  ;; CHECK-NEXT: [[Q:%.*]] = getelementptr inbounds i8, ptr [[P]], i64 4294967295
  ;; CHECK-NEXT: [[V:%.*]] = load i8, ptr [[Q]], align 1
  ;; CHECK-NOT: icmp
  ;; CHECK: ret i32
  (func $load (export "load") (param i32) (result i32) (i32.load8_s offset=0xffffffff (local.get 0)))

  ;; CHECK-LABEL: define i64 @wasm.1.load64(
  ;; CHECK: [[END:%.*]] = add i64 %0, 24
  ;; CHECK: [[LENGTH:%.*]] = load i64, ptr
  ;; CHECK: [[FAR:%.*]] = icmp ugt i64 [[END]], [[LENGTH]]
  ;; CHECK: [[WRAPS:%.*]] = icmp ult i64 [[END]], %0
  ;; CHECK: or i1 [[FAR]], [[WRAPS]]
  ;; CHECK: call void @wjit.trap(ptr %vmctx, i32 1)
  (func $load64 (export "load64") (param i64) (result i64) (i64.load $large offset=16 (local.get 0)))

  ;; Nobody reads these, but they must trap.
  ;; CHECK-LABEL: define void @wasm.2.unread(
  ;; CHECK: load volatile i64
  ;; CHECK: load volatile i8
  ;; FULL-LABEL: define void @wasm.2.unread(
  ;; FULL: [[L:%.*]] = load i64
  ;; FULL: @llvm.fake.use(i64 [[L]])
  ;; ASM-LABEL: wasm.2.unread:
  ;; ASM: mov{{.*}} (%r{{.*}}),
  ;; ASM: mov{{.*}} 4(%r{{.*}}),
  ;; ASM: ret
  ;; The second one lies inside of the first one.
  ;; FULLASM-LABEL: wasm.2.unread:
  ;; FULLASM: mov{{.*}} (%r{{.*}}),
  ;; FULLASM: ret
  (func $unread (export "unread") (param i32) (local $never i32)
    (drop (i64.add (i64.const 1) (i64.load (local.get 0))))
    (local.set $never (i32.load8_u offset=4 (local.get 0))))
)
