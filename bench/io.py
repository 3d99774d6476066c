#!/usr/bin/env python3
"""Host I/O: ours, Wasmtime and a native program in one run, with ratios and their goals. Loopback only.

    bench/io.py [--build build/release] [--wasmtime PATH] [--rounds N] [--seconds S] [--connections N,N…] [--mib N]
                [--timers N,N…] [streams] [random] [timers] [tcp] [udp] [backends]

All of it takes some ten minutes; `bench/io.py --rounds 1 --seconds 0.5 --mib 128 --timers 1000,100000` one or two. Figures are the
best of `--rounds` rounds (3), in which the programs take turns, so that what else the machine does hits all of them. Beside each
stands the processor's time (user and system), which other load changes less; the last columns compare those: the peer's beside ours,
so that more is better, as in the other ratios. Where there are more programs that run than processors, believe only these.

tcp       an echo server with 1, 100 and 10,000 connections that all keep one request of 64 bytes under way: requests a second
          (the server's microseconds for each), and memory a connection (resident, all connections open, less what the server
          has with one)
udp       an echo server with 1 and 16 datagrams of 64 bytes under way: answers a second (likewise)
backends  streams, random, tcp and udp of ours with io_uring beside epoll
streams   MiB (default 1024) from stdin to stdout and from file to file, in the page cache: through a guest that hands the stream
          on, and through one that adds up all bytes; beside `cat`. MiB a second (the program's milliseconds of processor time);
          the last two columns are without what the engine takes for an empty input, which is in the first row
random    reads of 4 KiB at random places of a file of 256 MiB, 64 at a time; beside preads one after the other and in 64 threads
timers    many at once, ends spread over some seconds: bytes for each (largest resident size, less that with one timer), the
          processor's time for each (likewise), how late they are, median and 99th percentile

The guests are test/guests/c-net.wasm and c-io.wasm under both engines; native are bench/echo.c (wjit_echo), the clients as well,
bench/reads.c (wjit_reads) and cat.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
GUEST = ROOT / "test" / "guests" / "c-net.wasm"
STREAMS = ROOT / "test" / "guests" / "c-io.wasm"
BYTES = 64
CHUNK = 128 << 10  # bytes that a guest which touches reads and writes at once: as `cat` does
GOALS = {"wasmtime": 3, "native": 0.6}  # of sockets


class Server:
    """A server process: (name, command without the mode)."""

    def __init__(self, command):
        self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        self.timer = threading.Timer(300, self.process.kill)
        self.timer.start()
        self.port = self.process.stdout.readline().split()[1]

    def resident(self):
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024

    def cpu_seconds(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.timer.cancel()
        self.process.kill()
        self.process.wait()


def servers(options, mode):
    """Rows (name, command)."""
    wjit = [options.build / "wjit", "run", "--net"]
    mode += "-server"
    rows = [("wjit", wjit + [GUEST, mode, "0"])]
    if "backends" in options.parts:
        rows.append(("wjit, epoll", wjit + ["--io", "epoll", GUEST, mode, "0"]))
    if options.wasmtime:
        rows.append(("wasmtime", [options.wasmtime, "run", "-S", "inherit-network", GUEST, mode, "0"]))
    rows.append(("native", [options.build / "wjit_echo", mode]))
    return rows


def load(options, server, mode, *words):
    """Requests a second, the server's microseconds for each, and the bytes that it has resident while the clients are
    still there."""
    before = server.cpu_seconds()
    command = [options.build / "wjit_echo", mode, server.port, *[str(word) for word in words]]
    client = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    line = client.stdout.readline()
    resident, after = server.resident(), server.cpu_seconds()
    client.communicate("\n")
    if not line.strip():
        return None, None, resident
    rate, answers = line.split()
    if int(answers) == 0:
        return None, None, resident
    return float(rate), (after - before) * 1e6 / int(answers), resident


def row(title, results, goals, times=None, unit="us"):
    """results: by name; goals: of ours beside each of these names; times: the processor's, by name."""
    cells = [f"{results[name]:,.0f}" if results.get(name) is not None else "fails" for name in results]
    if times:
        cells = [f"{cell} ({times[name]:.1f} {unit})" if times.get(name) else cell for cell, name in zip(cells, results)]
    for name in goals:
        good = results.get("wjit") is not None and results.get(name)
        cells.append(f"{results['wjit'] / results[name]:.2f}" if good else "-")
    for name in goals if times else ():
        good = times.get("wjit") and times.get(name)
        cells.append(f"{times[name] / times['wjit']:.2f}" if good else "-")
    print(f"| {title} | " + " | ".join(cells) + " |", flush=True)


def head(title, names, goals, more=()):
    def with_goal(name):
        return f" wjit / {name}" + (f", goal {goals[name]}" if goals[name] else "")
    print(f"\n## {title}\n")
    print("| |" + "".join(f" {name} |" for name in names) + "".join(with_goal(name) + " |" for name in goals) +
          "".join(f" {name} |" for name in more))
    print("|---|" + "---|" * (len(names) + len(goals) + len(more)))


