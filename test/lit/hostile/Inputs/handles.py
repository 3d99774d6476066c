"""Writes a script (.wast) that gives every canonical built-in that takes a handle each index that is not one of its kind:

    handles.py [LIFT]    LIFT: sync (the default) or stackful, the kind of task that makes the calls

A fresh instance for each call: a trap is the end of an instance. The core function `setup` fills the table, so an index says
what it refers to. An index beyond the last, and beyond 2^28, refers to nothing.
"""
import sys

KINDS = ["none", "resource", "set", "stream-readable", "stream-writable", "future-readable", "future-writable", "context",
         "u32-readable", "u32-writable", "other-resource", "subtask"]
WAITABLE = ["stream-readable", "stream-writable", "future-readable", "future-writable", "u32-readable", "u32-writable",
            "subtask"]
BEYOND = [len(KINDS), len(KINDS) + 1, 63, (1 << 28) - 1, 1 << 28, (1 << 31) - 1, 1 << 31, (1 << 32) - 1]

# name: (definition, core type, the call with the index in local 0, the kinds that it takes)
BUILTINS = {
    "resource-rep": ("resource.rep $R", "(param i32) (result i32)", "(drop (call $f (local.get 0)))", ["resource"]),
    "resource-drop": ("resource.drop $R", "(param i32)", "(call $f (local.get 0))", ["resource"]),
    "subtask-cancel": ("subtask.cancel", "(param i32) (result i32)", "(drop (call $f (local.get 0)))", ["subtask"]),
    "subtask-cancel-async": ("subtask.cancel async", "(param i32) (result i32)", "(drop (call $f (local.get 0)))", ["subtask"]),
    "subtask-drop": ("subtask.drop", "(param i32)", "(call $f (local.get 0))", []),
    "error-context-drop": ("error-context.drop", "(param i32)", "(call $f (local.get 0))", ["context"]),
    "error-context-debug-message": (
        "error-context.debug-message (memory (core memory $mem \"mem\")) (realloc (core func $mem \"realloc\"))", "(param i32 i32)",
        "(call $f (local.get 0) (i32.const 16))", ["context"]),
    "waitable-set-wait": ("waitable-set.wait (memory (core memory $mem \"mem\"))", "(param i32 i32) (result i32)",
                          "(drop (call $f (local.get 0) (i32.const 16)))", ["set"]),
    "waitable-set-poll": ("waitable-set.poll (memory (core memory $mem \"mem\"))", "(param i32 i32) (result i32)",
                          "(drop (call $f (local.get 0) (i32.const 16)))", ["set"]),
    "waitable-set-drop": ("waitable-set.drop", "(param i32)", "(call $f (local.get 0))", ["set"]),
    "waitable-join": ("waitable.join", "(param i32 i32)", "(call $f (local.get 0) (i32.const 2))", WAITABLE),
    "waitable-join-set": ("waitable.join", "(param i32 i32)", "(call $f (i32.const 3) (local.get 0))", ["none", "set"]),
    # The threads of an instance have a table of their own: only the running one is in it.
    "thread-resume-later": ("thread.resume-later", "(param i32)", "(call $f (local.get 0))", []),
    "thread-yield-then-resume": ("thread.yield-then-resume", "(param i32) (result i32)", "(drop (call $f (local.get 0)))", []),
    "thread-suspend-then-resume": ("thread.suspend-then-resume", "(param i32) (result i32)",
                                   "(drop (call $f (local.get 0)))", []),
}
for type, kind in (("s8", "stream"), ("s32", "u32"), ("f8", "future")):
    canon = "future" if type == "f8" else "stream"
    count = "" if type == "f8" else "(i32.const 1)"
    params = "(param i32 i32)" if type == "f8" else "(param i32 i32 i32)"
    for verb, end in (("read", "readable"), ("write", "writable")):
        for mode in ("", " async"):
            options = f"{mode} (memory (core memory $mem \"mem\"))"
            name = f"{kind}-{verb}{mode.strip() and '-async'}"
            BUILTINS[name] = (f"{canon}.{verb} ${type}{options}", params + " (result i32)",
                              f"(drop (call $f (local.get 0) (i32.const 16) {count}))", [f"{kind}-{end}"])
            name = f"{kind}-cancel-{verb}{mode.strip() and '-async'}"
            BUILTINS[name] = (f"{canon}.cancel-{verb} ${type}{mode}", "(param i32) (result i32)",
                              "(drop (call $f (local.get 0)))", [])
        BUILTINS[f"{kind}-drop-{end}"] = (f"{canon}.drop-{end} ${type}", "(param i32)", "(call $f (local.get 0))",
                                          [] if kind == "future" and end == "writable" else [f"{kind}-{end}"])
# Results that are handles: what the adapter of a call lifts.
RESULTS = {"give-own": ("(own $R')", ["resource"]), "give-stream": ("$s8", ["stream-readable"]),
           "give-u32": ("$s32", ["u32-readable"]), "give-future": ("$f8", ["future-readable"]),
           "give-context": ("error-context", ["context"])}
# Calls that go well with what they take: the table holds what KINDS says.
GOOD = ["resource-rep", "resource-drop", "error-context-drop", "error-context-debug-message", "waitable-set-poll",
        "waitable-set-drop", "waitable-join", "waitable-join-set", "stream-drop-readable", "u32-drop-writable"]


