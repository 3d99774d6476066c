"""Worlds as component text: the two components of a world, what all worlds of a file share, and the driver.

The root component defines, once for a file and for each pointer size P:
  $lib      a memory, realloc (a bump allocator that fills what it gives), errors, and the comparing program's interpreter
  $await    waits for a subtask        $send, $send1, $recv, $recv1  the ends of streams and futures
and a component with the resource type that worlds use (make a handle for a number, get the number). World i has
components $a and $b with a core module each: its data, and `run` (A) or `f` (B), written here instruction by instruction.
"""
import random

from fuzz_values import (BYTES, END, HANDLE, NAMED, NAN32, NAN64, RANGE, Memory, Program, Side, Type, flat_checks, is_sensible,
                         random_type, random_value, range_program, total_flat)

STATIC = 1024    # where the static memory of a world begins
HEAP = 1 << 17   # where realloc's begins
PAGES = 8


# --- shared modules, for P = i32 or i64 ---

def lib(p):
    at = lambda code: f"(i64.extend_i32_u {code})" if p == "i64" else code
    wide = lambda code: code if p == "i64" else f"(i64.extend_i32_u {code})"
    size = 8 if p == "i64" else 4
    word = f"(i32.load (local.get $pc))"
    argument = lambda n: f"(i32.load offset={4 * n} (local.get $pc))"
    skip = lambda n: f"(local.set $pc ({p}.add (local.get $pc) ({p}.const {n})))"
    return f"""
  (core module $lib-{p}
    (import "r" "get" (func $get (param i32) (result i32)))
    (import "r" "drop" (func $drop (param i32)))
    (memory (export "mem") {p} {PAGES})
    (global $heap (mut {p}) ({p}.const {HEAP}))
    (global $errors (mut i32) (i32.const 0))
    (func (export "errors") (result i32) (global.get $errors))
    (func $bad (export "bad") (global.set $errors (i32.add (global.get $errors) (i32.const 1))))
    (func (export "realloc") (param $old {p}) (param $old-size {p}) (param $align {p}) (param $size {p}) (result {p})
      (local $new {p})
      (local.set $new ({p}.and ({p}.add (global.get $heap) ({p}.sub (local.get $align) ({p}.const 1)))
                               ({p}.sub ({p}.const 0) (local.get $align))))
      (global.set $heap ({p}.add (local.get $new) (local.get $size)))
      (if ({p}.gt_u (global.get $heap) ({p}.const {PAGES << 16})) (then unreachable))
      (memory.fill (local.get $new) (i32.const 0xCD) (local.get $size))
      (if ({p}.ne (local.get $old) ({p}.const 0)) (then
        (memory.copy (local.get $new) (local.get $old)
          (select (local.get $old-size) (local.get $size) ({p}.lt_u (local.get $old-size) (local.get $size))))))
      (local.get $new))
    (func $is32 (export "is32") (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then (call $bad))))
    (func (export "is64") (param i64 i64) (if (i64.ne (local.get 0) (local.get 1)) (then (call $bad))))
    (func $nan32 (export "nan32") (param f32) (if (f32.eq (local.get 0) (local.get 0)) (then (call $bad))))
    (func $nan64 (export "nan64") (param f64) (if (f64.eq (local.get 0) (local.get 0)) (then (call $bad))))
    (func $handle (export "handle") (param i32 i32)
      (call $is32 (call $get (local.get 0)) (local.get 1))
      (call $drop (local.get 0)))
    ;; pointer, length, wanted length, alignment, program; the result is behind the program
    (func $range (export "range") (param $at {p}) (param $n i64) (param $want i64) (param $align {p}) (param $pc {p})
        (param $code {p}) (result {p})
      (if (i64.ne (local.get $n) (local.get $want)) (then
        (call $bad) (return ({p}.add (local.get $pc) (local.get $code)))))
      (if (i32.eqz ({p}.eqz ({p}.and (local.get $at) ({p}.sub (local.get $align) ({p}.const 1))))) (then (call $bad)))
      (call $walk (local.get $at) (local.get $pc)))
    ;; Interprets the program at $pc for the value at $base.
    (func $walk (export "walk") (param $base {p}) (param $pc {p}) (result {p})
      (local $op i32) (local $at {p}) (local $n {p}) (local $wrong i32)
      (loop $next
        (local.set $op {word})
        (if (i32.eq (local.get $op) (i32.const {END})) (then (return ({p}.add (local.get $pc) ({p}.const 4)))))
        (local.set $at ({p}.add (local.get $base) {at(argument(1))}))
        (if (i32.eq (local.get $op) (i32.const {BYTES})) (then
          (local.set $n {at(argument(2))})
          {skip(12)}
          (local.set $wrong (i32.const 0))
          (loop $byte
            (local.set $wrong (i32.or (local.get $wrong)
              (i32.ne (i32.load8_u (local.get $at)) (i32.load8_u (local.get $pc)))))
            (local.set $at ({p}.add (local.get $at) ({p}.const 1)))
            {skip(1)}
            (br_if $byte (i32.eqz ({p}.eqz (local.tee $n ({p}.sub (local.get $n) ({p}.const 1)))))))
          (if (local.get $wrong) (then (call $bad)))
          (local.set $pc ({p}.and ({p}.add (local.get $pc) ({p}.const 3)) ({p}.const -4)))
          (br $next)))
        (if (i32.eq (local.get $op) (i32.const {RANGE})) (then
          (local.set $pc (call $range ({p}.load (local.get $at)) {wide(f"({p}.load offset={size} (local.get $at))")}
            (i64.load offset=8 (local.get $pc)) {at(argument(4))} ({p}.add (local.get $pc) ({p}.const 24))
            {at(argument(5))}))
          (br $next)))
        (if (i32.eq (local.get $op) (i32.const {HANDLE})) (then
          (call $handle (i32.load (local.get $at)) {argument(2)})
          {skip(12)}
          (br $next)))
        (if (i32.eq (local.get $op) (i32.const {NAN32}))
          (then (call $nan32 (f32.load (local.get $at))))
          (else (if (i32.eq (local.get $op) (i32.const {NAN64}))
            (then (call $nan64 (f64.load (local.get $at))))
            (else unreachable))))
        {skip(8)}
        (br $next))
      unreachable))"""


