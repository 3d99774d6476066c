"""Runs a server and a client that want to talk to each other:

    pair.py SERVER… -- CLIENT…

The server prints "port N…" as its first line; each word PORT of the client is replaced by the next of these numbers. Both
are ended after a minute. Prints the lines of both, with "server: " or "client: " in front, then the statuses. Used by
test/lit/net.
"""
import subprocess
import sys
import threading

SECONDS = 60


def main():
    at = sys.argv.index("--")
    server = subprocess.Popen(sys.argv[1:at], stdout=subprocess.PIPE, text=True)
    timers = [threading.Timer(SECONDS, server.kill)]
    timers[0].start()
    first = server.stdout.readline()
    ports = first.split()[1:]
    words = [ports.pop(0) if word == "PORT" and ports else word for word in sys.argv[at + 1:]]
    client = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    timers.append(threading.Timer(SECONDS, client.kill))
    timers[1].start()
    said = client.communicate()[0]
    rest = server.communicate()[0]
    for timer in timers:
        timer.cancel()
    print(f"server: {'port' if first.startswith('port ') else first.strip()}")
    for who, text in (("client", said), ("server", rest)):
        for line in text.splitlines():
            print(f"{who}: {line}")
    print(f"status: {client.returncode}, {server.returncode}")


if __name__ == "__main__":
    main()
