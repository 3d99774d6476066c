"""Types and values of the component model, and how the Canonical ABI lays them out: sizes, alignments, flat forms, bytes.

Written from CanonicalABI.md alone. A Side has a pointer size and a string encoding. For values that are to be read by
the other side, bits that do not count are random (padding, the upper bits of a flat u8, the payload of a case that is not
there); of values that have arrived, exactly the bits that the specification fixes are compared.
"""
import math
import struct

INTEGERS = {"s8": (1, True), "u8": (1, False), "s16": (2, True), "u16": (2, False), "s32": (4, True), "u32": (4, False),
            "s64": (8, True), "u64": (8, False)}
PRIMITIVES = ["bool", *INTEGERS, "f32", "f64", "char", "string"]
MAP_KEYS = ["bool", *INTEGERS, "char", "string"]
NAMED = ("record", "variant", "enum", "flags")


class Type:
    """kind: a primitive, or record, tuple, variant, enum, option, result, flags, list, fixed, map, own, borrow.
    parts: the types inside (None for a case without a payload); count: of labels, or the length of a fixed list."""

    def __init__(self, kind, parts=(), count=0):
        self.kind, self.parts, self.count = kind, list(parts), count
        self.number = None  # of a named type, given by fuzz_wat

    def cases(self):
        """Payloads of what is a variant when despecialized, else None."""
        if self.kind == "variant" or self.kind == "result":
            return self.parts
        if self.kind == "enum":
            return [None] * self.count
        if self.kind == "option":
            return [None, self.parts[0]]
        return None

    def fields(self):
        """Of what is a record when despecialized, else None."""
        if self.kind in ("record", "tuple"):
            return self.parts
        return self.parts * self.count if self.kind == "fixed" else None

    def element(self):
        """Of a list; a map is a list of pairs."""
        if self.kind == "list":
            return self.parts[0]
        return Type("tuple", self.parts) if self.kind == "map" else None

    def has(self, *kinds):
        return self.kind in kinds or any(part.has(*kinds) for part in self.parts if part)