WAIT_IMPORTS = """(import "lib" "bad" (func $bad))
    (import "w" "new" (func $set (result i32)))
    (import "w" "join" (func $join (param i32 i32)))
    (import "w" "drop" (func $drop-set (param i32)))"""


def wait_imports(p):
    return f"""(import "lib" "mem" (memory {p} {PAGES}))
    (import "w" "wait" (func $wait (param i32 {p}) (result i32)))
    {WAIT_IMPORTS}"""


def event(p):
    return f""";; Waits for an event of one waitable, which must be of a kind; gives its payload.
    (func $event (param $handle i32) (param $kind i32) (result i32) (local $s i32)
      (local.set $s (call $set))
      (call $join (local.get $handle) (local.get $s))
      (if (i32.ne (call $wait (local.get $s) ({p}.const 16)) (local.get $kind)) (then (call $bad)))
      (if (i32.ne (i32.load ({p}.const 16)) (local.get $handle)) (then (call $bad)))
      (call $join (local.get $handle) (i32.const 0))
      (call $drop-set (local.get $s))
      (i32.load ({p}.const 20)))"""


def await_(p):
    return f"""
  (core module $await-{p}
    {wait_imports(p)}
    (import "w" "drop-subtask" (func $drop-subtask (param i32)))
    {event(p)}
    (func (export "finish") (param $status i32) (local $state i32) (local $handle i32)
      (local.set $state (i32.and (local.get $status) (i32.const 15)))
      (local.set $handle (i32.shr_u (local.get $status) (i32.const 4)))
      (if (i32.eq (local.get $state) (i32.const 2)) (then
        (if (local.get $handle) (then (call $bad)))
        (return)))
      (loop $again
        (br_if $again (i32.ne (call $event (local.get $handle) (i32.const 1)) (i32.const 2))))
      (call $drop-subtask (local.get $handle))))"""


