#!/usr/bin/env python3
"""Sockets: ours, Wasmtime and a native server on epoll in one run, with ratios. Loopback only; some minutes in all.

    bench/io.py [--build build/release] [--wasmtime PATH] [--seconds S] [--connections N,N…] [tcp] [udp] [backends]

tcp       an echo server with 1, 100 and 10,000 connections that all keep one request of 64 bytes under way: requests a second,
          and memory a connection (resident, all connections open, less what the server has with one)
udp       an echo server with 1 and 16 datagrams of 64 bytes under way: answers a second
backends  tcp and udp of ours with io_uring beside epoll

The guest is test/guests/c-net.wasm under both engines; the native server and the clients are bench/echo.c (wjit_echo).
Beside each rate stands the server's own time for a request (user and system), which other load on the machine does not change.
Goals: at least 3x Wasmtime, at least 0.6x the native server.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import threading

ROOT = pathlib.Path(__file__).resolve().parent.parent
GUEST = ROOT / "test" / "guests" / "c-net.wasm"
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


PARTS = {"tcp": tcp, "udp": udp}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--wasmtime", default=shutil.which("wasmtime"))
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--connections", type=lambda text: [int(n) for n in text.split(",")], default=[1, 100, 10_000])
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
