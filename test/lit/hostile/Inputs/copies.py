"""Writes a component (.wat) whose functions use streams, futures and subtasks as none may; a peer component has other ends:

    copies.py          the component
    copies.py names    the names of the functions
"""
import sys

# The body of each function; what it leaves on the stack is dropped. $r and $w are the ends of a new stream<u32>, $fr and
# $fw of a future<u32>, $sr and $sw of a stream<string>; $in is the readable end of a stream that the peer writes to; $set a
# waitable set.
CASES = {
    # Buffers that are not in memory, or are none.
    "write-beyond": "(call $write (global.get $w) (i32.const 65528) (i32.const 4))",
    "write-wraps": "(call $write (global.get $w) (i32.const 8) (i32.const 0x0ffffffe))",
    "write-long": "(call $write (global.get $w) (i32.const 0) (i32.const 0x10000000))",
    "write-all": "(call $write (global.get $w) (i32.const 0) (i32.const -1))",
    "write-odd": "(call $write (global.get $w) (i32.const 2) (i32.const 1))",
    "read-beyond": "(call $read (global.get $r) (i32.const 65536) (i32.const 1))",
    "read-odd": "(call $read (global.get $r) (i32.const 3) (i32.const 1))",
    "read-beyond-peer": """(call $peer-write (i32.const 0) (i32.const 8))
      (call $read (global.get $in) (i32.const 65528) (i32.const 8))""",
    "peer-beyond": """(call $read (global.get $in) (i32.const 0) (i32.const 8))
      (call $peer-write (i32.const 65528) (i32.const 8))""",
    "future-beyond": "(call $future-write (global.get $fw) (i32.const 65536))",
    # A string whose bytes are not there is met when the copy is made: whoever makes it.
    "string-lies": """(i32.store (i32.const 0) (i32.const 65535)) (i32.store (i32.const 4) (i32.const 2))
      (call $take-strings (global.get $sr)) (call $write-string (global.get $sw) (i32.const 0) (i32.const 1))""",
    "string-lies-first": """(i32.store (i32.const 0) (i32.const 65535)) (i32.store (i32.const 4) (i32.const 2))
      (call $write-string (global.get $sw) (i32.const 0) (i32.const 1)) (call $take-strings (global.get $sr))""",
    "string-realloc": """(i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 0x10000))
      (call $take-strings (global.get $sr)) (call $write-string (global.get $sw) (i32.const 0) (i32.const 1))""",
    # Ends in states in which this may not be done.
    "both-ends": """(call $read-string (global.get $sr) (i32.const 0) (i32.const 1))
      (call $write-string (global.get $sw) (i32.const 0) (i32.const 1))""",
    "busy-write": """(call $write (global.get $w) (i32.const 0) (i32.const 1))
      (call $write (global.get $w) (i32.const 0) (i32.const 1))""",
    "busy-read": """(call $read (global.get $r) (i32.const 0) (i32.const 1))
      (call $read (global.get $r) (i32.const 0) (i32.const 1))""",
    "busy-drop": "(call $write (global.get $w) (i32.const 0) (i32.const 1)) (call $drop-w (global.get $w))",
    "busy-give": "(call $read (global.get $r) (i32.const 0) (i32.const 1)) (call $give (global.get $r))",
    "joined-give": "(call $join (global.get $r) (global.get $set)) (call $give (global.get $r))",
    "joined-sync": """(call $join (global.get $r) (global.get $set))
      (call $read-sync (global.get $r) (i32.const 0) (i32.const 1))""",
    "given-read": "(call $give (global.get $r)) (call $read (global.get $r) (i32.const 0) (i32.const 1))",
    "given-twice": "(call $give (global.get $r)) (call $give (global.get $r))",
    "writable-give": "(call $give (global.get $w))",
    "dropped-read": "(call $drop-r (global.get $r)) (call $read (global.get $r) (i32.const 0) (i32.const 1))",
    "dropped-twice": "(call $drop-r (global.get $r)) (call $drop-r (global.get $r))",
    "done-write": """(call $drop-r (global.get $r)) (call $write (global.get $w) (i32.const 0) (i32.const 1))
      (call $write (global.get $w) (i32.const 0) (i32.const 1))""",
    "peers-number": "(call $write (call $peer-handle) (i32.const 0) (i32.const 1))",
    "cancel-idle": "(call $cancel-read (global.get $r))",
    "cancel-done": """(call $drop-r (global.get $r))
      (call $write (global.get $w) (i32.const 0) (i32.const 1)) (call $cancel-write (global.get $w))""",
    "cancel-twice": """(call $read (global.get $r) (i32.const 0) (i32.const 1)) (call $cancel-read (global.get $r))
      (call $cancel-read (global.get $r))""",
    "future-twice": """(call $give-future (global.get $fr)) (call $future-write (global.get $fw) (i32.const 0))
      (call $future-write (global.get $fw) (i32.const 0))""",
    "future-drop": "(call $future-drop-w (global.get $fw))",
    "set-drop": "(call $join (global.get $r) (global.get $set)) (call $drop-set (global.get $set))",
    "set-moved": """(call $join (global.get $r) (global.get $set)) (call $join (global.get $r) (call $new-set))
      (call $drop-set (global.get $set)) (call $wait (global.get $set) (i32.const 0))""",
    "event-beyond": "(call $poll (global.get $set) (i32.const 65536))",
    "event-odd": "(call $poll (global.get $set) (i32.const 2))",
    # Subtasks: what the peer does is in CALLEES.
    "subtask-drop": "(call $drop-subtask (call $never))",
    "subtask-cancel-twice": """(global.set $r (call $resist)) (call $cancel (global.get $r))
      (call $cancel (global.get $r))""",
    "subtask-cancel-drop": """(global.set $r (call $resist)) (call $cancel (global.get $r))
      (call $drop-subtask (global.get $r))""",
    "subtask-cancel-resolved": """(global.set $r (call $never)) (call $cancel (global.get $r))
      (call $cancel (global.get $r))""",
    "subtask-cancel-dropped": """(global.set $r (call $never)) (call $cancel (global.get $r))
      (call $drop-subtask (global.get $r)) (call $cancel (global.get $r))""",
    "subtask-starting": """(call $close) (global.set $r (call $never)) (call $cancel (global.get $r))
      (call $cancel (global.get $r))""",
    "subtask-starting-drop": "(call $close) (call $drop-subtask (call $never))",
    "cancel-traps": "(call $cancel (call $cancel-trap))",
    "cancel-leaves": "(call $cancel (call $cancel-leave))",
    "cancel-returns-twice": "(call $cancel (call $cancel-twice))",
}
I, R = "(param i32)", "(result i32)"
COPY = "(param i32 i32 i32) (result i32)"
# name: (canonical definition, core type)
BUILTINS = {
    "new": ("stream.new $s32", "(result i64)"), "new-future": ("future.new $f32", "(result i64)"),
    "new-strings": ("stream.new $ss", "(result i64)"), "new-set": ("waitable-set.new", R),
    "read": ("stream.read $s32 async MEMORY", COPY), "read-sync": ("stream.read $s32 MEMORY", COPY),
    "write": ("stream.write $s32 async MEMORY", COPY),
    "read-string": ("stream.read $ss async MEMORY REALLOC", COPY),
    "write-string": ("stream.write $ss async MEMORY", COPY),
    "future-read": ("future.read $f32 async MEMORY", "(param i32 i32) (result i32)"),
    "future-write": ("future.write $f32 async MEMORY", "(param i32 i32) (result i32)"),
    "drop-r": ("stream.drop-readable $s32", I), "drop-w": ("stream.drop-writable $s32", I),
    "future-drop-w": ("future.drop-writable $f32", I),
    "cancel-read": ("stream.cancel-read $s32 async", I + R), "cancel-write": ("stream.cancel-write $s32 async", I + R),
    "join": ("waitable.join", "(param i32 i32)"), "drop-set": ("waitable-set.drop", I),
    "wait": ("waitable-set.wait MEMORY", "(param i32 i32) (result i32)"),
    "poll": ("waitable-set.poll MEMORY", "(param i32 i32) (result i32)"),
    "cancel": ("subtask.cancel async", I + R), "drop-subtask": ("subtask.drop", I),
    "cancelled": ("task.cancel", ""), "return": ("task.return", ""), "inc": ("backpressure.inc", ""),
}
# The peer's functions that return at once. name: (component type, core type, body)
PEER = {
    "open": ("(result $s32)", R, "(call $setup) (global.get $r)"),
    "peer-write": ('(param "at" u32) (param "count" u32) (result u32)', "(param i32 i32) (result i32)",
                   "(call $write (global.get $w) (local.get 0) (local.get 1))"),
    "peer-handle": ("(result u32)", R, "(call $setup) (call $setup) (global.get $w)"),
    "close": ("", "", "(call $inc)"),
    "give": ('(param "s" $s32)', I, ""),
    "give-future": ('(param "f" $f32)', I, "(drop (call $future-read (local.get 0) (i32.const 64)))"),
    "take-strings": ('(param "s" $ss)', I, "(drop (call $read-string (local.get 0) (i32.const 64) (i32.const 1)))"),
}
# The peer's functions that wait until they are cancelled: what their callbacks do then.
CALLEES = {
    "never": "(call $cancelled) (i32.const 0)",
    "resist": "(i32.or (i32.const 2) (i32.shl (call $new-set) (i32.const 4)))",
    "cancel-trap": "unreachable",
    "cancel-leave": "(i32.const 0)",
    "cancel-twice": "(call $cancelled) (call $return) (i32.const 0)",
}
OPTIONS = {"MEMORY": '(memory (core memory $mem "mem"))', "REALLOC": '(realloc (core func $mem "realloc"))'}