def ends(p):
    """Modules that move elements: all of a side's array through a stream, in steps of `chunk` at most; one value through
    a future. With a callback the receiver returns to wait."""
    wrap = lambda code: f"(i32.wrap_i64 {code})" if p == "i64" else code
    at = lambda code: f"(i64.extend_i32_u {code})" if p == "i64" else code
    result = p
    head = wait_imports(p)
    least = "(select (local.get $n) (local.get $chunk) (i32.lt_u (local.get $n) (local.get $chunk)))"
    move = lambda name, kind: f"""
      (block $done (loop $again
        (br_if $done (i32.eqz (local.get $n)))
        (local.set $r {wrap(f"(call ${name} (local.get $end) (local.get $at) {at(least)})")})
        (if (i32.eq (local.get $r) (i32.const -1)) (then
          (local.set $r (call $event (local.get $end) (i32.const {kind})))))
        (local.set $n (i32.sub (local.get $n) (i32.shr_u (local.get $r) (i32.const 4))))
        ;; The other end may be dropped before this one hears that all has been moved.
        (if (i32.and (local.get $r) (i32.const 15)) (then
          (if (local.get $n) (then (call $bad)))
          (br $done)))
        (local.set $at ({p}.add (local.get $at) ({p}.mul {at("(i32.shr_u (local.get $r) (i32.const 4))")}
                                                         {at("(local.get $size)")})))
        (br $again)))"""
    params = f"(param $end i32) (param $at {p}) (param $n i32) (param $size i32) (param $chunk i32)"
    receiver = lambda more: f"""
    {more}
    (import "s" "drop" (func $drop (param i32)))
    (import "s" "return" (func $return))
    (import "lib" "walk" (func $walk (param {p} {p}) (result {p})))
    (import "world" "at" (global $at {p}))
    (import "world" "program" (global $program {p}))
    (import "world" "n" (global $n i32))
    (import "world" "size" (global $size i32))
    (import "world" "chunk" (global $chunk i32))
    {event(p)}
    (global $end (mut i32) (i32.const 0))
    (global $s (mut i32) (i32.const 0))
    (global $have (mut i32) (i32.const 0))
    (func $finish
      (drop (call $walk (global.get $at) (global.get $program)))
      (call $drop (global.get $end)))"""
    stream_read = f"""(import "s" "read" (func $read (param i32 {p} {p}) (result {result})))"""
    future_read = f"""(import "s" "read" (func $read (param i32 {p}) (result i32)))"""
    next_read = f"""{wrap(f'''(call $read (global.get $end)
          ({p}.add (global.get $at) ({p}.mul {at("(global.get $have)")} {at("(global.get $size)")}))
          {at("(select (global.get $chunk) (i32.sub (global.get $n) (global.get $have)) (i32.lt_u (global.get $chunk) (i32.sub (global.get $n) (global.get $have))))")})''')}"""
    take = """(global.set $have (i32.add (global.get $have) (i32.shr_u (local.get $r) (i32.const 4))))
      (if (i32.and (local.get $r) (i32.const 15)) (then
        (if (i32.ne (global.get $have) (global.get $n)) (then (call $bad)))))"""
    callback = lambda step, kind: f"""
    (func $step (result i32) (local $r i32)
      {step}
      (call $join (global.get $end) (i32.const 0))
      (call $drop-set (global.get $s))
      (call $finish)
      (call $return)
      (i32.const 0))
    (func (export "g") (param i32) (result i32)
      (global.set $end (local.get 0))
      (global.set $s (call $set))
      (call $join (global.get $end) (global.get $s))
      (call $step))
    (func (export "callback") (param $kind i32) (param $handle i32) (param $r i32) (result i32)
      (if (i32.ne (local.get $kind) (i32.const {kind})) (then (call $bad)))
      (if (i32.ne (local.get $handle) (global.get $end)) (then (call $bad)))
      (call $got (local.get $r))
      (call $step))"""
    waiting = "(i32.or (i32.const 2) (i32.shl (global.get $s) (i32.const 4)))"
    stream_step = f"""(block $done (loop $again
        (br_if $done (i32.ge_u (global.get $have) (global.get $n)))
        (local.set $r {next_read})
        (if (i32.eq (local.get $r) (i32.const -1)) (then (return {waiting})))
        (call $got (local.get $r))
        (br $again)))"""
    future_step = f"""(if (i32.eqz (global.get $have)) (then
        (local.set $r (call $read (global.get $end) (global.get $at)))
        (if (i32.eq (local.get $r) (i32.const -1)) (then (return {waiting})))
        (call $got (local.get $r))))"""
    return f"""
  (core module $send-{p}
    {head}
    (import "s" "write" (func $write (param i32 {p} {p}) (result {result})))
    (import "s" "drop" (func $drop (param i32)))
    {event(p)}
    (func (export "send") {params} (local $r i32) {move("write", 3)}
      (call $drop (local.get $end))))
  (core module $send1-{p}
    {head}
    (import "s" "write" (func $write (param i32 {p}) (result i32)))
    (import "s" "drop" (func $drop (param i32)))
    {event(p)}
    (func (export "send") {params} (local $r i32)
      (local.set $r (call $write (local.get $end) (local.get $at)))
      (if (i32.eq (local.get $r) (i32.const -1)) (then
        (local.set $r (call $event (local.get $end) (i32.const 5)))))
      (if (local.get $r) (then (call $bad)))
      (call $drop (local.get $end))))
  (core module $recv-{p}
    {head} {receiver(stream_read)}
    (func $got (param $r i32) {take})
    (func (export "g") (param i32) (local $r i32)
      (global.set $end (local.get 0))
      (block $done (loop $again
        (br_if $done (i32.ge_u (global.get $have) (global.get $n)))
        (local.set $r {next_read})
        (if (i32.eq (local.get $r) (i32.const -1)) (then
          (local.set $r (call $event (global.get $end) (i32.const 2)))))
        (call $got (local.get $r))
        (br $again)))
      (call $finish)
      (call $return)))
  (core module $recv-callback-{p}
    {head} {receiver(stream_read)}
    (func $got (param $r i32) {take})
    {callback(stream_step, 2)})
  (core module $recv1-{p}
    {head} {receiver(future_read)}
    (func (export "g") (param i32) (local $r i32)
      (global.set $end (local.get 0))
      (local.set $r (call $read (global.get $end) (global.get $at)))
      (if (i32.eq (local.get $r) (i32.const -1)) (then
        (local.set $r (call $event (global.get $end) (i32.const 4)))))
      (if (local.get $r) (then (call $bad)))
      (call $finish)
      (call $return)))
  (core module $recv1-callback-{p}
    {head} {receiver(future_read)}
    (func $got (param $r i32)
      (if (local.get $r) (then (call $bad)))
      (global.set $have (i32.const 1)))
    {callback(future_step, 4)})"""


RESOURCES = """
  (component $resources
    (type $r' (resource (rep i32)))
    (core func $new (canon resource.new $r'))
    (core module $m
      (import "" "new" (func $new (param i32) (result i32)))
      (func (export "make") (param i32) (result i32) (call $new (local.get 0)))
      (func (export "get") (param i32) (result i32) (local.get 0)))
    (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
    (export $r "r" (type $r'))
    (func $make (param "n" u32) (result (own $r)) (canon lift (core func $i "make")))
    (func $get (param "r" (borrow $r)) (result u32) (canon lift (core func $i "get")))
    (export "make" (func $make))
    (export "get" (func $get)))
  (instance $r (instantiate $resources))"""

