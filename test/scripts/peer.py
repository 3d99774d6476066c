"""A peer that does not behave, for a guest that connects to it or serves it:

    peer.py WHAT COMMAND…

The command is the guest; its word PORT is replaced by the port that the peer listens at. WHAT:

    reset    reads a little, answers a little, resets the connection
    leave    reads a little and goes, while the guest still sends
    slow     reads a byte every 20 ms for a second and a half, then everything; the guest must wait without working
    quiet    reads and writes nothing; when the guest says "under way" it gets ^C, if it is still there after that
    quiet-trap  the same without the ^C: the guest ends by itself
    crowd N  the other way round: the guest serves ("port P" is its first line), N clients connect at once, then each in
             turn asks, is answered and leaves

Prints what the guest prints, what the peer saw, and the guest's status. Used by test/lit/net.
"""
import os
import signal
import socket
import struct
import subprocess
import sys
import time

SECONDS = 60


def receive_some(connection, count):
    got = b""
    while len(got) < count:
        part = connection.recv(count - len(got))
        if not part:
            break
        got += part
    return got


def drain(connection):
    total = 0
    try:
        while part := connection.recv(1 << 16):
            total += len(part)
    except ConnectionResetError:
        return f"{total} bytes, then a reset"
    return f"{total} bytes, then the end"


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def crowd(count, command):
    guest = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    port = int(guest.stdout.readline().split()[1])
    clients = [socket.create_connection(("127.0.0.1", port), timeout=SECONDS) for _ in range(count)]
    answered = 0
    for number, client in enumerate(clients):
        question = f"question {number}".encode()
        client.sendall(question)
        answered += receive_some(client, len(question)) == question
        client.close()
    print(f"peer: {answered} of {count} were answered")
    return guest


def main():
    what, command = sys.argv[1], sys.argv[2:]
    if what == "crowd":
        guest = crowd(int(command[0]), command[1:])
        return finish(guest)
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(SECONDS)
    port = str(listener.getsockname()[1])
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a guest inherits that; this may have been started ignoring it
    guest = subprocess.Popen([port if word == "PORT" else word for word in command], stdout=subprocess.PIPE, text=True)
    connection = listener.accept()[0]
    connection.settimeout(SECONDS)
    if what == "reset":
        receive_some(connection, 1000)
        connection.sendall(b"a little")
        time.sleep(0.2)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    elif what == "leave":
        receive_some(connection, 1000)
        connection.close()
    elif what == "slow":
        time.sleep(0.5)  # until the guest has filled what there is to fill
        before = cpu_seconds(guest.pid)
        got = 0
        for _ in range(75):
            got += len(connection.recv(1))
            time.sleep(0.02)
        worked = cpu_seconds(guest.pid) - before
        print(f"peer: {got} bytes, one by one; the guest {'waited' if worked < 0.5 else f'worked for {worked:.1f} s'}")
        print(f"peer: {drain(connection)}")
        connection.close()
    else:
        line = guest.stdout.readline()
        print(f"guest: {line.strip()}")
        if what == "quiet":
            guest.send_signal(signal.SIGINT)
        guest.wait(SECONDS)
        print(f"peer: {'a reset or the end' if drain(connection) else ''}")
    finish(guest)


def finish(guest):
    try:
        text = guest.communicate(timeout=SECONDS)[0]
    except subprocess.TimeoutExpired:
        guest.kill()
        text = guest.communicate()[0]
    for line in text.splitlines():
        print(f"guest: {line}")
    print(f"status: {guest.returncode}")


if __name__ == "__main__":
    main()
