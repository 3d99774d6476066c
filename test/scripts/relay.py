"""Both ends of a stream that a guest hands on from one to the other (test/guests/c-relay):

    relay.py WHAT FROM TO [drop-source|drop-sink] -- COMMAND…

FROM is socket, file or stdin, TO is socket, file or stdout; the command is the guest, without its words. WHAT:

    whole         everything is sent, and taken as it comes
    slow          nothing is taken for a while: who sends must come to a stand, and the guest must wait without working
    reset-source  the sending connection is reset after a part of it
    reset-sink    the receiving connection is reset after a part of it

Prints what the ends saw (whether the bytes that came are those that were sent), what the guest says on stderr, and its
status. Used by test/lit/net/relay.test.
"""
import os
import pathlib
import random
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

SECONDS = 60
BYTES = 64_000_000 if sys.argv[1:2] == ["slow"] else 8_000_000  # more than all buffers on the way hold
PART = 3_000_000  # a connection to another is pumped for the first MiB, then joined by a pipe
PATTERN = random.Random(1).randbytes(BYTES)


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def listen(option):
    """With small buffers, so that little is enough to fill them."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, option, 1 << 16)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    listener.settimeout(SECONDS)
    return listener


def accept(listener):
    connection = listener.accept()[0]
    connection.settimeout(SECONDS)
    return connection


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Sender(threading.Thread):
    def __init__(self, what, listener, pipe):
        super().__init__(daemon=True)
        self.what, self.listener, self.pipe, self.sent, self.end = what, listener, pipe, 0, "the end"
        self.start()

    def run(self):
        connection = accept(self.listener) if self.listener else None
        limit = PART if self.what == "reset-source" else BYTES
        try:
            while self.sent < limit:
                part = PATTERN[self.sent : min(self.sent + (1 << 16), limit)]
                self.sent += connection.send(part) if connection else os.write(self.pipe, part)
        except (BrokenPipeError, ConnectionResetError):
            self.end = "told to stop"
        if connection and self.what == "reset-source":
            time.sleep(0.3)  # what was sent is on its way; a reset throws away what is not
            reset(connection)
        elif connection:
            connection.close()
        else:
            os.close(self.pipe)


def receive(what, guest, sender, take):
    """take(most): bytes, none at the end. What has come, and how it ended."""
    got = bytearray()
    if what == "slow":
        # Until everything on the way is full: nothing is sent, and nobody works, for half a second.
        state, since, given_up = None, 0, time.monotonic() + SECONDS / 3
        while time.monotonic() < given_up and (state is None or time.monotonic() < since + 0.5):
            now = (sender.sent if sender else 0, cpu_seconds(guest.pid))
            if now != state:
                state, since = now, time.monotonic()
            time.sleep(0.02)
        stands = time.monotonic() < given_up and state[0] < BYTES
        print("everybody waits" if stands else f"sent {state[0]} bytes and worked for {state[1]:.1f} s until the end")
    limit = PART if what == "reset-sink" else BYTES + 1
    try:
        while len(got) < limit and (part := take(limit - len(got))):
            got += part
    except ConnectionResetError:
        return got, "a reset"
    return got, "the end"


def main():
    at = sys.argv.index("--")
    what, source, sink, *more = sys.argv[1:at]
    command = sys.argv[at + 1 :]
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        if source == "file":
            (folder / "in").write_bytes(PATTERN)
        sending = listen(socket.SO_SNDBUF) if source == "socket" else None
        receiving = listen(socket.SO_RCVBUF) if sink == "socket" else None
        words = {"stdin": "-", "stdout": "-", "file": "in"}
        command.append(str(sending.getsockname()[1]) if sending else words[source])
        command.append(str(receiving.getsockname()[1]) if receiving else "out" if sink == "file" else "-")
        with open(folder / "said", "w") as said:
            guest = subprocess.Popen(command + more, cwd=folder, stderr=said,
                                     stdin=subprocess.PIPE if source == "stdin" else subprocess.DEVNULL,
                                     stdout=subprocess.PIPE if sink == "stdout" else subprocess.DEVNULL)
        try:
            play(what, source, sink, guest, sending, receiving, folder)
        finally:
            guest.kill()
            guest.wait()
        for line in (folder / "said").read_text().splitlines():
            print(f"guest: {line}")
        print(f"status: {guest.returncode}")


def play(what, source, sink, guest, sending, receiving, folder):
    pipe = os.dup(guest.stdin.fileno()) if source == "stdin" else None
    if source == "stdin":
        guest.stdin.close()
    sender = Sender(what, sending, pipe) if source != "file" else None
    if sink == "file":
        guest.wait(SECONDS)
        got, end = (folder / "out").read_bytes(), "the end"
    elif receiving:
        connection = accept(receiving)
        got, end = receive(what, guest, sender, lambda most: connection.recv(min(most, 1 << 16)))
        if what == "reset-sink":
            end = "a reset of its own"
            reset(connection)
        else:
            connection.close()
    else:
        got, end = receive(what, guest, sender, lambda most: os.read(guest.stdout.fileno(), min(most, 1 << 16)))
    guest.wait(SECONDS)
    if sender:
        sender.join(SECONDS)
        print(f"sender: {'all of it' if sender.sent == BYTES else 'a part'}, then {sender.end}")
    how = "all of it" if len(got) == BYTES else f"{len(got)} bytes"
    print(f"receiver: {how}, {'equal' if got == PATTERN[: len(got)] else 'DIFFERENT'}, then {end}")


if __name__ == "__main__":
    main()