# In each component of a world: the resource type, and lib with its memory.
def prelude(side, letter):
    p = side.pointer
    encoding = f"string-encoding={side.encoding}"
    return f"""(component ${letter}
    (import "r" (instance $r
      (export "r" (type $r (sub resource)))
      (export "make" (func (param "n" u32) (result (own $r))))
      (export "get" (func (param "r" (borrow $r)) (result u32)))))
    (alias export $r "r" (type $res))
    (core func $make (canon lower (func $r "make")))
    (core func $get (canon lower (func $r "get")))
    (core func $drop (canon resource.drop $res))
    (core instance $lib (instantiate $lib-{p} (with "r" (instance
      (export "get" (func $get)) (export "drop" (func $drop))))))
    (alias core export $lib "mem" (core memory $mem))
    (alias core export $lib "realloc" (core func $realloc))""", f"(memory $mem) (realloc $realloc) {encoding}"


WAITING = """(core func $set (canon waitable-set.new))
    (core func $wait (canon waitable-set.wait (memory $mem)))
    (core func $join (canon waitable.join))
    (core func $drop-set (canon waitable-set.drop))"""
WAIT_EXPORTS = """(export "new" (func $set)) (export "wait" (func $wait)) (export "join" (func $join))
        (export "drop" (func $drop-set))"""


def lib_imports(p):
    return f"""(import "lib" "mem" (memory {p} {PAGES}))
      (import "lib" "errors" (func $errors (result i32)))
      (import "lib" "bad" (func $bad))
      (import "lib" "is32" (func $is32 (param i32 i32)))
      (import "lib" "is64" (func $is64 (param i64 i64)))
      (import "lib" "nan32" (func $nan32 (param f32)))
      (import "lib" "nan64" (func $nan64 (param f64)))
      (import "lib" "handle" (func $handle (param i32 i32)))
      (import "lib" "range" (func $range (param {p} i64 i64 {p} {p} {p}) (result {p})))
      (import "lib" "walk" (func $walk (param {p} {p}) (result {p})))"""


def quoted(data):
    return '"' + "".join(chr(b) if 0x20 <= b < 0x7F and b not in (0x22, 0x5C) else f"\\{b:02x}" for b in data) + '"'


# --- types as text ---

def name_types(types):
    """Named types, each behind those that it mentions, with their numbers."""
    order = []

    def visit(t):
        for part in t.parts:
            if part:
                visit(part)
        if t.kind in NAMED and t.number is None:
            t.number = len(order)
            order.append(t)

    for t in types:
        if t:
            visit(t)
    return order


def type_text(t):
    return f"$t{t.number}" if t.kind in NAMED else structure(t)


def structure(t):
    parts = [type_text(part) if part else None for part in t.parts]
    labels = " ".join(f'"l{i}"' for i in range(t.count))
    match t.kind:
        case "record":
            return "(record " + " ".join(f'(field "f{i}" {part})' for i, part in enumerate(parts)) + ")"
        case "variant":
            return "(variant " + " ".join(f'(case "c{i}" {part or ""})' for i, part in enumerate(parts)) + ")"
        case "enum" | "flags":
            return f"({t.kind} {labels})"
        case "result":
            return f"(result {parts[0] or ''} {f'(error {parts[1]})' if parts[1] else ''})"
        case "fixed":
            return f"(list {parts[0]} {t.count})"
        case "own" | "borrow":
            return f"({t.kind} $res)"
        case "tuple" | "option" | "list" | "map":
            return f"({t.kind} {' '.join(parts)})"
    return t.kind


# --- a world ---