def processor_of(goals):
    """The heads of row's last columns, where it gets times."""
    return [f"processor: {name} / wjit" for name in goals]


def among(goals, names):
    return {name: goal for name, goal in goals.items() if name in names}


def echo(options, rows, mode, first, *words):
    """Best rate, its server's time for a request, and least memory beyond that with one client, each by name."""
    rates, times, memory = {}, {}, {}
    for _ in range(options.rounds):
        for name, command in rows:
            with Server(command) as server:
                _, _, base = load(options, server, mode, *first)
                rate, time_each, resident = load(options, server, mode, *words)
                if rate is not None and rate > rates.get(name, 0):
                    rates[name], times[name] = rate, time_each
                memory[name] = min(memory.get(name, 1 << 60), max(resident - base, 0))
    return {name: rates.get(name) for name, _ in rows}, times, memory


def tcp(options):
    rows = servers(options, "tcp")
    names = [name for name, _ in rows]
    goals = among(GOALS, names)
    head(f"TCP echo, {BYTES} bytes: requests a second", names, goals, processor_of(goals))
    memory = {}
    for connections in options.connections:
        rates, times, more = echo(options, rows, "tcp-load", (1, BYTES, 0.3), connections, BYTES, options.seconds)
        if connections >= 100:
            memory[connections] = {name: more[name] / connections for name in names}
        row(f"{connections:,} connections", rates, goals, times)
    if memory:
        goals = {name: None for name in goals if name != "native"}
        head("TCP echo: bytes a connection", names, goals)
        for connections, bytes_each in memory.items():
            row(f"{connections:,} connections", bytes_each, goals)


def udp(options):
    rows = servers(options, "udp")
    names = [name for name, _ in rows]
    goals = among(GOALS, names)
    head(f"UDP echo, {BYTES} bytes: answers a second", names, goals, processor_of(goals))
    for window in (1, 16):
        rates, times, _ = echo(options, rows, "udp-load", (1, BYTES, 0.3), window, BYTES, options.seconds)
        row(f"{window} under way", rates, goals, times)


def engines(options):
    """Rows (name, command up to the guest); with the present folder."""
    rows = [("wjit", [options.build / "wjit", "run", "--dir", "."])]
    if "backends" in options.parts:
        rows.append(("wjit, epoll", [options.build / "wjit", "run", "--io", "epoll", "--dir", "."]))
    if options.wasmtime:
        rows.append(("wasmtime", [options.wasmtime, "run", "--dir", "."]))
    return rows


def run(commands, which, folder, stdin, stdout):
    """A pipeline: seconds, and those of the processor for the `which`th program; None where one of it fails. `stdin` and
    `stdout` are files in the folder, or /dev/null."""
    processes = []
    with open(folder / stdin, "rb") as first, open(folder / stdout, "wb") as last:
        begin = time.monotonic()
        for i, command in enumerate(commands):
            end = i + 1 == len(commands)
            processes.append(subprocess.Popen([str(word) for word in command], cwd=folder, stderr=subprocess.DEVNULL,
                                              stdin=processes[-1].stdout if processes else first,
                                              stdout=last if end else subprocess.PIPE))
            if i:
                processes[-2].stdout.close()
        ended = []
        for process in processes:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = status
            ended.append((status, usage.ru_utime + usage.ru_stime))
        taken = time.monotonic() - begin
    return (taken, ended[which][1]) if all(status == 0 for status, _ in ended) else None


def best_of(options, commands_of, which, folder, stdin, stdout):
    """commands_of: by name. Least seconds, and least of the processor, by name."""
    best = {}
    for _ in range(options.rounds):
        for name, commands in commands_of.items():
            if figures := run(commands, which, folder, stdin, stdout):
                best[name] = tuple(map(min, figures, best.get(name, figures)))
    return best


