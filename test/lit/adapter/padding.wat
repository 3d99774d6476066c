;; Padding stays where it is: a list and a stream of records, whose writer has 0xaa in all of its memory, arrive with the values
;; and nothing else; for records of a large size too, which are copied value by value.
;; RUN: for f in list stream large; do %wjit run --invoke "$f()" %s; done | FileCheck %s --check-prefix=VALUE
;; The second word of a record: its u8, and three bytes that are not 0xaa.
;; VALUE-COUNT-3: {{^170$}}
;; RUN: %wjit compile %s --emit=adapters | FileCheck %s
;; CHECK: define i32 @"Writer -> take-list.start"
;; CHECK: and i32 %{{.*}}, 255
;; CHECK: define void @"Writer -> Reader: stream<record {a: u32, b: u8}>.copy"
;; CHECK: and i32 %{{.*}}, 255
(component
  (type $record (record (field "a" u32) (field "b" u8)))
  (component $Reader
    (import "record" (type $record (eq $record)))
    (type $s (stream $record))
    (core module $Mem (memory (export "mem") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
    (core instance $mem (instantiate $Mem))
    (canon stream.read $s async (memory (core memory $mem "mem")) (core func $read))
    (core module $Reader
      (import "" "mem" (memory 1))
      (import "" "read" (func $read (param i32 i32 i32) (result i32)))
      (func (export "take-list") (param $at i32) (param i32) (result i32) (i32.load offset=12 (local.get $at)))
      (func (export "take-stream") (param $end i32) (result i32)
        (drop (call $read (local.get $end) (i32.const 1024) (i32.const 2)))
        (i32.load (i32.const 1036))))
    (core instance $m (instantiate $Reader (with "" (instance (export "mem" (memory $mem "mem")) (export "read" (func $read))))))
    (func (export "take-list") (param "x" (list $record)) (result u32)
      (canon lift (core func $m "take-list") (memory (core memory $mem "mem")) (realloc (core func $mem "realloc"))))
    (func (export "take-large") (param "x" (list (tuple (list (tuple u32 u8) 40) u8))) (result u32)
      (canon lift (core func $m "take-list") (memory (core memory $mem "mem")) (realloc (core func $mem "realloc"))))
    (func (export "take-stream") (param "x" $s) (result u32) (canon lift (core func $m "take-stream"))))
  (instance $reader (instantiate $Reader (with "record" (type $record))))
  (component $Writer
    (import "record" (type $record (eq $record)))
    (type $s (stream $record))
    (import "take-list" (func $take-list (param "x" (list $record)) (result u32)))
    (import "take-large" (func $take-large (param "x" (list (tuple (list (tuple u32 u8) 40) u8))) (result u32)))
    (import "take-stream" (func $take-stream (param "x" $s) (result u32)))
    (core module $Mem (memory (export "mem") 1))
    (core instance $mem (instantiate $Mem))
    (canon lower (func $take-list) (memory (core memory $mem "mem")) (core func $take-list'))
    (canon lower (func $take-large) (memory (core memory $mem "mem")) (core func $take-large'))
    (canon lower (func $take-stream) (core func $take-stream'))
    (canon stream.new $s (core func $new))
    (canon stream.write $s async (memory (core memory $mem "mem")) (core func $write))
    (core module $Writer
      (import "" "mem" (memory 1))
      (import "" "take-list" (func $take-list (param i32 i32) (result i32)))
      (import "" "take-large" (func $take-large (param i32 i32) (result i32)))
      (import "" "take-stream" (func $take-stream (param i32) (result i32)))
      (import "" "new" (func $new (result i64)))
      (import "" "write" (func $write (param i32 i32 i32) (result i32)))
      (func $fill (memory.fill (i32.const 0) (i32.const 0xaa) (i32.const 65536)))
      (func (export "list") (result i32) (call $fill) (call $take-list (i32.const 0) (i32.const 4)))
      (func (export "large") (result i32) (call $fill) (call $take-large (i32.const 0) (i32.const 2)))
      (func (export "stream") (result i32) (local $ends i64)
        (call $fill)
        (local.set $ends (call $new))
        (drop (call $write (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32))) (i32.const 0) (i32.const 4)))
        (call $take-stream (i32.wrap_i64 (local.get $ends)))))
    (core instance $m (instantiate $Writer (with "" (instance (export "mem" (memory $mem "mem"))
      (export "take-list" (func $take-list')) (export "take-large" (func $take-large')) (export "take-stream" (func $take-stream'))
      (export "new" (func $new)) (export "write" (func $write))))))
    (func (export "list") (result u32) (canon lift (core func $m "list")))
    (func (export "large") (result u32) (canon lift (core func $m "large")))
    (func (export "stream") (result u32) (canon lift (core func $m "stream"))))
  (instance $writer (instantiate $Writer (with "record" (type $record))
    (with "take-list" (func $reader "take-list")) (with "take-large" (func $reader "take-large"))
    (with "take-stream" (func $reader "take-stream"))))
  (export "list" (func $writer "list")) (export "large" (func $writer "large")) (export "stream" (func $writer "stream")))