class World:
    def __init__(self, seed, number, all_encodings, memory, broken=False):
        self.name = f"{seed}/{number}"
        self.rng = rng = random.Random(f"{seed}/{number}")
        encodings = ["utf8", "utf16", "latin1+utf16"]
        # The same choices are drawn whatever the options, so that these do not change the types and values.
        drawn = [(rng.choice([4, 4, 8]), rng.choice(encodings)) for _ in range(2)]
        self.a, self.b = (Side({"32": 4, "64": 8}.get(memory, size), encoding if all_encodings else "utf8")
                          for size, encoding in drawn)
        self.kind = rng.choice(["call"] * 6 + ["stream", "future"])
        self.lift = rng.choice(["sync", "callback", "stackful"])
        self.lower = rng.choice(["sync", "async"])
        self.blocks = rng.random() < 0.3  # synchronous reads, where the lift can wait, and writes
        self.yields = rng.random() < 0.4  # an async callee lets others run before it returns
        self.is_async = self.lift != "sync" or self.lower == "async" or rng.random() < 0.3
        while not self.draw_types():
            pass
        # What is compared with; of a broken world, whose failure shows that the comparison works, something else.
        self.wanted = self.values
        for _ in range(20 if broken else 0):  # types with one value have no other
            if self.wanted == self.values:
                self.wanted = [random_value(rng, t) for t in self.value_types]

    def draw_types(self):
        rng, named = self.rng, []
        depth = rng.choice([1, 2, 2, 3])
        if self.kind == "call":
            self.params = [random_type(rng, depth, named, ["own", "borrow"])
                           for _ in range(rng.choice([0, 1, 1, 2, 3, 4]))]
            self.result = random_type(rng, depth, named, ["own"]) if rng.random() < 0.85 else None
            if self.result and self.result.has("borrow"):
                return False
            types = self.params + ([self.result] if self.result else [])
        else:
            self.element = random_type(rng, depth, named, ["own"])
            types = [self.element]
            if self.element.has("borrow") or (self.kind == "stream" and self.element.kind == "char"):
                return False
        if not all(is_sensible(t) for t in types):
            return False
        self.value_types = types
        if self.kind == "stream":
            self.value_types = types * rng.choice([1, 2, 3, 5, 17])
        self.values = [random_value(rng, t) for t in self.value_types]
        for t in types:
            for part in walk_types(t):
                part.number = None
        self.named = name_types(types)
        return True

    def describe(self):
        how = f"{self.lower} to {self.lift}" if self.kind == "call" else f"{self.kind}{' (sync)' * self.blocks} to {self.lift}"
        side = lambda s: f"{8 * s.pointer_size}-bit {s.encoding}"
        return f"{how}, {side(self.a)} to {side(self.b)}"

    # The type definitions: in a component that exports the names, or in an instance type.
    def types_in_b(self):
        return "\n    ".join(f'(type $d{t.number} {structure(t)}) (export $t{t.number} "t{t.number}" (type $d{t.number}))'
                             for t in self.named)

    def types_in_instance(self):
        return "\n      ".join(f'(type $d{t.number} {structure(t)}) (export "t{t.number}" (type $t{t.number} (eq $d{t.number})))'
                               for t in self.named)

    def func_type(self):
        is_async = "async " if self.is_async or self.kind != "call" else ""
        if self.kind != "call":
            return f'{is_async}(param "s" ({self.kind} {type_text(self.element)}))'
        params = " ".join(f'(param "p{i}" {type_text(t)})' for i, t in enumerate(self.params))
        return f"{is_async}{params} {f'(result {type_text(self.result)})' if self.result else ''}"

    def text(self):
        body = (self.caller() + self.callee()) if self.kind == "call" else (self.sender() + self.receiver())
        return f"""
  ;; world {self.name}: {self.describe()}
  (component $world
    (import "r" (instance $r
      (export "r" (type $r (sub resource)))
      (export "make" (func (param "n" u32) (result (own $r))))
      (export "get" (func (param "r" (borrow $r)) (result u32)))))
    {body}
    (instance $ib (instantiate $b (with "r" (instance $r))))
    (instance $ia (instantiate $a (with "r" (instance $r)) (with "b" (instance $ib))))
    (export "run" (func $ia "run"))
    (export "errors" (func $ib "errors")))"""

    # --- B of a call ---

    def callee(self):
        side = self.b
        rng = random.Random(f"{self.name}/b")
        memory = Memory(side, STATIC, rng)
        head, options = prelude(side, "b")
        p = side.pointer
        code, params = [], []
        values = self.wanted[:len(self.params)]
        flat = [core for t in self.params for core in side.flat(t)]
        if len(flat) > 16:
            whole = Program(side)
            pair = tuple_of(self.params)
            whole.value(0, pair, values)
            program = place(memory, whole.end())
            alignment = side.layout(pair)[1]
            params = [p]
            code.append(f"(if (i32.eqz ({p}.eqz ({p}.and (local.get 0) ({p}.const {alignment - 1})))) (then (call $bad)))")
            code.append(f"(drop (call $walk (local.get 0) ({p}.const {program})))")
        else:
            params = flat
            checks = [check for t, value in zip(self.params, values) for check in flat_checks(side, t, value)]
            code += checks_text(side, memory, [str(i) for i in range(len(checks))], checks)
        results, returned = self.returning(side, memory, rng)
        core_params = " ".join(params)
        if self.lift == "sync":
            function = f"""(func (export "f") (param {core_params}) (result {' '.join(results)})
        {nl(code)}
        {nl(patches(memory))}
        {returned})
      (func (export "post") (param {' '.join(results)}) (global.set $posts (i32.add (global.get $posts) (i32.const 1))))"""
        else:
            task_return = f"""{nl(patches(memory))}
        (call $task.return {returned})"""
            if self.lift == "stackful":
                function = f"""(func (export "f") (param {core_params})
        {nl(code)}
        {"(drop (call $yield))" if self.yields else ""}
        {task_return})"""
            else:
                first = "(i32.const 1)" if self.yields else f"{task_return} (i32.const 0)"
                function = f"""(func (export "f") (param {core_params}) (result i32)
        {nl(code)}
        {first})
      (func (export "callback") (param i32 i32 i32) (result i32)
        {task_return if self.yields else "unreachable"}
        (i32.const 0))"""
        has_post = self.lift == "sync" and not self.is_async and rng.random() < 0.5
        lift = {"sync": "", "callback": 'async (callback (core func $m "callback"))', "stackful": "async"}[self.lift]
        post = '(post-return (core func $m "post"))' if has_post else ""
        result = f"(result {type_text(self.result)})" if self.result else ""
        returns = "" if self.lift == "sync" else f"""(core func $task.return (canon task.return {result} {no_realloc(options)}))
    (core func $yield (canon thread.yield))"""
        imports = "" if self.lift == "sync" else f"""(import "t" "return" (func $task.return (param {' '.join(results)})))
      (import "t" "yield" (func $yield (result i32)))"""
        given = "" if self.lift == "sync" else """(with "t" (instance
      (export "return" (func $task.return)) (export "yield" (func $yield))))"""
        return f"""
    {head}
    {self.types_in_b()}
    {returns}
    (core module $M
      {lib_imports(p)}
      {imports}
      (import "r" "make" (func $make (param i32) (result i32)))
      (global $posts (mut i32) (i32.const 0))
      (data ({p}.const {STATIC}) {quoted(memory.data)})
      (func (export "errors") (result i32)
        (i32.add (call $errors) {'(i32.ne (global.get $posts) (i32.const 1))' if has_post else '(i32.const 0)'}))
      {function})
    (core instance $m (instantiate $M (with "lib" (instance $lib)) (with "r" (instance (export "make" (func $make))))
      {given}))
    (func $f {self.func_type()} (canon lift (core func $m "f") {lift} {options} {post}))
    (export "f" (func $f))
    (func $errors (result u32) (canon lift (core func $m "errors")))
    (export "errors" (func $errors)))"""

    def returning(self, side, memory, rng):
        """Core types of what B returns (or passes to task.return), and the code for it."""
        if not self.result:
            return [], ""
        value = self.values[len(self.params)]
        flat = side.flat(self.result)
        if len(flat) <= (1 if self.lift == "sync" else 16):
            return flat, " ".join(flat_text(f) for f in memory.flat_values(self.result, value))
        address = memory.allocate(*side.layout(self.result))
        memory.store(self.result, value, address)
        return [side.pointer], f"({side.pointer}.const {address})"

    # --- A of a call ---

    def caller(self):
        side = self.a
        rng = random.Random(f"{self.name}/a")
        memory = Memory(side, STATIC, rng)
        head, options = prelude(side, "a")
        p = side.pointer
        values = self.values[:len(self.params)]
        flat = [core for t in self.params for core in side.flat(t)]
        before, arguments, drops = [], [], []
        if len(flat) > (4 if self.lower == "async" else 16):
            pair = tuple_of(self.params)
            address = memory.allocate(*side.layout(pair))
            memory.store(pair, values, address)
            core_params, arguments = [p], [f"({p}.const {address})"]
        else:
            core_params = list(flat)
            number = 0
            for t, value in zip(self.params, values):
                for core, part in memory.flat_values(t, value):
                    if isinstance(part, tuple):
                        # A handle, made before the call; one that is lent is dropped afterwards.
                        before.append(f"(local.set $h{number} (call $make (i32.const {part[1]})))")
                        get = f"(local.get $h{number})"
                        arguments.append(f"(i64.extend_i32_u {get})" if core == "i64" else get)
                        if part[0] == "borrow":
                            drops.append(f"(call $drop {get})")
                        number += 1
                    else:
                        arguments.append(flat_text((core, part)))
        before = patches(memory) + before
        for address, _, kind in memory.handles:
            if kind == "borrow":
                drops.append(f"(call $drop (i32.load ({p}.const {address})))")
        core_result, after = "", []
        if self.result:
            value = self.wanted[len(self.params)]
            result_flat = side.flat(self.result)
            if self.lower == "sync" and len(result_flat) == 1:
                core_result = result_flat[0]
                after += checks_text(side, memory, ["$result"], flat_checks(side, self.result, value))
            else:
                core_params.append(p)
                address = memory.allocate(*side.layout(self.result))
                arguments.append(f"({p}.const {address})")
                program = Program(side)
                program.value(0, self.result, value)
                after.append(f"(drop (call $walk ({p}.const {address}) ({p}.const {place(memory, program.end())})))")
        call = f"(call $f {' '.join(arguments)})"
        if self.lower == "async":
            call, core_result = f"(call $finish {call})", "i32"
        elif core_result:
            call = f"(local.set $result {call})"
        handles = " ".join(f"(local $h{i} i32)" for i in range(len(before)))
        result_local = f"(local $result {core_result})" if core_result and self.lower == "sync" else ""
        lower = "async" if self.lower == "async" else ""
        return f"""
    {head}
    (import "b" (instance $b
      {alias_resource('a')}
      {self.types_in_instance()}
      (export "f" (func {self.func_type()}))))
    (core func $f (canon lower (func $b "f") {lower} {options}))
    {WAITING}
    (core func $drop-subtask (canon subtask.drop))
    (core instance $await (instantiate $await-{p} (with "lib" (instance $lib)) (with "w" (instance
      {WAIT_EXPORTS} (export "drop-subtask" (func $drop-subtask))))))
    (core module $M
      {lib_imports(p)}
      (import "b" "f" (func $f (param {' '.join(core_params)}) (result {core_result})))
      (import "await" "finish" (func $finish (param i32)))
      (import "r" "make" (func $make (param i32) (result i32)))
      (import "r" "drop" (func $drop (param i32)))
      (data ({p}.const {STATIC}) {quoted(memory.data)})
      (func (export "run") (result i32) {handles} {result_local}
        {nl(before)}
        {call}
        {nl(drops)}
        {nl(after)}
        (call $errors)))
    (core instance $m (instantiate $M (with "lib" (instance $lib)) (with "await" (instance $await))
      (with "b" (instance (export "f" (func $f))))
      (with "r" (instance (export "make" (func $make)) (export "drop" (func $drop))))))
    {RUN})"""

    # --- streams and futures ---

    def sender(self):
        side = self.a
        p = side.pointer
        memory = Memory(side, STATIC, random.Random(f"{self.name}/a"))
        head, options = prelude(side, "a")
        size, alignment = side.layout(self.element)
        address = memory.allocate(size * len(self.values), alignment)
        for i, value in enumerate(self.values):
            memory.store(self.element, value, address + i * size)
        chunk = memory.rng.choice([1, 2, 100])
        module = "send" if self.kind == "stream" else "send1"
        aliases = "\n    ".join(f'(alias export $b "t{t.number}" (type $t{t.number}))' for t in self.named)
        return f"""
    {head}
    (import "b" (instance $b
      {alias_resource('a')}
      {self.types_in_instance()}
      (export "f" (func {self.func_type()}))))
    {aliases}
    (type $s ({self.kind} {type_text(self.element)}))
    (core func $f (canon lower (func $b "f") async {options}))
    (core func $new (canon {self.kind}.new $s))
    (core func $write (canon {self.kind}.write $s {"" if self.blocks else "async"} {options}))
    (core func $drop-end (canon {self.kind}.drop-writable $s))
    {WAITING}
    (core func $drop-subtask (canon subtask.drop))
    (core instance $await (instantiate $await-{p} (with "lib" (instance $lib)) (with "w" (instance
      {WAIT_EXPORTS} (export "drop-subtask" (func $drop-subtask))))))
    (core instance $send (instantiate ${module}-{p} (with "lib" (instance $lib)) (with "w" (instance {WAIT_EXPORTS}))
      (with "s" (instance (export "write" (func $write)) (export "drop" (func $drop-end))))))
    (core module $M
      {lib_imports(p)}
      (import "b" "f" (func $f (param i32) (result i32)))
      (import "s" "new" (func $new (result i64)))
      (import "send" "send" (func $send (param i32 {p} i32 i32 i32)))
      (import "await" "finish" (func $finish (param i32)))
      (import "r" "make" (func $make (param i32) (result i32)))
      (data ({p}.const {STATIC}) {quoted(memory.data)})
      (func (export "run") (result i32) (local $ends i64) (local $status i32)
        {nl(patches(memory))}
        (local.set $ends (call $new))
        (local.set $status (call $f (i32.wrap_i64 (local.get $ends))))
        (call $send (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32))) ({p}.const {address})
          (i32.const {len(self.values)}) (i32.const {size}) (i32.const {chunk}))
        (call $finish (local.get $status))
        (call $errors)))
    (core instance $m (instantiate $M (with "lib" (instance $lib)) (with "await" (instance $await))
      (with "send" (instance $send)) (with "b" (instance (export "f" (func $f))))
      (with "s" (instance (export "new" (func $new))))
      (with "r" (instance (export "make" (func $make))))))
    {RUN})"""

    def receiver(self):
        side = self.b
        p = side.pointer
        memory = Memory(side, STATIC, random.Random(f"{self.name}/b"))
        head, options = prelude(side, "b")
        size, alignment = side.layout(self.element)
        address = memory.allocate(size * len(self.values), alignment)
        program = Program(side)
        for i, value in enumerate(self.wanted):
            program.value(i * size, self.element, value)
        code = place(memory, program.end())
        chunk = memory.rng.choice([1, 3, 100])
        callback = "-callback" if self.lift == "callback" else ""
        module = ("recv" if self.kind == "stream" else "recv1") + callback
        lift = {"sync": "", "callback": 'async (callback (core func $m "callback"))', "stackful": "async"}[self.lift]
        # A sync lift has nothing to call.
        returns = f"(core func $return (canon task.return {no_realloc(options)}))" if self.lift != "sync" else """(core module $Nothing
      (func (export "return")))
    (core instance $nothing (instantiate $Nothing))
    (alias core export $nothing "return" (core func $return))"""
        return f"""
    {head}
    {self.types_in_b()}
    (type $s ({self.kind} {type_text(self.element)}))
    (core func $read (canon {self.kind}.read $s {"" if self.blocks and self.lift != "callback" else "async"} {options}))
    (core func $drop-end (canon {self.kind}.drop-readable $s))
    {returns}
    {WAITING}
    (core module $World
      (import "lib" "mem" (memory {p} {PAGES}))
      (data ({p}.const {STATIC}) {quoted(memory.data)})
      (global (export "at") {p} ({p}.const {address}))
      (global (export "program") {p} ({p}.const {code}))
      (global (export "n") i32 (i32.const {len(self.values)}))
      (global (export "size") i32 (i32.const {size}))
      (global (export "chunk") i32 (i32.const {chunk})))
    (core instance $world (instantiate $World (with "lib" (instance $lib))))
    (core instance $m (instantiate ${module}-{p} (with "lib" (instance $lib)) (with "w" (instance {WAIT_EXPORTS}))
      (with "world" (instance $world)) (with "s" (instance
        (export "read" (func $read)) (export "drop" (func $drop-end)) (export "return" (func $return))))))
    (func $f {self.func_type()} (canon lift (core func $m "g") {lift} {options}))
    (export "f" (func $f))
    (func $errors (result u32) (canon lift (core func $lib "errors")))
    (export "errors" (func $errors)))"""