def align_up(n, alignment):
    return -(-n // alignment) * alignment


def discriminant_size(cases):
    return 1 if len(cases) <= 1 << 8 else 2 if len(cases) <= 1 << 16 else 4


def flags_size(count):
    return 1 if count <= 8 else 2 if count <= 16 else 4


class Side:
    """One component's view: 4- or 8-byte pointers, utf8, utf16 or latin1+utf16."""

    def __init__(self, pointer_size, encoding):
        self.pointer_size, self.encoding = pointer_size, encoding
        self.pointer = "i32" if pointer_size == 4 else "i64"

    def layout(self, t):
        """(size, alignment)"""
        if t.kind in INTEGERS:
            return (INTEGERS[t.kind][0],) * 2
        if t.kind == "bool":
            return 1, 1
        if t.kind in ("f32", "char", "own", "borrow"):
            return 4, 4
        if t.kind == "f64":
            return 8, 8
        if t.kind == "string" or t.element():
            return 2 * self.pointer_size, self.pointer_size
        if t.kind == "flags":
            return (flags_size(t.count),) * 2
        if t.cases() is not None:
            payload, alignment = self.payload(t.cases())
            tag = discriminant_size(t.cases())
            alignment = max(tag, alignment)
            return align_up(self.payload_offset(t.cases()) + payload, alignment), alignment
        size, alignment = 0, 1
        for field in t.fields():
            field_size, field_alignment = self.layout(field)
            size = align_up(size, field_alignment) + field_size
            alignment = max(alignment, field_alignment)
        return align_up(size, alignment), alignment

    def payload(self, cases):
        layouts = [self.layout(case) for case in cases if case]
        return max((s for s, _ in layouts), default=0), max((a for _, a in layouts), default=1)

    def payload_offset(self, cases):
        return align_up(discriminant_size(cases), self.payload(cases)[1])

    def field_offsets(self, t):
        offsets, at = [], 0
        for field in t.fields():
            size, alignment = self.layout(field)
            at = align_up(at, alignment)
            offsets.append(at)
            at += size
        return offsets

    def flat(self, t):
        """Core types; of variants, the join of all cases."""
        if t.kind in ("s64", "u64"):
            return ["i64"]
        if t.kind in ("f32", "f64"):
            return [t.kind]
        if t.kind in INTEGERS or t.kind in ("bool", "char", "flags", "own", "borrow"):
            return ["i32"]
        if t.kind == "string" or t.element():
            return [self.pointer] * 2
        if t.cases() is not None:
            return ["i32"] + self.flat_payload(t.cases())
        return [core for field in t.fields() for core in self.flat(field)]

    def flat_payload(self, cases):
        joined = []
        for case in cases:
            for i, core in enumerate(self.flat(case) if case else []):
                if i == len(joined):
                    joined.append(core)
                elif joined[i] != core:
                    joined[i] = "i32" if {joined[i], core} == {"i32", "f32"} else "i64"
        return joined

    def encode(self, text, rng=None):
        """Bytes, tagged length, alignment. With a random generator: any encoding that a sender may choose."""
        if self.encoding == "utf8":
            data = text.encode("utf-8")
            return data, len(data), 1
        latin = all(ord(c) < 256 for c in text)
        if self.encoding == "latin1+utf16" and latin and (rng is None or rng.random() < 0.6):
            return text.encode("latin-1"), len(text), 2
        data = text.encode("utf-16-le")
        tag = 1 << (8 * self.pointer_size - 1) if self.encoding == "latin1+utf16" else 0
        return data, len(data) // 2 | tag, 2


# --- random types and values ---

def random_type(rng, depth, named, resources):
    """`named`: what can be used again; new named types are appended."""
    roll = rng.random()
    if depth == 0 or roll < 0.35:
        if resources and rng.random() < 0.12:
            return Type(rng.choice(resources))
        return Type(rng.choice(PRIMITIVES))
    if named and roll < 0.42:
        t = rng.choice(named)
        if not t.has("own", "borrow") or set(resources) >= {k for k in ("own", "borrow") if t.has(k)}:
            return t
    inner = lambda: random_type(rng, depth - 1, named, resources)
    kind = rng.choice(["record", "record", "tuple", "variant", "variant", "enum", "option", "result", "flags", "list", "list",
                       "fixed", "map"])
    if kind in ("record", "tuple"):
        t = Type(kind, [inner() for _ in range(rng.randint(1, 5))])
    elif kind == "variant":
        count = rng.choice([1, 2, 3, 3, 4, 5]) if rng.random() < 0.97 else rng.choice([256, 257])
        t = Type(kind, [inner() if rng.random() < 0.7 and i < 8 else None for i in range(count)])
    elif kind == "enum":
        t = Type(kind, count=rng.choice([1, 2, 3, 8, 200, 256, 257]))
    elif kind == "option":
        t = Type(kind, [inner()])
    elif kind == "result":
        t = Type(kind, [inner() if rng.random() < 0.7 else None for _ in range(2)])
    elif kind == "flags":
        t = Type(kind, count=rng.choice([1, 2, 7, 8, 9, 15, 16, 17, 31, 32, rng.randint(1, 32)]))
    elif kind == "list":
        t = Type(kind, [inner()])
    elif kind == "fixed":
        t = Type(kind, [inner()], rng.choice([1, 2, 3, 4, 7]))
    else:
        t = Type(kind, [Type(rng.choice(MAP_KEYS)), inner()])
    if t.kind in NAMED:
        named.append(t)
    return t


CHARACTERS = [lambda rng: rng.randint(0x20, 0x7E), lambda rng: rng.randint(0x20, 0x7E), lambda rng: rng.randint(0, 0x7F),
              lambda rng: rng.randint(0x80, 0xFF), lambda rng: rng.randint(0x100, 0x7FF),
              lambda rng: rng.choice([0x800, 0xD7FF, 0xE000, 0xFFFD, 0xFFFF, rng.randint(0x800, 0xD7FF)]),
              lambda rng: rng.choice([0x10000, 0x10FFFF, rng.randint(0x10000, 0x10FFFF)])]


def random_string(rng):
    # Mostly one kind of character, so that each path of each transcoding is taken.
    kinds = CHARACTERS[:rng.choice([1, 3, 4, 5, 7])] if rng.random() < 0.7 else [rng.choice(CHARACTERS)]
    length = rng.choice([0, 1, 2, 3, 5, 8, 15, 16, 17, 33, rng.randint(0, 60), rng.randint(60, 700) if rng.random() < 0.2 else 4])
    return "".join(chr(rng.choice(kinds)(rng)) for _ in range(length))


def random_integer(rng, bits, signed):
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    return rng.choice([low, high, 0, 1, rng.randint(low, high), rng.randint(low, high)])


def random_float(rng, bits):
    """As bits."""
    exponent = {32: 0x7F800000, 64: 0x7FF0000000000000}[bits]
    sign = rng.choice([0, 1 << bits - 1])
    quiet = (exponent & -exponent) >> 1
    nan = exponent | rng.choice([1, quiet, rng.randint(1, 2 * quiet - 1)])
    return sign | rng.choice([0, exponent, nan, nan, 1, rng.randint(0, exponent), rng.randint(0, exponent)])


def is_nan(value, bits):
    exponent = {32: 0x7F800000, 64: 0x7FF0000000000000}[bits]
    return value & ((1 << bits - 1) - 1) > exponent


def random_value(rng, t):
    """bool, int, bits of floats, code points, str, lists of fields, elements or pairs, (case, payload), a resource's rep."""
    if t.kind == "bool":
        return rng.random() < 0.5
    if t.kind in INTEGERS:
        size, signed = INTEGERS[t.kind]
        return random_integer(rng, 8 * size, signed)
    if t.kind in ("f32", "f64"):
        return random_float(rng, int(t.kind[1:]))
    if t.kind == "char":
        return rng.choice(CHARACTERS)(rng)
    if t.kind == "string":
        return random_string(rng)
    if t.kind in ("own", "borrow"):
        return rng.randint(1, 1 << 30)
    if t.kind == "flags":
        return rng.choice([0, (1 << t.count) - 1, rng.randint(0, (1 << t.count) - 1)])
    if t.kind == "map":
        keys = {}
        for _ in range(rng.randint(0, 3)):
            key = random_value(rng, t.parts[0])
            keys[key] = random_value(rng, t.parts[1])
        return [[key, value] for key, value in keys.items()]
    if t.kind == "list":
        # Long ones where elements are small: copies in bulk.
        is_small = not t.parts[0].parts and t.parts[0].kind != "string"
        return [random_value(rng, t.parts[0])
                for _ in range(rng.choice([0, 1, 2, 3, 3, 5, rng.randint(5, 300) if is_small else 4]))]
    if t.cases() is not None:
        case = rng.randrange(len(t.cases()))
        payload = t.cases()[case]
        return case, random_value(rng, payload) if payload else None
    return [random_value(rng, field) for field in t.fields()]


# --- bytes of a value that is to be read ---

class Memory:
    """The static part of a side's memory: values and programs, from `base` on."""

    def __init__(self, side, base, rng):
        self.side, self.base, self.rng = side, base, rng
        self.data = bytearray()
        self.handles = []  # (address, rep, kind): handles are known only when the code runs

    def allocate(self, size, alignment):
        address = align_up(self.base + len(self.data), alignment)
        self.data += self.rng.randbytes(address + size - self.base - len(self.data))
        return address

    def put(self, address, data):
        at = address - self.base
        self.data[at:at + len(data)] = data

    def put_int(self, address, value, size):
        self.put(address, (value & ((1 << 8 * size) - 1)).to_bytes(size, "little"))

    def store(self, t, value, address):
        side = self.side
        if t.kind == "bool":
            # Any byte but 0 is true.
            self.put_int(address, self.rng.choice([1, 1, 2, 0x80, 0xFF]) if value else 0, 1)
        elif t.kind in INTEGERS:
            self.put_int(address, value, INTEGERS[t.kind][0])
        elif t.kind in ("f32", "char"):
            self.put_int(address, value, 4)
        elif t.kind == "f64":
            self.put_int(address, value, 8)
        elif t.kind in ("own", "borrow"):
            self.handles.append((address, value, t.kind))
        elif t.kind == "flags":
            size = flags_size(t.count)
            garbage = self.rng.getrandbits(8 * size) & ~((1 << t.count) - 1)  # labels that do not exist
            self.put_int(address, value | garbage, size)
        elif t.kind == "string" or t.element():
            pointer, length = self.range(t, value)
            self.put_int(address, pointer, side.pointer_size)
            self.put_int(address + side.pointer_size, length, side.pointer_size)
        elif t.cases() is not None:
            case, payload = value
            self.put_int(address, case, discriminant_size(t.cases()))
            if t.cases()[case]:
                self.store(t.cases()[case], payload, address + side.payload_offset(t.cases()))
        else:
            for field, part, offset in zip(t.fields(), value, side.field_offsets(t)):
                self.store(field, part, address + offset)

    def range(self, t, value):
        """A string or list somewhere in memory: pointer and length."""
        if t.kind == "string":
            data, length, alignment = self.side.encode(value, self.rng)
            address = self.allocate(len(data), alignment)
            self.put(address, data)
            return address, length
        element = t.element()
        size, alignment = self.side.layout(element)
        address = self.allocate(size * len(value), alignment)
        for i, part in enumerate(value):
            self.store(element, part, address + i * size)
        return address, len(value)

    def flat_values(self, t, value):
        """Pairs (core type, what computes it): an int, or ("own" or "borrow", rep). With random bits where none count."""
        rng, side = self.rng, self.side
        if t.kind == "bool":
            return [("i32", rng.choice([1, 2, 0x100, 0xFFFFFFFF]) if value else 0)]
        if t.kind in INTEGERS:
            size, _ = INTEGERS[t.kind]
            if size == 8:
                return [("i64", value & (1 << 64) - 1)]
            # The upper bits of small integers do not count.
            return [("i32", value & (1 << 8 * size) - 1 | rng.getrandbits(32) & ~((1 << 8 * size) - 1))]
        if t.kind in ("f32", "f64"):
            return [(t.kind, value)]
        if t.kind == "char":
            return [("i32", value)]
        if t.kind in ("own", "borrow"):
            return [("i32", (t.kind, value))]
        if t.kind == "flags":
            return [("i32", value | rng.getrandbits(32) & ~((1 << t.count) - 1))]
        if t.kind == "string" or t.element():
            return [(side.pointer, part) for part in self.range(t, value)]
        if t.cases() is not None:
            case, payload = value
            have = self.flat_values(t.cases()[case], payload) if t.cases()[case] else []
            out = [("i32", case)]
            for i, want in enumerate(side.flat_payload(t.cases())):
                if i >= len(have):
                    out.append((want, rng.getrandbits(32 if want in ("i32", "f32") else 64)))
                elif have[i][0] in ("i32", "f32") and want == "i64":
                    part = have[i][1]
                    out.append((want, part if isinstance(part, tuple) else part | rng.getrandbits(32) << 32))
                else:
                    out.append((want, have[i][1]))
            return out
        return [flat for field, part in zip(t.fields(), value) for flat in self.flat_values(field, part)]


# --- what a value must look like where it arrives ---

END, BYTES, NAN32, NAN64, RANGE, HANDLE = range(6)  # operations of the comparing program (fuzz_wat.py)


def words(*numbers):
    return b"".join(struct.pack("<I", n & 0xFFFFFFFF) for n in numbers)


class Program:
    """Compares memory with a value: operations on offsets from a base address. Padding is left out."""

    def __init__(self, side):
        self.side = side
        self.code = bytearray()
        self.pending = None  # bytes that follow each other are compared at once: [offset, data]

    def bytes(self, offset, data):
        if self.pending and self.pending[0] + len(self.pending[1]) == offset:
            self.pending[1] += data
            return
        self.flush()
        self.pending = [offset, bytearray(data)]

    def flush(self):
        if self.pending:
            offset, data = self.pending
            self.code += words(BYTES, offset, len(data)) + data + bytes(-len(data) % 4)
            self.pending = None

    def integer(self, offset, value, size):
        self.bytes(offset, (value & (1 << 8 * size) - 1).to_bytes(size, "little"))

    def end(self):
        self.flush()
        self.code += words(END)
        return bytes(self.code)

    def range(self, offset, t, value):
        self.flush()
        length, alignment, inner = range_program(self.side, t, value)
        self.code += words(RANGE, offset, length, length >> 32, alignment, len(inner)) + inner

    def value(self, offset, t, value):
        side = self.side
        if t.kind == "bool":
            self.integer(offset, int(value), 1)
        elif t.kind in INTEGERS:
            self.integer(offset, value, INTEGERS[t.kind][0])
        elif t.kind in ("f32", "f64"):
            bits = int(t.kind[1:])
            if is_nan(value, bits):
                self.flush()
                self.code += words(NAN32 if bits == 32 else NAN64, offset)
            else:
                self.integer(offset, value, bits // 8)
        elif t.kind == "char":
            self.integer(offset, value, 4)
        elif t.kind in ("own", "borrow"):
            self.flush()
            self.code += words(HANDLE, offset, value)
        elif t.kind == "flags":
            self.integer(offset, value, flags_size(t.count))
        elif t.kind == "string" or t.element():
            self.range(offset, t, value)
        elif t.cases() is not None:
            case, payload = value
            self.integer(offset, case, discriminant_size(t.cases()))
            if t.cases()[case]:
                self.value(offset + side.payload_offset(t.cases()), t.cases()[case], payload)
        else:
            for field, part, at in zip(t.fields(), value, side.field_offsets(t)):
                self.value(offset + at, field, part)


def range_program(side, t, value):
    """Of a string or list: its length, alignment, and the program for what it points to."""
    inner = Program(side)
    if t.kind == "string":
        data, length, alignment = side.encode(value)
        if data:
            inner.bytes(0, data)
    else:
        size, alignment = side.layout(t.element())
        length = len(value)
        for i, part in enumerate(value):
            inner.value(i * size, t.element(), part)
    return length, alignment, inner.end()


def flat_checks(side, t, value):
    """(core type, kind of check, what it wants), for each core value: "is" and bits, "nan", "handle" and a rep, "range"
    and (type, value), which covers the length behind it ("length") too."""
    if t.kind == "bool":
        return [("i32", "is", int(value))]
    if t.kind in INTEGERS:
        core = "i64" if INTEGERS[t.kind][0] == 8 else "i32"
        return [(core, "is", value & (1 << int(core[1:])) - 1)]
    if t.kind in ("f32", "f64"):
        return [(t.kind, "nan", None) if is_nan(value, int(t.kind[1:])) else (t.kind, "is", value)]
    if t.kind in ("own", "borrow"):
        return [("i32", "handle", value)]
    if t.kind in ("char", "flags"):
        return [("i32", "is", value)]
    if t.kind == "string" or t.element():
        return [(side.pointer, "range", (t, value)), (side.pointer, "length", None)]
    if t.cases() is not None:
        case, payload = value
        have = flat_checks(side, t.cases()[case], payload) if t.cases()[case] else []
        out = [("i32", "is", case)]
        for i, want in enumerate(side.flat_payload(t.cases())):
            if i >= len(have):
                out.append((want, "is", 0))
            else:
                # The fourth part is the type that it had before it was joined.
                out.append((want, *have[i][1:3], have[i][3] if len(have[i]) == 4 else have[i][0]))
        return out
    return [check for field, part in zip(t.fields(), value) for check in flat_checks(side, field, part)]


def total_flat(side, types):
    return sum(len(side.flat(t)) for t in types)


def is_sensible(t):
    """Not too large for the static memory, nor for readers."""
    size, _ = Side(8, "utf8").layout(t)
    return size <= 1500 and len(Side(8, "utf8").flat(t)) <= 200 and not math.isinf(size)
