"""Writes a component (.wat) whose callee has functions that do what none may do; its caller exports call-NAME for each:

    callees.py          the component
    callees.py names    the names of the functions
"""
import sys

CALLBACK = 'async (callback (core func $m "callback"))'
MEMORY = ' (memory (core memory $mem "mem"))'
# name: (result, body of the core function, options of the lift)
CALLEES = {
    "twice": ("u32", "(call $return (i32.const 1)) (call $return (i32.const 2)) (i32.const 0)", CALLBACK),
    "never": ("u32", "(i32.const 0)", CALLBACK),
    "stackful-twice": ("u32", "(call $return (i32.const 1)) (call $return (i32.const 2))", "async"),
    "stackful-never": ("u32", "", "async"),
    "later-never": ("u32", "(i32.const 1)", CALLBACK),
    "other-type": ("u32", "(call $return-u64 (i64.const 1)) (i32.const 0)", CALLBACK),
    "other-memory": ("string", "(call $return-other (i32.const 0) (i32.const 4)) (i32.const 0)", CALLBACK + MEMORY),
    "wrong-pointer": ("string", "(call $return-string (i32.const 65530) (i32.const 7)) (i32.const 0)", CALLBACK + MEMORY),
    "huge-string": ("string", "(call $return-string (i32.const 0) (i32.const -1)) (i32.const 0)", CALLBACK + MEMORY),
    "sync-string": ("string", "(i32.const -8)", MEMORY),
    "in-sync": ("u32", "(call $return (i32.const 1)) (i32.const 0)", ""),
    "cancel": ("u32", "(call $cancel) (i32.const 0)", CALLBACK),
    "code": ("u32", "(i32.const 7)", CALLBACK),
    "code-huge": ("u32", "(i32.const -1)", CALLBACK),
    "set-none": ("u32", "(i32.const 0x632)", CALLBACK),
    "set-other": ("u32", "(i32.or (i32.const 2) (i32.shl (call $new (i32.const 0)) (i32.const 4)))", CALLBACK),
    "exit-with-set": ("u32", "(i32.shl (call $set) (i32.const 4))", CALLBACK),
    "post-return": ("u32", "(i32.const 1)", '(post-return (core func $m "post"))'),
    "trap-after": ("u32", "(call $return (i32.const 1)) unreachable", CALLBACK),
    "deep": ("u32", "(call $deep)", ""),
}


def each(line):
    """The line for each function."""
    lines = []
    for name, (result, body, options) in CALLEES.items():
        text, is_async = result == "string", "async" in options
        core = "(result i32)" if not is_async or "callback" in options else ""
        call = f"(call ${name} (i32.const 16))" if text else f"(drop (call ${name}))"
        lines.append(line.format(name=name, result=result, body=body, options=options, core=core, call=call,
                                 word="async" if is_async else "", lower="(param i32)" if text else "(result i32)"))
    return "\n".join(lines)


COMPONENT = f"""(component
  (component $Callee
    (core module $Mem (memory (export "mem") 1))
    (core instance $mem (instantiate $Mem))
    (core instance $other (instantiate $Mem))
    (type $R (resource (rep i32)))
    (canon resource.new $R (core func $new))
    (canon waitable-set.new (core func $set))
    (canon task.cancel (core func $cancel))
    (canon task.return (result u32) (core func $return))
    (canon task.return (result u64) (core func $return-u64))
    (canon task.return (result string) (memory (core memory $mem "mem")) (core func $return-string))
    (canon task.return (result string) (memory (core memory $other "mem")) (core func $return-other))
    (core module $Callee
      (import "" "new" (func $new (param i32) (result i32)))
      (import "" "set" (func $set (result i32)))
      (import "" "cancel" (func $cancel))
      (import "" "return" (func $return (param i32)))
      (import "" "return-u64" (func $return-u64 (param i64)))
      (import "" "return-string" (func $return-string (param i32 i32)))
      (import "" "return-other" (func $return-other (param i32 i32)))
      (func $deep (result i32) (i32.add (i32.const 1) (call $deep)))
      (func (export "callback") (param i32 i32 i32) (result i32) (i32.const 0))
      (func (export "post") (param i32) unreachable)
{each('      (func (export "{name}") {core} {body})')})
    (core instance $m (instantiate $Callee (with "" (instance
      (export "new" (func $new)) (export "set" (func $set)) (export "cancel" (func $cancel))
      (export "return" (func $return)) (export "return-u64" (func $return-u64))
      (export "return-string" (func $return-string)) (export "return-other" (func $return-other))))))
{each('    (func (export "{name}") {word} (result {result}) (canon lift (core func $m "{name}") {options}))')})
  (component $Caller
    (core module $Mem (memory (export "mem") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64)))
    (core instance $mem (instantiate $Mem))
{each('    (import "{name}" (func ${name} {word} (result {result})))')}
{each('''    (canon lower (func ${name}) (memory (core memory $mem "mem")) (realloc (core func $mem "realloc"))
      (core func ${name}))''')}
    (core module $Caller
{each('      (import "" "{name}" (func ${name} {lower}))')}
{each('      (func (export "call-{name}") {call})')})
    (core instance $m (instantiate $Caller (with "" (instance
{each('      (export "{name}" (func ${name}))')}))))
{each('    (func (export "call-{name}") {word} (canon lift (core func $m "call-{name}")))')})
  (instance $callee (instantiate $Callee))
  (instance $caller (instantiate $Caller
{each('    (with "{name}" (func $callee "{name}"))')}))
{each('  (export "call-{name}" (func $caller "call-{name}"))')})"""

print("\n".join(CALLEES) if sys.argv[1:] == ["names"] else COMPONENT)
