;; The code that copies elements from a write to a read, for each element type: numbers are bytes and need none; what has to be
;; checked, translated or moved is, an element at a time.
;; RUN: %wjit compile %s --emit=adapters >%t
;; RUN: grep '^; adapter' %t | FileCheck %s --check-prefix=PAIRS
;; PAIRS: ; adapter Writer -> Reader: stream<string>
;; PAIRS-NEXT: ; adapter Writer -> Reader: future<record {a: bool, b: u64}>
;; PAIRS-NEXT: ; adapter Writer -> Reader: stream<r>
;; PAIRS-NOT: ; adapter
;; RUN: FileCheck %s <%t
;; CHECK: define void @"Writer -> Reader: stream<string>.copy"(ptr %0, ptr %1, ptr %2, i32 %3, ptr %4)
;; CHECK: [[COUNT:%.*]] = zext i32 %3 to i64
;; CHECK: icmp ult i64 %{{.*}}, [[COUNT]]
;; CHECK: call { i64, i64 } @"Writer -> Reader: stream<string>.string"(
;; CHECK: ret void
;; From memory to memory: what is in between, here the padding behind the bool, is not read.
;; CHECK: define void @"Writer -> Reader: future<record {a: bool, b: u64}>.copy"(ptr %0, ptr %1, ptr %2, i32 %3, ptr %4)
;; CHECK: load i8, ptr
;; CHECK: store i8
;; CHECK: load i64, ptr
;; CHECK: store i64
;; CHECK: ret void
;; CHECK: define void @"Writer -> Reader: stream<r>.copy"(ptr %0, ptr %1, ptr %2, i32 %3, ptr %4)
;; CHECK: call i32 @wjit.abi.transfer_own(ptr %0, i32 0, i32 %{{.*}}, i32 0)
;; RUN: %wjit compile %s --emit=adapters --filter='future<' | FileCheck %s --check-prefix=FILTER
;; FILTER: ; adapter Writer -> Reader: future<record {a: bool, b: u64}>
;; FILTER-NOT: ; adapter
(component
  (type $record (record (field "a" bool) (field "b" u64)))
  (component $Writer
    (import "record" (type $record (eq $record)))
    (type $r' (resource (rep i32)))
    (export $r "r" (type $r'))
    (type $strings (stream string)) (type $future (future $record)) (type $owns (stream (own $r'))) (type $bytes (stream u8))
    (core module $Mem (memory (export "mem") 1))
    (core instance $mem (instantiate $Mem))
    (core func (canon stream.write $strings async (memory (core memory $mem "mem"))))
    (core func (canon future.write $future async (memory (core memory $mem "mem"))))
    (core func (canon stream.write $owns async (memory (core memory $mem "mem"))))
    (core func (canon stream.write $bytes async (memory (core memory $mem "mem")))))
  (instance $writer (instantiate $Writer (with "record" (type $record))))
  (alias export $writer "r" (type $r))
  (component $Reader
    (import "record" (type $record (eq $record)))
    (import "r" (type $r (sub resource)))
    (type $strings (stream string)) (type $future (future $record)) (type $owns (stream (own $r))) (type $bytes (stream u8))
    (core module $Mem (memory (export "mem") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
    (core instance $mem (instantiate $Mem))
    (core func (canon stream.read $strings async (memory (core memory $mem "mem")) (realloc (core func $mem "realloc"))))
    (core func (canon future.read $future async (memory (core memory $mem "mem"))))
    (core func (canon stream.read $owns async (memory (core memory $mem "mem"))))
    (core func (canon stream.read $bytes async (memory (core memory $mem "mem")))))
  (instance (instantiate $Reader (with "record" (type $record)) (with "r" (type $r)))))
