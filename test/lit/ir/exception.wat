;; Exceptions: calls in a try_table are invokes with one landing block; a throw in it goes straight to the dispatch; outside, calls
;; stay calls and a throw unwinds.
;; RUN: %wjit compile %s --emit=llvm-ir | FileCheck %s
(module
  (tag $t (param i32))
  (tag $empty)

  ;; CHECK-LABEL: define void @wasm.0.throw(
  ;; CHECK-NOT: personality
  ;; CHECK: [[EXCEPTION:%.*]] = call ptr @wjit.exception_new(ptr %vmctx, i32 0)
  ;; CHECK: [[SLOT:%.*]] = getelementptr inbounds i8, ptr [[EXCEPTION]], i64 32
  ;; CHECK: store i32 %0, ptr [[SLOT]], align 16
  ;; CHECK: call void @wjit.throw(ptr %vmctx, ptr [[EXCEPTION]])
  ;; CHECK-NEXT: unreachable
  (func $throw (param i32) (throw $t (local.get 0)))

  ;; The local has its value of before the call in the handler: no phi, there is one edge.
  ;; CHECK-LABEL: define i32 @wasm.1.catch(
  ;; CHECK-SAME: personality ptr @wjit.personality
  ;; CHECK: invoke void {{%.*}}(ptr %vmctx, i32 %0)
  ;; CHECK-NEXT: to label %{{.*}} unwind label %[[LANDING:.*]],
  ;; CHECK: [[LANDING]]:
  ;; CHECK-NEXT: [[PAD:%.*]] = landingpad { ptr, i32 }
  ;; CHECK-NEXT: catch ptr null
  ;; CHECK: [[CAUGHT:%.*]] = extractvalue { ptr, i32 } [[PAD]], 0
  ;; CHECK: [[TAG:%.*]] = load ptr, ptr [[CAUGHT]], align 16
  ;; CHECK: icmp eq ptr [[TAG]],
  ;; CHECK: load i32, ptr {{%.*}}, align 16
  ;; CHECK: call void @wjit.exception_catch(ptr %vmctx, ptr [[CAUGHT]])
  ;; CHECK: call void @wjit.throw(ptr %vmctx, ptr [[CAUGHT]])
  ;; CHECK: ret i32
  (func $catch (export "catch") (param i32) (result i32)
    (local $l i32)
    (block $h (result i32)
      (try_table (catch $t $h)
        (local.set $l (i32.const 10))
        (call $throw (local.get 0))
        (local.set $l (i32.const 20)))
      (return (local.get $l)))
    (i32.add (local.get $l)))

  ;; CHECK-LABEL: define i32 @wasm.2.local_throw(
  ;; CHECK-NOT: invoke
  ;; CHECK-NOT: landingpad
  ;; CHECK: call ptr @wjit.exception_new(
  ;; CHECK: call ptr @wjit.exception_ref(
  (func $local_throw (export "local") (result i32)
    (block $h (result exnref) (try_table (catch_all_ref $h) (throw $empty)) (unreachable))
    (ref.is_null)))