def each(items, line):
    return "\n".join(line.format(*([name, *item] if isinstance(item, tuple) else [name, item])) for name, item in items.items())


def definitions():
    text = each(BUILTINS, "    (canon {1} (core func ${0}))")
    for name, option in OPTIONS.items():
        text = text.replace(name, option)
    return text


COMMON = f"""    (type $s32 (stream u32)) (type $f32 (future u32)) (type $ss (stream string))
    (core module $Mem (memory (export "mem") 1) (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65535)))
    (core instance $mem (instantiate $Mem))
{definitions()}"""
SETUP = f"""      (import "" "mem" (memory 1))
{each(BUILTINS, '      (import "" "{0}" (func ${0} {2}))')}
      (global $r (mut i32) (i32.const 0)) (global $w (mut i32) (i32.const 0)) (global $fr (mut i32) (i32.const 0))
      (global $fw (mut i32) (i32.const 0)) (global $sr (mut i32) (i32.const 0)) (global $sw (mut i32) (i32.const 0))
      (global $set (mut i32) (i32.const 0)) (global $in (mut i32) (i32.const 0))
      (func $high (param i64) (result i32) (i32.wrap_i64 (i64.shr_u (local.get 0) (i64.const 32))))
      (func $setup (local $ends i64)
        (global.set $r (i32.wrap_i64 (local.tee $ends (call $new)))) (global.set $w (call $high (local.get $ends)))
        (global.set $fr (i32.wrap_i64 (local.tee $ends (call $new-future)))) (global.set $fw (call $high (local.get $ends)))
        (global.set $sr (i32.wrap_i64 (local.tee $ends (call $new-strings)))) (global.set $sw (call $high (local.get $ends)))
        (global.set $set (call $new-set)))"""