def streams(options):
    rows = engines(options)
    names = [name for name, _ in rows] + ["cat"]
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        with open(folder / "from", "wb") as file:
            for _ in range(options.mib):
                file.write(os.urandom(1 << 10) * (1 << 10))
        ways = {  # (before, after, stdin, stdout)
            "file to pipe": ([], [["cat"]], "from", os.devnull),
            "pipe to pipe": ([["cat"]], [["cat"]], "from", os.devnull),
            "pipe to file": ([["cat"]], [], "from", "to"),
            "file to file": ([], [], "from", "to"),
            "file to /dev/null": ([], [], "from", os.devnull),
        }
        for word, title, goal in (("forward", "handed on", 1.0), ("touch", "touched", 0.8)):
            goals = among({"wasmtime": None, "cat": goal}, names)
            head(f"{options.mib} MiB {title}: MiB a second", names, goals,
                 ["without start: wjit / cat", "processor: cat / wjit"])
            chunk = [] if word == "forward" else [CHUNK]
            commands = {name: [command + [STREAMS, word] + chunk] for name, command in rows} | {"cat": [["cat"]]}
            start = best_of(options, commands, 0, folder, os.devnull, os.devnull)
            print("| empty input, ms | " + " | ".join(f"{start[name][0] * 1000:.0f} ({start[name][1] * 1000:.0f} ms)"
                                                      for name in names) + " |" + " |" * (len(goals) + 2), flush=True)

            def measure(way, commands, which, stdin, stdout):
                best = best_of(options, commands, which, folder, stdin, stdout)
                rates = {name: options.mib / best[name][0] if name in best else None for name in names}
                cells = [f"{rates[name]:,.0f} ({best[name][1] * 1000:.0f} ms)" if name in best else "fails" for name in names]
                cells += [f"{rates['wjit'] / rates[name]:.2f}" if rates["wjit"] and rates[name] else "-" for name in goals]
                for figure in (0, 1):
                    ours, theirs = ((best[name][figure] - start[name][figure] if name in best else 0) for name in ("wjit", "cat"))
                    cells.append(f"{theirs / ours:.2f}" if ours > 0 and theirs > 0 else "-")
                print(f"| {way} | " + " | ".join(cells) + " |", flush=True)

            for way, (before, after, stdin, stdout) in ways.items():
                measure(way, {name: before + command + after for name, command in commands.items()}, len(before), stdin, stdout)
            guest = ["copy" if word == "forward" else "copy-touch", "from", "to"] + chunk
            copies = {name: [command + [STREAMS] + guest] for name, command in rows} | {"cat": [["cp", "from", "to"]]}
            measure("file to file by wasi:filesystem, beside `cp`", copies, 0, os.devnull, os.devnull)


def random(options):
    count = 200_000
    rows = [(name, command + [STREAMS, "random", "blocks", 64, count]) for name, command in engines(options)]
    rows += [("preads", [options.build / "wjit_reads", "blocks", count, 1]),
             ("preads of 64 threads", [options.build / "wjit_reads", "blocks", count, 64])]
    names = [name for name, _ in rows]
    goals = among({"wasmtime": None, "preads": 0.5, "preads of 64 threads": 0.5}, names)
    head("Reads of 4 KiB a second (microseconds of the processor for each, engines with their start)", names, goals,
         processor_of(goals))
    with tempfile.TemporaryDirectory() as folder:
        with open(pathlib.Path(folder) / "blocks", "wb") as file:
            for _ in range(256):
                file.write(os.urandom(1 << 20))
        rates, times = dict.fromkeys(names), {}
        for _ in range(options.rounds):
            for name, command in rows:
                process = subprocess.Popen([str(word) for word in command], cwd=folder, stdout=subprocess.PIPE,
                                           stderr=subprocess.DEVNULL, text=True)
                words = process.stdout.read().split()
                _, process.returncode, usage = os.wait4(process.pid, 0)
                if process.returncode == 0 and words:
                    microseconds = words[-2] if len(words) > 1 else words[0]
                    each = (usage.ru_utime + usage.ru_stime) * 1e6 / count
                    rates[name] = max(rates[name] or 0, count * 1e6 / float(microseconds))
                    times[name] = min(times.get(name, each), each)
        row("64 at a time", rates, goals, times)


def timers(options):
    rows = engines(options)
    print("\n## Timers\n\n| | " + " | ".join(f"{name}: bytes each, us each, late p50, p99 (us)" for name, _ in rows) + " |")
    print("|---|" + "---|" * len(rows))
    for count in options.timers:
        best = {}
        for _ in range(options.rounds):
            for name, command in rows:
                largest, times = [], []
                for number in (1, count):
                    # Ends begin when the last one has been begun, and are spread so that 100,000 come in a second.
                    words = command + [STREAMS, "timers", number, max(count // 100, 500), max(count // 100, 500)]
                    process = subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE,
                                               stderr=subprocess.DEVNULL, text=True)
                    said = process.stdout.read().replace(",", "").split()
                    _, status, usage = os.wait4(process.pid, 0)
                    process.returncode = status
                    largest.append(usage.ru_maxrss * 1024)
                    times.append(usage.ru_utime + usage.ru_stime)
                if status == 0 and len(said) >= 15:
                    late = [int(said[said.index(word) + 1]) for word in ("p50", "p99")]
                    figures = ((largest[1] - largest[0]) / count, (times[1] - times[0]) * 1e6 / count, *late)
                    best[name] = tuple(map(min, figures, best.get(name, figures)))
        cells = ["{:,.0f}, {:.1f}, {}, {}".format(*best[name]) if name in best else "fails" for name, _ in rows]
        print(f"| {count:,} | " + " | ".join(cells) + " |", flush=True)


PARTS = {"streams": streams, "random": random, "timers": timers, "tcp": tcp, "udp": udp}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--wasmtime", default=shutil.which("wasmtime"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--connections", type=lambda text: [int(n) for n in text.split(",")], default=[1, 100, 10_000])
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--timers", type=lambda text: [int(n) for n in text.split(",")], default=[1000, 100_000, 1_000_000])
    options = parser.parse_args()
    options.build = options.build.resolve()
    for part in options.parts:
        if part not in PARTS and part != "backends":
            parser.error(f"unknown part {part}; there are {', '.join(PARTS)}, backends")
    for part in PARTS:
        if part in options.parts or not set(options.parts) & set(PARTS):
            PARTS[part](options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
