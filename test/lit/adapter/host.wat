;; A lowered host function: the parameters become a tuple in host layout, strings are views of guest memory (checked, not copied);
;; the results come back through `finish`, which frees the call's arena.
;; RUN: %wjit compile %s --emit=adapters | FileCheck %s
(component
  (import "say" (func $say (param "text" string) (param "times" u32) (result bool)))
  (import "wait" (func $wait async (param "for" u64)))
  (core module $Mem (memory (export "mem") 1))
  (core instance $mem (instantiate $Mem))
  (core func (canon lower (func $say) (memory (core memory $mem "mem"))))
  (core func (canon lower (func $wait) async (memory (core memory $mem "mem")))))

;; CHECK: define void @"main -> say.finish"
;; CHECK: call void @wjit.abi.release(
;; CHECK: define i32 @"main -> say.lower"(ptr %0, i32 %1, i32 %2, i32 %3)
;; CHECK: call { i64, i64 } @"main -> say.string"(
;; CHECK: call i32 @wjit.abi.host_call(
;; CHECK: call void @"main -> say.finish"
;; CHECK: ret i32
;; CHECK: define internal { i64, i64 } @"main -> say.string"(
;; CHECK-NOT: copy_utf8
;; CHECK: call void @wjit.abi.check_utf8(

;; An async lower returns RETURNED (2) when the host is done at once, else what the run time says.
;; CHECK: define i32 @"main -> wait.lower"(ptr %0, i64 %1)
;; CHECK: [[STATUS:%.*]] = call i32 @wjit.abi.host_call(
;; CHECK: icmp eq i32 [[STATUS]], -1
;; CHECK: ret i32 2
;; CHECK: ret i32 [[STATUS]]
