"""Checks who includes whom: the folders' direction of docs/design.md, and that LLVM stays behind its seam.

    check_includes.py [FOLDER]        prints a line for each include that goes the wrong way; status 1 if there is any

A row of ALLOWED is a folder and what it may include, itself aside. Tables (.def) may be expanded everywhere: they are words,
not code. The program and the tests may include everything.
"""
import pathlib
import re
import sys

ALLOWED = {
    "base": [],
    "frontend": ["base"],
    "scheduler": ["base"],
    "ir": ["base", "frontend"],
    "jit": ["base", "frontend", "ir"],
    "abi": ["base", "frontend", "ir", "jit", "scheduler"],
    "wasi": ["base", "frontend", "ir", "jit", "scheduler", "abi"],
    "include": [],
}
LLVM_FILES = re.compile(r"ir/[^/]+|jit/orc_[^/]+|abi/adapter_[^/]+")
# Shared with the run time, so without LLVM although they stand among files that have it.
LLVM_FREE = {"ir/vmctx.h", "ir/vmctx.cpp", "ir/signature.h", "ir/signature.cpp"}
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def check(root):
    wrong = []
    for folder, allowed in ALLOWED.items():
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in (".h", ".cpp", ".c", ".S", ".inc", ".def"):
                continue
            name = path.relative_to(root).as_posix()
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                match = INCLUDE.match(line)
                if not match:
                    continue
                target = match.group(2)
                first = target.split("/")[0]
                if first in ("llvm", "llvm-c", "clang"):
                    if not LLVM_FILES.fullmatch(name) or name in LLVM_FREE:
                        wrong.append(f"{name}:{number}: {target}: LLVM is for ir/, jit/orc_* and abi/adapter_* only")
                elif match.group(1) == '"' and first != folder and "/" in target and not target.endswith(".def"):
                    if first not in allowed:
                        wrong.append(f"{name}:{number}: {target}: {folder} may not include {first}")
    return wrong


if __name__ == "__main__":
    wrong = check(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2]))
    print("\n".join(wrong) if wrong else "includes: all in the right direction")
    sys.exit(1 if wrong else 0)