RUN = """(func $run async (result u32) (canon lift (core func $m "run")))
    (export "run" (func $run))"""


def walk_types(t):
    yield t
    for part in t.parts:
        if part:
            yield from walk_types(part)


def tuple_of(types):
    return Type("tuple", types)


def alias_resource(component):
    return f"(alias outer ${component} $res (type $res))"


def no_realloc(options):
    return options.replace("(realloc $realloc) ", "")


def nl(lines):
    return "\n        ".join(lines)


def place(memory, program):
    address = memory.allocate(len(program), 4)
    memory.put(address, program)
    return address


def patches(memory):
    """Puts handles, which are known only now, where they belong."""
    p = memory.side.pointer
    return [f"(i32.store ({p}.const {address}) (call $make (i32.const {rep})))" for address, rep, _ in memory.handles]


def flat_text(flat):
    core, value = flat
    if isinstance(value, tuple):
        made = f"(call $make (i32.const {value[1]}))"
        return f"(i64.extend_i32_u {made})" if core == "i64" else made
    if core[0] == "f":
        bits = int(core[1:])
        return f"({core}.reinterpret_i{bits} (i{bits}.const {value}))"
    return f"({core}.const {value})"


def checks_text(side, memory, names, checks):
    """The comparisons of core values that have arrived, in the locals `names`."""
    lines = []
    for i, (core, kind, wanted, *had) in enumerate(checks):
        if kind == "length":
            continue
        value = f"(local.get {names[i]})"
        if had and had[0] != core:
            # In a variant, joined with what other cases have: i32 or f32 in an i64, f32 in an i32, f64 in an i64.
            if core == "i64" and had[0] != "f64":
                lines.append(f"(call $is64 (i64.shr_u {value} (i64.const 32)) (i64.const 0))")
                value = f"(i32.wrap_i64 {value})"
            if had[0][0] == "f":
                value = f"({had[0]}.reinterpret_i{had[0][1:]} {value})"
            core = had[0]
        if kind == "is":
            if core[0] == "f":
                value = f"(i{core[1:]}.reinterpret_{core} {value})"
            lines.append(f"(call $is{core[-2:]} {value} (i{core[-2:]}.const {wanted}))")
        elif kind == "nan":
            lines.append(f"(call $nan{core[-2:]} {value})")
        elif kind == "handle":
            lines.append(f"(call $handle {value} (i32.const {wanted}))")
        else:
            length, alignment, program = range_program(side, *wanted)
            given = f"(local.get {names[i + 1]})"
            given = given if checks[i + 1][0] == "i64" else f"(i64.extend_i32_u {given})"
            p = side.pointer
            lines.append(f"(drop (call $range {value} {given} (i64.const {length}) ({p}.const {alignment}) "
                         f"({p}.const {place(memory, program)}) ({p}.const 0)))")
    return lines


