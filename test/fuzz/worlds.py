#!/usr/bin/env python3
"""Random worlds against the Canonical ABI: values pass between two components, and each side compares every byte.

    test/fuzz/worlds.py --seed N --count M --wjit build/release/wjit [--wasmtime PATH] [--encodings all] [--keep FOLDER]
    test/fuzz/worlds.py --world 7/123 --print        # the text of one world

A world is a random function type, random values, and two components. A has the parameters in its memory, laid out here
(fuzz_values.py, which knows nothing of wjit's own layout code), and calls B.f; B compares what arrives in registers and
memory with what the specification says, and returns a value, which A compares in turn. Or the values go through a
stream<T> or future<T>. Each side has its own memory (32 or 64 bits wide), string encoding, and way to call or be called:
sync, async with callback, stackful. The comparison is a small program in each side's memory (fuzz_wat.py).

Many worlds make one file; `run` gives the number of failed ones (0). Where it does not, the worlds run one by one and
the failing ones are listed with the command that shows them. Numbers above 2**32 in `run`'s result: (failed << 32) | first.
World i of seed N depends on N and i only. `test/run.py worlds` runs a few. Status 0: all agree; 1: something is wrong. Standard library only.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fuzz_wat  # noqa: E402

WASMTIME_FLAGS = ("component-model-async,component-model-async-stackful,component-model-more-async-builtins,"
                  "component-model-map,component-model-fixed-length-lists,component-model-memory64,memory64")


class Engine:
    def __init__(self, name, command, timeout, leaves_out=lambda world: False):
        self.name, self.command, self.timeout, self.leaves_out = name, command, timeout, leaves_out

    def run(self, path):
        """'' when all worlds of the file agree, else what happened."""
        try:
            done = subprocess.run(self.command + [str(path)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  timeout=self.timeout)
        except subprocess.TimeoutExpired:
            return f"no end within {self.timeout} s"
        if done.returncode == 0 and done.stdout.strip() == "0":
            return ""
        lines = (done.stderr.strip() or f"run gives {done.stdout.strip()}").splitlines()
        return f"status {done.returncode}: {' '.join(lines)[:600]}"


def has_memory64(world):
    """Wasmtime 49 gives async built-ins 32-bit addresses whatever the memory, and some adapters do not compile."""
    return 8 in (world.a.pointer_size, world.b.pointer_size)


def check(engine, worlds, folder, options, failures):
    """Runs a batch; where something is wrong, halves it until the worlds to blame are alone."""
    path = folder / f"{engine.name}-{worlds[0].name.replace('/', '-')}-{len(worlds)}.wat"
    path.write_text(fuzz_wat.file_text(worlds))
    problem = engine.run(path)
    if not options.keep:
        path.unlink()
    if not problem:
        return
    if len(worlds) == 1:
        failures.append((engine.name, worlds[0], problem))
        print(f"FAIL {engine.name} world {worlds[0].name} ({worlds[0].describe()}): {problem}", flush=True)
        return
    if len(failures) >= options.max_failures:
        return
    before = len(failures)
    middle = len(worlds) // 2
    check(engine, worlds[:middle], folder, options, failures)
    check(engine, worlds[middle:], folder, options, failures)
    if len(failures) == before:
        failures.append((engine.name, worlds[0], problem))
        print(f"FAIL {engine.name} worlds {worlds[0].name} to {worlds[-1].name} together, not alone: {problem}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=100, help="worlds")
    parser.add_argument("--first", type=int, default=0, help="number of the first world")
    parser.add_argument("--batch", type=int, default=50, help="worlds in a file")
    parser.add_argument("--world", help="only this one: SEED/NUMBER")
    parser.add_argument("--print", action="store_true", help="print the text and run nothing")
    parser.add_argument("--wjit", type=pathlib.Path, help="the wjit command")
    parser.add_argument("--wasmtime", type=pathlib.Path, help="a Wasmtime to compare with; left out where it is absent")
    parser.add_argument("--encodings", choices=("utf8", "all"), default="all", help="string encodings of the sides")
    parser.add_argument("--memory", choices=("32", "64", "all"), default="all", help="address types of the sides")
    parser.add_argument("--broken", action="store_true", help="each side expects other values: nearly all must fail")
    parser.add_argument("--timeout", type=int, default=60, help="seconds for each file")
    parser.add_argument("--keep", type=pathlib.Path, help="a folder for the files, which then stay")
    parser.add_argument("--max-failures", type=int, default=20)
    options = parser.parse_args()
    make = lambda seed, number: fuzz_wat.World(seed, number, options.encodings == "all", options.memory, options.broken)
    if options.world:
        seed, number = map(int, options.world.split("/"))
        worlds = [make(seed, number)]
    else:
        worlds = [make(options.seed, n) for n in range(options.first, options.first + options.count)]
    if options.print:
        print(fuzz_wat.file_text(worlds))
        return 0
    engines = []
    if options.wjit:
        engines.append(Engine("wjit", [str(options.wjit), "run", "--invoke", "run()"], options.timeout))
    if options.wasmtime and options.wasmtime.exists():
        engines.append(Engine("wasmtime", [str(options.wasmtime), "run", "-W", WASMTIME_FLAGS, "--invoke", "run()"],
                              options.timeout, has_memory64))
    elif options.wasmtime:
        print(f"skipped: there is no {options.wasmtime}")
    failures = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for engine in engines:
            since = time.monotonic()
            todo = [world for world in worlds if not engine.leaves_out(world)]
            for start in range(0, len(todo), options.batch):
                check(engine, todo[start:start + options.batch], folder, options, failures)
                if len(failures) >= options.max_failures:
                    print("too many failures")
                    break
            failed = sum(1 for name, _, _ in failures if name == engine.name)
            left_out = f", {len(worlds) - len(todo)} left out" if len(todo) < len(worlds) else ""
            print(f"{engine.name}: {len(todo)} worlds, {failed} failed{left_out} ({time.monotonic() - since:.1f} s)",
                  flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
