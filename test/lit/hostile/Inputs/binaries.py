"""Writes components that lie or go too far, one file each:

    binaries.py FOLDER
"""
import pathlib
import sys

PREAMBLE = b"\0asm\x0d\0\1\0"
U8 = b"\x7d"


def leb(n):
    out = b""
    while True:
        low, n = n & 0x7F, n >> 7
        if n == 0:
            return out + bytes([low])
        out += bytes([low | 0x80])


def s33(n):  # a type index where a value type is expected
    out = b""
    while True:
        low, n = n & 0x7F, n >> 7
        if n == 0 and low < 0x40:
            return out + bytes([low])
        out += bytes([low | 0x80])


def section(number, body):
    return bytes([number]) + leb(len(body)) + body


def vec(items):
    return leb(len(items)) + b"".join(items)


def name(text):
    return leb(len(text)) + text


def types(*items):
    return PREAMBLE + section(7, vec(items))


def labels(count):
    return b"".join(name(b"a%d" % i) for i in range(count))


def nested(depth):
    component = PREAMBLE
    for _ in range(depth):
        component = PREAMBLE + section(4, component)
    return component


def nested_types(depth):
    item = b"\x40\0\1\0"
    for _ in range(depth):
        item = b"\x42" + leb(1) + b"\x01" + item
    return item


FILES = {
    # Lengths that lie.
    "section-length": PREAMBLE + b"\x07" + leb(0xFFFFFFFF) + b"\x01\x70\x7d",
    "vector-length": PREAMBLE + section(7, leb(0xFFFFFFFF) + b"\x70\x7d"),
    "vector-short": PREAMBLE + section(7, leb(3) + b"\x70\x7d"),
    "vector-long": PREAMBLE + section(7, leb(1) + b"\x70\x7d\x70\x7d"),
    "name-length": types(b"\x72\x01" + leb(0xFFFFFFFF) + b"ab\x7d"),
    "label-count": types(b"\x6e" + leb(500_000_000) + name(b"a")),
    "core-section": PREAMBLE + section(1, b"\0asm\1\0\0\0\x01" + leb(0xFFFFFFF) + b"\0"),
    "leb-too-long": PREAMBLE + b"\x07" + b"\x80" * 10 + b"\0",
    "index-huge": PREAMBLE + section(6, vec([b"\x03\x00" + leb(0xFFFFFFFF) + name(b"a")])),
    "outer-alias": PREAMBLE + section(6, vec([b"\x03\x02" + leb(0xFFFFFFFF) + leb(0xFFFFFFFF)])),
    # Types in themselves, in the later ones, and in each other.
    "self-reference": types(b"\x70\0"),
    "forward-reference": types(b"\x70\1", b"\x70\x7d"),
    "type-chain": types(b"\x70" + U8, *[b"\x70" + s33(i) for i in range(100_000)]),
    "type-doubling": types(b"\x6f\x02" + U8 + U8, *[b"\x6f\x02" + s33(i) * 2 for i in range(200)]),
    "nested-components": nested(3000),
    "nested-types": types(nested_types(20_000)),
    # Very many of a thing.
    "million-types": types(*[b"\x70" + U8] * 1_000_000),
    "million-one-types": types(*[b"\x70" + U8] * 1_000_001),
    "parameters": types(b"\x40" + leb(500_000) + b"".join(name(b"a%d" % i) + U8 for i in range(500_000)) + b"\1\0"),
    "exports": types(U8) + section(11, vec([b"\0" + name(b"a%d" % i) + b"\x03\0\0" for i in range(100_000)])),
    "fixed-list": types(b"\x67" + U8 + leb(0xFFFFFFFF), b"\x67\0" + leb(0xFFFFFFFF)),
}

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for number, (file, content) in enumerate(FILES.items()):
    (folder / f"{number:02}-{file}.wasm").write_bytes(content)
