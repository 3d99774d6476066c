;; Strings: one function for each direction of an adapter. What it calls between the calls of realloc, by encodings.
;; RUN: %wjit compile %s --emit=adapters | FileCheck %s
(component
  (component $Callee
    (core module $M
      (memory (export "mem") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
      (func (export "f") (param i32 i32)))
    (core instance $m (instantiate $M))
    (func (export "utf8") (param "x" string)
      (canon lift (core func $m "f") (memory (core memory $m "mem")) (realloc (core func $m "realloc"))))
    (func (export "utf16") (param "x" string)
      (canon lift (core func $m "f") string-encoding=utf16 (memory (core memory $m "mem")) (realloc (core func $m "realloc"))))
    (func (export "latin1") (param "x" (list string))
      (canon lift (core func $m "f") string-encoding=latin1+utf16 (memory (core memory $m "mem"))
        (realloc (core func $m "realloc")))))
  (component $Caller
    (import "utf8" (func $utf8 (param "x" string)))
    (import "utf16" (func $utf16 (param "x" string)))
    (import "latin1" (func $latin1 (param "x" (list string))))
    (core module $Mem (memory (export "mem") 1))
    (core instance $mem (instantiate $Mem))
    (core func (canon lower (func $utf8) (memory (core memory $mem "mem"))))
    (core func (canon lower (func $utf16) (memory (core memory $mem "mem"))))
    (core func (canon lower (func $latin1) string-encoding=latin1+utf16 (memory (core memory $mem "mem")))))
  (instance $callee (instantiate $Callee))
  (instance (instantiate $Caller (with "utf8" (func $callee "utf8")) (with "utf16" (func $callee "utf16"))
    (with "latin1" (func $callee "latin1")))))

;; UTF-8 to UTF-8: up to 64 bytes here, two loads and stores of the widest type that fits, high bits tested; realloc before that.
;; CHECK: define internal { i64, i64 } @"Caller -> utf8.string"(ptr %0, ptr %1, i64 %2, i64 %3)
;; CHECK: icmp ugt i64 %3, 268435455
;; CHECK: call i32 %{{.*}}(ptr %{{.*}}, i32 0, i32 0, i32 1, i32 %{{.*}})
;; CHECK: icmp uge i64 %3, 65
;; CHECK: ret { i64, i64 }
;; CHECK: slow:
;; CHECK: call void @wjit.abi.check_utf8(
;; CHECK: long:
;; CHECK: call void @wjit.abi.copy_utf8(
;; CHECK: load <32 x i8>
;; CHECK: load <32 x i8>
;; CHECK: or <32 x i8>
;; CHECK: icmp slt <32 x i8>
;; CHECK: load <16 x i8>
;; CHECK: and i64 {{.*}}, -9187201950435737472
;; CHECK: and i32 {{.*}}, -2139062144
;; CHECK: and i8 {{.*}}, -128

;; UTF-8 to UTF-16: the worst case first, shrunk when it was not needed.
;; CHECK: define internal { i64, i64 } @"Caller -> utf16.string"
;; CHECK: [[WORST:%.*]] = shl i64 %3, 1
;; CHECK: [[ASKED:%.*]] = trunc i64 [[WORST]] to i32
;; CHECK: call i32 %{{.*}}(ptr %{{.*}}, i32 0, i32 0, i32 2, i32 [[ASKED]])
;; CHECK: [[UNITS:%.*]] = call i64 @wjit.abi.utf8_to_utf16(
;; CHECK: icmp ult i64 [[UNITS]], %3
;; CHECK: shrink:
;; CHECK: call i32 %{{.*}}(ptr %{{.*}}, i32 %{{.*}}, i32 %{{.*}}, i32 2, i32 %{{.*}})

;; latin1+utf16 to itself: by the tag, a plain copy or one that may narrow.
;; CHECK: define internal { i64, i64 } @"Caller -> latin1.string"
;; CHECK: and i64 %3, 2147483648
;; CHECK: br i1 %{{.*}}, label %latin1, label %utf16
;; CHECK: latin1:
;; CHECK: call void @llvm.memcpy
;; CHECK: [[WIDE:%.*]] = call i64 @wjit.abi.copy_utf16(
;; CHECK: icmp ne i64 [[WIDE]], 0
;; CHECK: call void @wjit.abi.narrow_utf16(
;; CHECK: call i32 %{{.*}}(ptr %{{.*}}, i32 %{{.*}}, i32 %{{.*}}, i32 1, i32 %{{.*}})
