"""Writes a component (.wat) whose caller passes a list of one value of a large type; `f` gives the list's length:

    type_bombs.py variant N    N cases, with a number, a string or a list
    type_bombs.py record N     N strings
    type_bombs.py list N       lists nested N deep
"""
import sys

kind, count = sys.argv[1], int(sys.argv[2])
if kind == "variant":
    type = "(variant " + " ".join(f'(case "c{i}" {("u32", "string", "(list u16)")[i % 3]})' for i in range(count)) + ")"
elif kind == "record":
    type = "(record " + " ".join(f'(field "f{i}" string)' for i in range(count)) + ")"
else:
    type = "(list " * count + "u32" + ")" * count
print(f"""(component
  (type $t {type})
  (component $Callee (import "t" (type $t (eq $t)))
    (core module $Callee (memory (export "mem") 2)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
      (func (export "f") (param i32 i32) (result i32) (local.get 1)))
    (core instance $m (instantiate $Callee))
    (func (export "f") (param "x" (list $t)) (result u32)
      (canon lift (core func $m "f") (memory (core memory $m "mem")) (realloc (core func $m "realloc")))))
  (component $Caller (import "t" (type $t (eq $t))) (import "f" (func $f (param "x" (list $t)) (result u32)))
    (core module $Mem (memory (export "mem") 2))
    (core instance $mem (instantiate $Mem))
    (canon lower (func $f) (memory (core memory $mem "mem")) (core func $f'))
    (core module $Caller (import "" "f" (func $f (param i32 i32) (result i32)))
      (func (export "f") (result i32) (call $f (i32.const 16) (i32.const 1))))
    (core instance $m (instantiate $Caller (with "" (instance (export "f" (func $f'))))))
    (func (export "f") (result u32) (canon lift (core func $m "f"))))
  (instance $callee (instantiate $Callee (with "t" (type $t))))
  (instance $caller (instantiate $Caller (with "t" (type $t)) (with "f" (func $callee "f"))))
  (export "f" (func $caller "f")))""")
