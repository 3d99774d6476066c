#!/usr/bin/env python3
"""Host I/O: ours, Wasmtime and a native program in one run, with ratios. Loopback only; some minutes in all.

    bench/io.py [--build build/release] [--wasmtime PATH] [--seconds S] [--connections N,N…] [--mib N] [--timers N,N…]
                [streams] [random] [timers] [tcp] [udp] [backends]

tcp       an echo server with 1, 100 and 10,000 connections that all keep one request of 64 bytes under way: requests a second,
          and memory a connection (resident, all connections open, less what the server has with one)
udp       an echo server with 1 and 16 datagrams of 64 bytes under way: answers a second
backends  streams, tcp and udp of ours with io_uring beside epoll
streams   MiB (default 1024) from stdin to stdout and from file to file, in the page cache: through a guest that hands the stream
          on, and through one that adds up all bytes; beside `cat`. Best of three, in turns. MiB a second
random    reads of 4 KiB at random places of a file of 256 MiB, 64 at a time; beside preads one after the other
timers    many at once, ends spread over some seconds: bytes for each (largest resident size, less that with one timer), and
          how late they are, median and 99th percentile

The guests are test/guests/c-net.wasm and c-io.wasm under both engines; native are bench/echo.c (wjit_echo), the clients as well,
bench/reads.c (wjit_reads) and cat.
Beside each rate stands the server's own time for a request (user and system), which other load on the machine does not change.
Goals: sockets at least 3x Wasmtime, at least 0.6x the native server; streams handed on at least 1.0x cat, touched 0.8x.
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
    return float(rate), (after - before) * 1e6 / int(answers), resident


def row(title, results, ratio_of, times=None):
    """results: by name; ratio_of: the names that ours is compared with; times: microseconds by name."""
    cells = [f"{results[name]:,.0f}" if results.get(name) is not None else "fails" for name in results]
    if times:
        cells = [f"{cell} ({times[name]:.1f} us)" if times[name] else cell for cell, name in zip(cells, results)]
    for name in ratio_of:
        good = results.get("wjit") and results.get(name)
        cells.append(f"{results['wjit'] / results[name]:.2f}" if good else "-")
    print(f"| {title} | " + " | ".join(cells) + " |", flush=True)


def head(title, names, ratio_of):
    print(f"\n## {title}\n")
    print("| |" + "".join(f" {name} |" for name in names) + "".join(f" wjit / {name} |" for name in ratio_of))
    print("|---|" + "---|" * (len(names) + len(ratio_of)))


def tcp(options):
    rows = servers(options, "tcp-server")
    names = [name for name, _ in rows]
    ratios = [name for name in ("wasmtime", "native") if name in names]
    head(f"TCP echo, {BYTES} bytes: requests a second", names, ratios)
    memory = {}
    for connections in options.connections:
        rates, times = {}, {}
        for name, command in rows:
            with Server(command) as server:
                _, _, base = load(options, server, "tcp-load", 1, BYTES, 0.3)
                rates[name], times[name], resident = load(options, server, "tcp-load", connections, BYTES, options.seconds)
                if connections >= 100:
                    memory.setdefault(connections, {})[name] = max(resident - base, 0) / connections
        row(f"{connections:,} connections", rates, ratios, times)
    if memory:
        head("TCP echo: bytes a connection", names, ratios)
        for connections, bytes_each in memory.items():
            row(f"{connections:,} connections", bytes_each, ratios)


def udp(options):
    rows = servers(options, "udp-server")
    names = [name for name, _ in rows]
    ratios = [name for name in ("wasmtime", "native") if name in names]
    head(f"UDP echo, {BYTES} bytes: answers a second", names, ratios)
    for window in (1, 16):
        rates, times = {}, {}
        for name, command in rows:
            with Server(command) as server:
                load(options, server, "udp-load", 1, BYTES, 0.3)
                rates[name], times[name], _ = load(options, server, "udp-load", window, BYTES, options.seconds)
        row(f"{window} under way", rates, ratios, times)


def engines(options):
    """Rows (name, command up to the guest); with the present folder."""
    rows = [("wjit", [options.build / "wjit", "run", "--dir", "."])]
    if "backends" in options.parts:
        rows.append(("wjit, epoll", [options.build / "wjit", "run", "--io", "epoll", "--dir", "."]))
    if options.wasmtime:
        rows.append(("wasmtime", [options.wasmtime, "run", "--dir", "."]))
    return rows


def seconds_of(commands, folder, stdin, stdout):
    """Of a pipeline, or None where one of it fails. `stdin` and `stdout` are files in the folder, or /dev/null."""
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
        good = all([process.wait() == 0 for process in processes])
        return time.monotonic() - begin if good else None


def streams(options):
    rows = engines(options)
    names = [name for name, _ in rows] + ["cat"]
    ratios = [name for name in ("wasmtime", "cat") if name in names]
    head(f"{options.mib} MiB, MiB a second", names, ratios)
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        with open(folder / "from", "wb") as file:
            for _ in range(options.mib):
                file.write(os.urandom(1 << 10) * (1 << 10))
        ways = {  # (before, after, stdin, stdout)
            "file to pipe": ([], [["cat"]], "from", os.devnull),
            "pipe to pipe": ([["cat"]], [["cat"]], "from", os.devnull),
            "file to /dev/null": ([], [], "from", os.devnull),
            "file to file": ([], [], "from", "to"),
        }
        for word, title in (("forward", "handed on"), ("touch", "touched")):
            for way, (before, after, stdin, stdout) in ways.items():
                best = {}
                for _ in range(3):
                    for name in names:
                        command = ["cat"] if name == "cat" else dict(rows)[name] + [STREAMS, word]
                        taken = seconds_of(before + [command] + after, folder, stdin, stdout)
                        if taken:
                            best[name] = max(best.get(name, 0), options.mib / taken)
                row(f"{title}, {way}", {name: best.get(name) for name in names}, ratios)
            best = {}
            for _ in range(3):
                for name in names:
                    guest = ["copy" if word == "forward" else "copy-touch", "from", "to"]
                    command = ["cp", "from", "to"] if name == "cat" else dict(rows)[name] + [STREAMS] + guest
                    taken = seconds_of([command], folder, os.devnull, os.devnull)
                    if taken:
                        best[name] = max(best.get(name, 0), options.mib / taken)
            row(f"{title}, file to file by wasi:filesystem, beside `cp`", {name: best.get(name) for name in names}, ratios)


def random(options):
    rows = engines(options)
    names = [name for name, _ in rows] + ["native"]
    ratios = [name for name in ("wasmtime", "native") if name in names]
    head("Reads of 4 KiB a second", names, ratios)
    count = 200_000
    with tempfile.TemporaryDirectory() as folder:
        with open(pathlib.Path(folder) / "blocks", "wb") as file:
            for _ in range(256):
                file.write(os.urandom(1 << 20))
        rates = {}
        for name, command in rows + [("native", None)]:
            words = command + [STREAMS, "random", "blocks", 64, count] if command else [options.build / "wjit_reads", "blocks", count]
            done = subprocess.run([str(word) for word in words], cwd=folder, capture_output=True, text=True)
            words = done.stdout.split()
            microseconds = words[-2] if command and words else words[0] if words else None
            rates[name] = count * 1e6 / float(microseconds) if done.returncode == 0 and microseconds else None
        row("64 at a time", rates, ratios)


def timers(options):
    rows = engines(options)
    print("\n## Timers\n\n| | " + " | ".join(f"{name}: bytes each, late p50, p99 (us)" for name, _ in rows) + " |")
    print("|---|" + "---|" * len(rows))
    for count in options.timers:
        cells = []
        for _, command in rows:
            largest = []
            for number in (1, count):
                # Ends begin when the last one has been begun, and are spread so that 100,000 come in a second.
                words = command + [STREAMS, "timers", number, max(count // 100, 500), max(count // 100, 500)]
                process = subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE,
                                           stderr=subprocess.DEVNULL, text=True)
                said = process.stdout.read().replace(",", "").split()
                _, status, usage = os.wait4(process.pid, 0)
                largest.append(usage.ru_maxrss * 1024)
            if status != 0 or len(said) < 15:
                cells.append("fails")
            else:
                late = [said[said.index(word) + 1] for word in ("p50", "p99")]
                cells.append(f"{(largest[1] - largest[0]) / count:,.0f}, {', '.join(late)}")
        print(f"| {count:,} | " + " | ".join(cells) + " |", flush=True)


PARTS = {"streams": streams, "random": random, "timers": timers, "tcp": tcp, "udp": udp}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--wasmtime", default=shutil.which("wasmtime"))
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--connections", type=lambda text: [int(n) for n in text.split(",")], default=[1, 100, 10_000])
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--timers", type=lambda text: [int(n) for n in text.split(",")], default=[1000, 100_000, 1_000_000])
    options = parser.parse_args()
    for part in options.parts:
        if part not in PARTS and part != "backends":
            parser.error(f"unknown part {part}; there are {', '.join(PARTS)}, backends")
    for part in PARTS:
        if part in options.parts or not set(options.parts) & set(PARTS):
            PARTS[part](options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
