"""Writes a component (.wat) with an export `f` and many instances:

    instances.py chain N [async]    each of N instances calls the one before it
    instances.py bomb N DEPTH       each component makes N instances of the one inside it, DEPTH deep
"""
import sys


def chain(count, is_async):
    word, options = ("async", 'async (callback (core func $m "again"))') if is_async else ("", "")
    result, end = ("(result i32)", "(call $return) (i32.const 0)") if is_async else ("", "")
    again = '(func (export "again") (param i32 i32 i32) (result i32) unreachable)'
    lines = [f"""(component
  (component $Last (canon task.return (core func $return))
    (core module $Last (import "" "return" (func $return)) (func (export "f") {result} {end}) {again})
    (core instance $m (instantiate $Last (with "" (instance (export "return" (func $return))))))
    (func (export "f") {word} (canon lift (core func $m "f") {options})))
  (component $Link (import "f" (func $f {word})) (canon lower (func $f) (core func $f')) (canon task.return (core func $return))
    (core module $Link (import "" "f" (func $f)) (import "" "return" (func $return))
      (func (export "f") {result} (call $f) {end}) {again})
    (core instance $m (instantiate $Link (with "" (instance (export "f" (func $f')) (export "return" (func $return))))))
    (func (export "f") {word} (canon lift (core func $m "f") {options})))
  (instance $i0 (instantiate $Last))"""]
    for i in range(count):
        lines.append(f'  (instance $i{i + 1} (instantiate $Link (with "f" (func $i{i} "f"))))')
    return "\n".join(lines + [f'  (export "f" (func $i{count} "f")))'])


def bomb(count, depth):
    inner = "(component $c (core module $m) (core instance (instantiate $m)))"
    for _ in range(depth):
        inner = f"(component $c {inner} {'(instance (instantiate $c)) ' * count})"
    return f"""(component {inner} (instance (instantiate $c))
  (core module $m (func (export "f"))) (core instance $i (instantiate $m))
  (func (export "f") (canon lift (core func $i "f"))))"""


if sys.argv[1] == "chain":
    print(chain(int(sys.argv[2]), sys.argv[3:] == ["async"]))
else:
    print(bomb(int(sys.argv[2]), int(sys.argv[3])))
