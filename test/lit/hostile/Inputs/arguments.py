"""Writes a component (.wat) whose caller calls a function of N parameters with their sum as its result, from memory:

    arguments.py N    exports sum(), 0 + 1 + … + (N - 1), and outside(), the same with arguments beyond the memory's end
"""
import sys

count = int(sys.argv[1])
params = " ".join(f'(param "p{i}" u32)' for i in range(count))
data = "".join("".join(f"\\{byte:02x}" for byte in i.to_bytes(4, "little")) for i in range(count))
print(f"""(component
  (component $Callee
    (core module $Callee (memory (export "mem") 2)
      (global $free (mut i32) (i32.const 8))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (global.get $free)
        (global.set $free (i32.add (global.get $free) (local.get 3))))
      (func (export "sum") (param $at i32) (result i32) (local $end i32) (local $sum i32)
        (local.set $end (i32.add (local.get $at) (i32.const {4 * count})))
        (loop $more
          (local.set $sum (i32.add (local.get $sum) (i32.load (local.get $at))))
          (local.set $at (i32.add (local.get $at) (i32.const 4)))
          (br_if $more (i32.lt_u (local.get $at) (local.get $end))))
        (local.get $sum)))
    (core instance $m (instantiate $Callee))
    (func (export "sum") {params} (result u32)
      (canon lift (core func $m "sum") (memory (core memory $m "mem")) (realloc (core func $m "realloc")))))
  (component $Caller
    (import "sum" (func $sum {params} (result u32)))
    (core module $Mem (memory (export "mem") 1) (data (i32.const 16) "{data}"))
    (core instance $mem (instantiate $Mem))
    (canon lower (func $sum) (memory (core memory $mem "mem")) (core func $sum'))
    (core module $Caller (import "" "sum" (func $sum (param i32) (result i32)))
      (func (export "sum") (result i32) (call $sum (i32.const 16)))
      (func (export "outside") (result i32) (call $sum (i32.const {65536 - 4 * count + 4})))
      (func (export "unaligned") (result i32) (call $sum (i32.const 18))))
    (core instance $m (instantiate $Caller (with "" (instance (export "sum" (func $sum'))))))
    (func (export "sum") (result u32) (canon lift (core func $m "sum")))
    (func (export "outside") (result u32) (canon lift (core func $m "outside")))
    (func (export "unaligned") (result u32) (canon lift (core func $m "unaligned"))))
  (instance $callee (instantiate $Callee))
  (instance $caller (instantiate $Caller (with "sum" (func $callee "sum"))))
  (export "sum" (func $caller "sum")) (export "outside" (func $caller "outside"))
  (export "unaligned" (func $caller "unaligned")) (export "direct" (func $callee "sum")))""")
