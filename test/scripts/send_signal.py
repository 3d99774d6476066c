"""Sends a signal to a command that has printed its first line:

    send_signal.py [--ignored] [--first-process] SIGNAL COMMAND…

Its standard input stays open until it has ended; with --ignored, the command is started ignoring the signal, and its
input ends right behind the signal. --first-process: as process 1 of a PID namespace (of root's). Prints "status N" or
"signal N", how it ended; after a minute it is killed. Used by test/lit/run and test/lit/trace.
"""
import os
import signal
import subprocess
import sys

SECONDS = 60


def main():
    words = sys.argv[1:]
    options = set()
    while words[0].startswith("--"):
        options.add(words.pop(0))
    number = getattr(signal, "SIG" + words[0])
    command = words[1:]
    if "--first-process" in options:
        command = ["unshare", "--pid", "--fork", "--kill-child"] + command
    # A child inherits that.
    signal.signal(number, signal.SIG_IGN if "--ignored" in options else signal.SIG_DFL)
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    target = process.pid
    if "--first-process" in options:
        with open(f"/proc/{target}/task/{target}/children") as children:
            target = int(children.read())
    os.kill(target, number)
    if "--ignored" in options:
        process.stdin.close()
    try:
        process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
    status = process.wait()
    print(f"status {status}" if status >= 0 else f"signal {-status}")


if __name__ == "__main__":
    main()