def component(lift):
    lines = ["""(component definition $C
  (type $s8 (stream u8)) (type $s32 (stream u32)) (type $f8 (future u8))
  (component $Peer
    (core module $M (import "" "new" (func $new (result i32)))
      (func (export "never") (result i32) (i32.or (i32.const 2) (i32.shl (call $new) (i32.const 4))))
      (func (export "again") (param i32 i32 i32) (result i32) unreachable))
    (canon waitable-set.new (core func $new))
    (core instance $m (instantiate $M (with "" (instance (export "new" (func $new))))))
    (func (export "never") async (canon lift (core func $m "never") async (callback (core func $m "again")))))
  (instance $peer (instantiate $Peer))
  (component $Tester
    (type $s8 (stream u8)) (type $s32 (stream u32)) (type $f8 (future u8))
    (import "never" (func $never async))
    (core module $Mem (memory (export "mem") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
    (core instance $mem (instantiate $Mem))
    (type $R (resource (rep i32)))
    (type $R2 (resource (rep i32)))
    (canon resource.new $R (core func $new-r))
    (canon resource.new $R2 (core func $new-r2))
    (canon waitable-set.new (core func $new-set))
    (canon stream.new $s8 (core func $new-s8))
    (canon stream.new $s32 (core func $new-s32))
    (canon future.new $f8 (core func $new-f8))
    (canon error-context.new (memory (core memory $mem "mem")) (core func $new-context))
    (canon lower (func $never) async (core func $never'))
    (core module $Setup
      (import "" "r" (func $r (param i32) (result i32))) (import "" "r2" (func $r2 (param i32) (result i32)))
      (import "" "set" (func $set (result i32))) (import "" "s8" (func $s8 (result i64)))
      (import "" "s32" (func $s32 (result i64))) (import "" "f8" (func $f8 (result i64)))
      (import "" "context" (func $context (param i32 i32) (result i32))) (import "" "never" (func $never (result i32)))
      (func $is (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
      (func (export "setup")
        (call $is (call $r (i32.const 7)) (i32.const 1)) (call $is (call $set) (i32.const 2))
        (call $is (i32.wrap_i64 (call $s8)) (i32.const 3)) (call $is (i32.wrap_i64 (call $f8)) (i32.const 5))
        (call $is (call $context (i32.const 0) (i32.const 0)) (i32.const 7))
        (call $is (i32.wrap_i64 (call $s32)) (i32.const 8)) (call $is (call $r2 (i32.const 8)) (i32.const 10))
        (call $is (call $never) (i32.const 0xb1))))
    (core instance $setup (instantiate $Setup (with "" (instance (export "r" (func $new-r)) (export "r2" (func $new-r2))
      (export "set" (func $new-set)) (export "s8" (func $new-s8)) (export "s32" (func $new-s32)) (export "f8" (func $new-f8))
      (export "context" (func $new-context)) (export "never" (func $never'))))))
    (canon task.return (core func $return))"""]
    asyncly = lift == "stackful"
    done = "(call $return)" if asyncly else ""
    for name, (definition, type, call, _) in BUILTINS.items():
        lines.append(f"""    (canon {definition} (core func ${name}))
    (core module $m-{name} (import "" "setup" (func $setup)) (import "" "return" (func $return)) (import "" "f" (func $f {type}))
      (func (export "f") (param i32) (call $setup) {call} {done}))
    (core instance $i-{name} (instantiate $m-{name} (with "" (instance
      (export "setup" (func $setup "setup")) (export "return" (func $return)) (export "f" (func ${name}))))))
    (func (export "{name}") {"async" if asyncly else ""} (param "i" u32) (canon lift (core func $i-{name} "f") {"async" if asyncly else ""}))""")
    lines.append("""    (core module $m-give (import "" "setup" (func $setup))
      (func (export "f") (param i32) (result i32) (call $setup) (local.get 0)))
    (core instance $i-give (instantiate $m-give (with "" (instance $setup))))
    (export $R' "r" (type $R))""")
    for name, (type, _) in RESULTS.items():
        lines.append(f"""    (func (export "{name}") (param "i" u32) (result {type}) (canon lift (core func $i-give "f")))""")
    lines.append("""  )
  (instance $tester (instantiate $Tester (with "never" (func $peer "never"))))
  (export $R "r" (type $tester "r"))""")
    for name in BUILTINS:
        lines.append(f"""  (export "{name}" (func $tester "{name}"))""")
    for name, (type, _) in RESULTS.items():
        ascribed = type.replace("$R'", "$R")
        lines.append(f"""  (export "{name}" (func $tester "{name}") (func (param "i" u32) (result {ascribed})))""")
    return "\n".join(lines + [")"])


print(component(sys.argv[1] if len(sys.argv) > 1 else "sync"))
for name, (*_, takes) in list(BUILTINS.items()) + list(RESULTS.items()):
    for index in list(range(len(KINDS))) + BEYOND:
        if index >= len(KINDS) or KINDS[index] not in takes:
            print(f'(component instance $c $C) (assert_trap (invoke $c "{name}" (u32.const {index})) "")')
for name in GOOD:
    for kind in BUILTINS[name][3]:
        print(f'(component instance $c $C) (assert_return (invoke $c "{name}" (u32.const {KINDS.index(kind)})))')
