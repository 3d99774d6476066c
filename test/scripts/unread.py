"""Runs a command whose stdout nobody reads, and says how it ended:

    unread.py [--terminal] COMMAND…

stdout is a pipe, or a terminal in raw mode. Prints "status N"; after a minute the command is killed. What it says on stderr
comes first. Used by test/lit/run/leaving.test.
"""
import os
import pty
import subprocess
import sys
import tty

SECONDS = 60


def main():
    words = sys.argv[1:]
    terminal = words[0] == "--terminal"
    if terminal:
        words.pop(0)
        reader, writer = pty.openpty()
        tty.setraw(writer)
    else:
        reader, writer = os.pipe()
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=writer)
    try:
        print("status", process.wait(SECONDS), flush=True)
    except subprocess.TimeoutExpired:
        process.kill()
        print("killed", flush=True)
    os.close(reader)
    return 0


if __name__ == "__main__":
    sys.exit(main())
