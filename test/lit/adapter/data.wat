;; Lists, records and handles in adapters: lists of numbers, and of records of numbers, are copied in bulk; other elements one by
;; one, with their checks; handles are moved by the run time, which is told which resource, stream or future type they are of.
;; RUN: %wjit compile %s --emit=adapters >%t
;; RUN: python3 %S/Inputs/fast_path.py <%t | FileCheck %s --check-prefix=WAYS
;; WAYS: Caller -> numbers.lower: fast guest llvm.memcpy guest
;; WAYS: Caller -> plains.lower: fast guest llvm.memcpy guest
;; WAYS: Caller -> mixeds.lower: fast guest guest
;; WAYS: Caller -> strings.lower: fast guest{{.*}} guest
;; WAYS: Caller -> make.lower: slow
;; WAYS: Caller -> look.lower: slow
;; WAYS: Caller -> take.lower: slow
;; WAYS: Caller -> ends.lower: slow
;; RUN: FileCheck %s <%t
;; CHECK: define i32 @"Caller -> numbers.start"
;; CHECK: icmp ugt i64 [[LENGTH:%.*]], 33554431
;; CHECK: mul i64 [[LENGTH]], 8
;; CHECK: call i32 %{{.*}}(ptr %{{.*}}, i32 0, i32 0, i32 8, i32 %{{.*}})
;; CHECK: call void @llvm.memcpy
;; A char is checked (no surrogates, none above U+10FFFF).
;; CHECK: define i32 @"Caller -> mixeds.start"
;; CHECK-NOT: llvm.memcpy
;; CHECK: icmp uge i32 {{.*}}, 1114112
;; CHECK: ret i32 0
;; CHECK: define i32 @"Caller -> strings.start"
;; CHECK: icmp ult i64
;; CHECK: call { i64, i64 } @"Caller -> strings.string"(
;; Directions: 0 from caller to callee, 1 back.
;; CHECK: define i32 @"Caller -> make.start"
;; CHECK: call i32 @wjit.abi.transfer_own(ptr %0, i32 0, i32 %{{.*}}, i32 1)
;; CHECK: define i32 @"Caller -> look.start"
;; CHECK: call i32 @wjit.abi.transfer_borrow(ptr %0, ptr %1, i32 0, i32 %{{.*}})
;; CHECK: define i32 @"Caller -> take.start"
;; CHECK: call i32 @wjit.abi.transfer_own(ptr %0, i32 0, i32 %{{.*}}, i32 0)
;; CHECK: define i32 @"Caller -> ends.start"
;; CHECK: call i32 @wjit.abi.transfer_stream(ptr %0, i32 0, i32 %{{.*}}, i32 0)
;; CHECK: call i32 @wjit.abi.transfer_future(ptr %0, i32 1, i32 %{{.*}}, i32 1)
(component
  (component $Callee
    (type $plain' (record (field "a" u32) (field "b" u32)))
    (type $mixed' (record (field "a" u8) (field "b" char)))
    (type $r' (resource (rep i32)))
    (export $plain "plain" (type $plain'))
    (export $mixed "mixed" (type $mixed'))
    (export $r "r" (type $r'))
    (core module $M
      (memory (export "mem") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
      (func (export "list") (param i32 i32))
      (func (export "one") (param i32) (result i32) (local.get 0)))
    (core instance $m (instantiate $M))
    (func (export "numbers") (param "x" (list u64))
      (canon lift (core func $m "list") (memory (core memory $m "mem")) (realloc (core func $m "realloc"))))
    (func (export "plains") (param "x" (list $plain))
      (canon lift (core func $m "list") (memory (core memory $m "mem")) (realloc (core func $m "realloc"))))
    (func (export "mixeds") (param "x" (list $mixed))
      (canon lift (core func $m "list") (memory (core memory $m "mem")) (realloc (core func $m "realloc"))))
    (func (export "strings") (param "x" (list string))
      (canon lift (core func $m "list") (memory (core memory $m "mem")) (realloc (core func $m "realloc"))))
    (func (export "make") (param "x" u32) (result (own $r)) (canon lift (core func $m "one")))
    (func (export "look") (param "x" (borrow $r)) (result u32) (canon lift (core func $m "one")))
    (func (export "take") (param "x" (own $r)) (result u32) (canon lift (core func $m "one")))
    (func (export "ends") (param "x" (stream string)) (result (future u64)) (canon lift (core func $m "one"))))
  (instance $callee (instantiate $Callee))
  (alias export $callee "plain" (type $plain))
  (alias export $callee "mixed" (type $mixed))
  (alias export $callee "r" (type $r))
  (component $Caller
    (import "plain" (type $plain (eq $plain)))
    (import "mixed" (type $mixed (eq $mixed)))
    (import "r" (type $r (sub resource)))
    (import "numbers" (func $numbers (param "x" (list u64))))
    (import "plains" (func $plains (param "x" (list $plain))))
    (import "mixeds" (func $mixeds (param "x" (list $mixed))))
    (import "strings" (func $strings (param "x" (list string))))
    (import "make" (func $make (param "x" u32) (result (own $r))))
    (import "look" (func $look (param "x" (borrow $r)) (result u32)))
    (import "take" (func $take (param "x" (own $r)) (result u32)))
    (import "ends" (func $ends (param "x" (stream string)) (result (future u64))))
    (core module $Mem (memory (export "mem") 1))
    (core instance $mem (instantiate $Mem))
    (core func (canon lower (func $numbers) (memory (core memory $mem "mem"))))
    (core func (canon lower (func $plains) (memory (core memory $mem "mem"))))
    (core func (canon lower (func $mixeds) (memory (core memory $mem "mem"))))
    (core func (canon lower (func $strings) (memory (core memory $mem "mem"))))
    (core func (canon lower (func $make)))
    (core func (canon lower (func $look)))
    (core func (canon lower (func $take)))
    (core func (canon lower (func $ends))))
  (instance (instantiate $Caller (with "plain" (type $plain)) (with "mixed" (type $mixed)) (with "r" (type $r))
    (with "numbers" (func $callee "numbers")) (with "plains" (func $callee "plains")) (with "mixeds" (func $callee "mixeds"))
    (with "strings" (func $callee "strings"))
    (with "make" (func $callee "make")) (with "look" (func $callee "look")) (with "take" (func $callee "take"))
    (with "ends" (func $callee "ends")))))
