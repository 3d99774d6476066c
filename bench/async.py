#!/usr/bin/env python3
"""The benchmark tables, with ratios against a limit or a peer in the same run.

    bench/async.py [--build build/release] [--shared ../shared] [--wasmtime PATH] [--runs N] [PART…]

calls    ../shared/bench/calls.wat: nanoseconds a call, (T(n2) - T(n1)) / (n2 - n1) so that start-up cancels out; beside a plain
         indirect C++ call
streams  ../shared/bench/streams.wat: bytes a second (futures: nanoseconds each); beside memcpy of 64 KiB chunks
tasks    ../shared/bench/tasks.wat: bytes a suspended task (peak memory, the guest's own 8 bytes taken off), nanoseconds a task
start    first run of the hello guest, nothing cached
workers  wjit_workers: independent stores on one and on two workers, calls and streams mixed
fibers   wjit_bench: switches and segments (Google Benchmark)

With a Wasmtime binary (`--wasmtime`, or in PATH) its figures stand beside. Times are medians of several runs.
"""
import argparse
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PEER_FLAGS = ["-W", "component-model-async,component-model-async-stackful,component-model-more-async-builtins"]


def once(command, stdin=subprocess.DEVNULL):
    """Seconds and peak kilobytes of one run; None where it fails."""
    begin = time.monotonic()
    process = subprocess.Popen([str(c) for c in command], stdin=stdin, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    return (time.monotonic() - begin, usage.ru_maxrss) if status == 0 else None


def median(runs, command):
    results = [once(command) for _ in range(runs)]
    if any(r is None for r in results):
        return None
    return statistics.median(r[0] for r in results), max(r[1] for r in results)


def engine_command(engine, export, n, file):
    name, path = engine
    return [path, "run"] + (PEER_FLAGS if name == "wasmtime" else []) + ["--invoke", f"{export}({n})", file]


def per_item(runs, engine, export, small, large, file):
    a = median(runs, engine_command(engine, export, small, file))
    b = median(runs, engine_command(engine, export, large, file))
    if a is None or b is None:
        return None
    return (b[0] - a[0]) * 1e9 / (large - small), (b[1] - a[1]) * 1024 / (large - small)


def steady(runs, engine, export, file, begin=20_000):
    """Nanoseconds of one item, with so many that they take half a second; None where the engine fails."""
    small = begin
    start = once(engine_command(engine, export, 1, file))
    while True:
        first = once(engine_command(engine, export, small, file))
        if first is None or start is None:
            return None
        if first[0] - start[0] > 0.15 or small > 1 << 33:
            break
        small *= 4
    result = per_item(runs, engine, export, small // 4, small * 3, file)
    return result[0] if result else None


def floor_of(options, name):
    """Nanoseconds of one iteration of a benchmark of wjit_bench."""
    output = subprocess.run([options.build / "wjit_bench", f"--benchmark_filter=^{name}$", "--benchmark_format=csv"],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    match = re.search(rf'^"{name}[^"]*",\d+,[\d.e+-]+,([\d.e+-]+),', output, re.M)
    return float(match.group(1)) if match else None


def show(value, unit):
    return f"{value:,.0f} {unit}" if value is not None and value >= 100 else f"{value:.1f} {unit}" if value is not None else "fails"


def calls(options, engines):
    floor = floor_of(options, "IndirectCall")
    print(f"\n## calls.wat: ns a call (a plain indirect C++ call: {show(floor, 'ns')})\n")
    print("| export |" + "".join(f" {name} |" for name, _ in engines) + " wjit / indirect call |" +
          (" wjit / wasmtime |" if len(engines) > 1 else ""))
    print("|---|" + "---|" * (len(engines) + (2 if len(engines) > 1 else 1)))
    for export in ["sync", "sync-to-callback", "async-callback", "async-stackful", "text", "suspend-callback", "suspend-stackful"]:
        row = [steady(options.runs, e, export, options.shared / "bench" / "calls.wat") for e in engines]
        cells = [show(r, "ns") for r in row]
        cells.append(f"{row[0] / floor:.1f}" if row[0] and floor else "-")
        if len(engines) > 1:
            cells.append(f"{row[0] / row[1]:.3f}" if row[0] and row[1] else "-")
        print(f"| {export} | " + " | ".join(cells) + " |", flush=True)


def streams(options, engines):
    floor = floor_of(options, "MemcpyChunk")
    limit = 65536 / floor if floor else None
    print(f"\n## streams.wat: GB a second (memcpy of 64 KiB chunks: {show(limit, 'GB/s')}); futures: ns\n")
    print("| export |" + "".join(f" {name} |" for name, _ in engines) + " wjit / memcpy |" +
          (" wjit / wasmtime |" if len(engines) > 1 else ""))
    print("|---|" + "---|" * (len(engines) + (2 if len(engines) > 1 else 1)))
    for export, size in (("bytes", 1), ("words", 4), ("records", 16), ("strings", 32), ("futures", 0)):
        row = [steady(options.runs, e, export, options.shared / "bench" / "streams.wat") for e in engines]
        figures = [r if size == 0 or r is None else size / r for r in row]
        cells = [show(f, "GB/s" if size else "ns") for f in figures]
        cells.append(f"{figures[0] / limit:.2f}" if size and figures[0] and limit else "-")
        if len(engines) > 1:
            cells.append(f"{figures[0] / figures[1]:.2f}" if figures[0] and figures[1] else "-")
        print(f"| {export} | " + " | ".join(cells) + " |", flush=True)


def tasks(options, engines):
    print("\n## tasks.wat: all suspended at once\n")
    print("| export | tasks |" + "".join(f" {name}: bytes a task | ns a task |" for name, _ in engines))
    print("|---|---|" + "---|---|" * len(engines))
    for export in ["callback", "stackful"]:
        for large in (20_000, 200_000, 1_000_000):
            cells = []
            for engine in engines:
                r = per_item(1, engine, export, large // 10, large, options.shared / "bench" / "tasks.wat")
                cells += [show(max(r[1] - 8, 0) if r else None, "B"), show(r[0] if r else None, "ns")]
            print(f"| {export} | {large:,} | " + " | ".join(cells) + " |", flush=True)


def start(options, engines):
    print("\n## hello, first run, nothing cached\n\n| engine | seconds | MiB |\n|---|---|---|")
    for name, path in engines:
        r = median(options.runs, [path, "run", ROOT / "examples" / "hello.wasm"])
        print(f"| {name} | {r[0]:.3f} | {r[1] / 1024:.0f} |" if r else f"| {name} | fails | |", flush=True)


def workers(options, engines):
    """The best of several passes; processor time tells what sharing costs where the machine has other work."""
    print("\n## stores on workers: calls and streams mixed\n\n| workers | seconds | of one worker | processor seconds |\n|---|---|---|---|")
    best = {}
    for _ in range(options.runs):
        output = subprocess.run([options.build / "wjit_workers", options.shared / "bench", "2", "8", "8"], stdout=subprocess.PIPE, text=True).stdout
        for count, seconds, processor in re.findall(r"(\d+) workers, \d+ stores: ([\d.]+) s, ([\d.]+) s", output):
            old = best.get(count, (1e9, 1e9))
            best[count] = min(old[0], float(seconds)), min(old[1], float(processor))
    for count, (seconds, processor) in best.items():
        print(f"| {count} | {seconds:.3f} | {best['1'][0] / seconds:.2f}x | {processor:.3f} |", flush=True)
    if len(best) < 2:
        print("| fails | | | |")


def fibers(options, engines):
    print("\n## fibers and segments\n", flush=True)
    subprocess.run([options.build / "wjit_bench", "--benchmark_min_time=0.2"])


PARTS = {"calls": calls, "streams": streams, "tasks": tasks, "start": start, "workers": workers, "fibers": fibers}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--shared", type=pathlib.Path, default=ROOT.parent / "shared")
    parser.add_argument("--wasmtime", default=shutil.which("wasmtime"))
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    for part in options.parts:
        if part not in PARTS:
            parser.error(f"unknown part {part}; there are {', '.join(PARTS)}")
    if not (options.shared / "bench").is_dir():
        print(f"skipped: {options.shared / 'bench'} is absent (calls, streams, tasks, workers)")
    engines = [("wjit", options.build / "wjit")] + ([("wasmtime", options.wasmtime)] if options.wasmtime else [])
    for part in options.parts or PARTS:
        if part in ("calls", "streams", "tasks", "workers") and not (options.shared / "bench").is_dir():
            continue
        PARTS[part](options, engines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