# --- a file ---

def file_text(worlds):
    driver_imports, driver_lowers, core_imports, core_exports, calls, given = [], [], [], [], [], []
    instances = []
    for i, world in enumerate(worlds):
        instances.append(world.text().replace("(component $world", f"(component $world{i}", 1))
        instances.append(f'  (instance $w{i} (instantiate $world{i} (with "r" (instance $r))))')
        for name, kind in (("run", "async "), ("errors", "")):
            driver_imports.append(f'(import "{name}{i}" (func ${name}{i} {kind}(result u32)))')
            driver_lowers.append(f"(core func ${name}{i}' (canon lower (func ${name}{i})))")
            core_imports.append(f'(import "" "{name}{i}" (func ${name}{i} (result i32)))')
            core_exports.append(f'(export "{name}{i}" (func ${name}{i}\'))')
            given.append(f'(with "{name}{i}" (func $w{i} "{name}"))')
        calls.append(f"(call $note (i32.const {i}) (i32.add (call $run{i}) (call $errors{i})))")
    return f"""(component $root
  ;; Made by test/fuzz/worlds.py.{lib("i32")}{lib("i64")}{await_("i32")}{await_("i64")}{ends("i32")}{ends("i64")}
  {RESOURCES}
{chr(10).join(instances)}
  (component $driver
    {nl(driver_imports)}
    {nl(driver_lowers)}
    (core module $M
      {nl(core_imports)}
      (global $failed (mut i64) (i64.const 0))
      ;; failed worlds in the upper half, the first of them in the lower one
      (func $note (param $world i32) (param $errors i32)
        (if (i32.eqz (local.get $errors)) (then (return)))
        (if (i64.eqz (global.get $failed)) (then (global.set $failed (i64.extend_i32_u (local.get $world)))))
        (global.set $failed (i64.add (global.get $failed) (i64.const 0x100000000))))
      (func (export "run") (result i64)
        {nl(calls)}
        (global.get $failed)))
    (core instance $m (instantiate $M (with "" (instance {' '.join(core_exports)}))))
    (func $run async (result u64) (canon lift (core func $m "run")))
    (export "run" (func $run)))
  (instance $d (instantiate $driver {' '.join(given)}))
  (export "run" (func $d "run")))
"""