WITH = '(export "mem" (memory $mem "mem"))\n' + each(BUILTINS, '      (export "{0}" (func ${0}))')
CALLBACK = 'async (callback (core func $m "{0}-callback"))'

print("\n".join(CASES) if sys.argv[1:] == ["names"] else f"""(component
  (component $Peer
{COMMON}
    (core module $Peer
{SETUP}
{each(PEER, '      (func (export "{0}") {2} {3})')}
{each(CALLEES, '      (func (export "{0}") (result i32) (i32.or (i32.const 2) (i32.shl (call $new-set) (i32.const 4))))')}
{each(CALLEES, '      (func (export "{0}-callback") (param i32 i32 i32) (result i32) {1})')})
    (core instance $m (instantiate $Peer (with "" (instance {WITH}))))
{each(PEER, '    (func (export "{0}") {1} (canon lift (core func $m "{0}")))')}
{each(CALLEES, '    (func (export "{0}") async (canon lift (core func $m "{0}") ' + CALLBACK + '))')})
  (component $User
{COMMON}
{each(PEER, '    (import "{0}" (func ${0} {1}))')}
{each(CALLEES, '    (import "{0}" (func ${0} async))')}
{each(PEER, "    (canon lower (func ${0}) (core func ${0}))")}
{each(CALLEES, "    (canon lower (func ${0}) async (core func ${0}))")}
    (core module $User
{each(PEER, '      (import "" "{0}" (func ${0} {2}))')}
{each(CALLEES, '      (import "" "{0}" (func $start-{0} (result i32)))')}
{SETUP}
{each(CALLEES, "      (func ${0} (result i32) (i32.shr_u (call $start-{0}) (i32.const 4)))")}
{each(CASES, '      (func (export "{0}") (call $setup) (global.set $in (call $open)) {1} (br 0))')})
    (core instance $m (instantiate $User (with "" (instance {WITH}
{each(PEER, '      (export "{0}" (func ${0}))')}
{each(CALLEES, '      (export "{0}" (func ${0}))')}))))
{each(CASES, '    (func (export "case-{0}") async (canon lift (core func $m "{0}")))')})
  (instance $peer (instantiate $Peer))
  (instance $user (instantiate $User
{each(PEER | CALLEES, '    (with "{0}" (func $peer "{0}"))')}))
{each(CASES, '  (export "case-{0}" (func $user "case-{0}"))')})""")
