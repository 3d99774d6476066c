;; wasi:random: sizes, the largest included; numbers that differ from call to call; a seed that does not.
;; RUN: %wjit run --invoke 'sizes()' %s | FileCheck %s --check-prefix=SIZES
;; SIZES: (0, 1, 65536)
;; RUN: %wjit run --invoke 'same()' %s | FileCheck %s --check-prefix=SAME
;; SAME: (false, false, true)
;; RUN: not %wjit run --invoke 'too-many()' %s 2>&1 | FileCheck %s --check-prefix=MANY
;; MANY: random bytes: 18446744073709551615 are too many for one call
(component
  (import "wasi:random/random@0.3.0" (instance $random
    (export "get-random-bytes" (func (param "max-len" u64) (result (list u8))))
    (export "get-random-u64" (func (result u64)))))
  (import "wasi:random/random@0.2.12" (instance $random-2
    (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
  (import "wasi:random/insecure@0.3.0" (instance $insecure
    (export "get-insecure-random-u64" (func (result u64)))))
  (import "wasi:random/insecure-seed@0.3.0" (instance $seed
    (export "get-insecure-seed" (func (result (tuple u64 u64))))))
  (import "wasi:random/insecure-seed@0.2.12" (instance $seed-2
    (export "insecure-seed" (func (result (tuple u64 u64))))))
  (core module $Libc
    (memory (export "memory") 4)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536)))
  (core instance $libc (instantiate $Libc))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc))
  (core func $bytes (canon lower (func $random "get-random-bytes") (memory (core memory $memory)) (realloc (core func $realloc))))
  (core func $bytes-2 (canon lower (func $random-2 "get-random-bytes") (memory (core memory $memory)) (realloc (core func $realloc))))
  (core func $number (canon lower (func $random "get-random-u64")))
  (core func $insecure (canon lower (func $insecure "get-insecure-random-u64")))
  (core func $seed (canon lower (func $seed "get-insecure-seed") (memory (core memory $memory))))
  (core func $seed-2 (canon lower (func $seed-2 "insecure-seed") (memory (core memory $memory))))
  (core module $M
    (import "" "memory" (memory 4))
    (import "" "bytes" (func $bytes (param i64 i32)))
    (import "" "bytes-2" (func $bytes-2 (param i64 i32)))
    (import "" "number" (func $number (result i64)))
    (import "" "insecure" (func $insecure (result i64)))
    (import "" "seed" (func $seed (param i32)))
    (import "" "seed-2" (func $seed-2 (param i32)))
    (func (export "sizes") (result i32)
      (call $bytes (i64.const 0) (i32.const 0))
      (i32.store (i32.const 16) (i32.load (i32.const 4)))
      (call $bytes-2 (i64.const 1) (i32.const 0))
      (i32.store (i32.const 20) (i32.load (i32.const 4)))
      (call $bytes (i64.const -1) (i32.const 0))
      (i32.store (i32.const 24) (i32.load (i32.const 4)))
      (i32.const 16))
    (func (export "same") (result i32)
      (call $seed (i32.const 0))
      (call $seed-2 (i32.const 32))
      (i32.store8 (i32.const 64) (i64.eq (call $number) (call $number)))
      (i32.store8 (i32.const 65) (i64.eq (call $insecure) (call $insecure)))
      (i32.store8 (i32.const 66) (i32.and
        (i64.eq (i64.load (i32.const 0)) (i64.load (i32.const 32)))
        (i64.eq (i64.load (i32.const 8)) (i64.load (i32.const 40)))))
      (i32.const 64))
    (func (export "too-many") (call $bytes-2 (i64.const -1) (i32.const 0))))
  (core instance $m (instantiate $M (with "" (instance
    (export "memory" (memory $memory)) (export "bytes" (func $bytes)) (export "bytes-2" (func $bytes-2))
    (export "number" (func $number)) (export "insecure" (func $insecure)) (export "seed" (func $seed))
    (export "seed-2" (func $seed-2))))))
  (func (export "sizes") (result (tuple u32 u32 u32)) (canon lift (core func $m "sizes") (memory (core memory $memory))))
  (func (export "same") (result (tuple bool bool bool)) (canon lift (core func $m "same") (memory (core memory $memory))))
  (func (export "too-many") (canon lift (core func $m "too-many"))))
