"""A program of coroutines: prints its arguments, waits on two timers at once, and prints stdin's lines numbered.

cat           instead: copies stdin to stdout
sleeps N MS   instead: N sleeps of MS milliseconds at once; prints how many there were and how long all of it took
"""

import asyncio

import wit_world
from wit_world import exports
from wit_world.imports import environment, monotonic_clock, stdin, stdout

MILLISECOND = 1_000_000


async def timer(name: str, milliseconds: int, order: list[str]) -> None:
    await monotonic_clock.wait_for(milliseconds * MILLISECOND)
    order.append(name)


async def timers() -> str:
    order: list[str] = []
    start = monotonic_clock.now()
    await asyncio.gather(timer("long", 60, order), timer("short", 10, order))
    enough = monotonic_clock.now() - start >= 60 * MILLISECOND
    return f"timers: {', '.join(order)}, {'ok' if enough else 'too early'}\n"


async def read_stdin() -> str:
    stream, result = stdin.read_via_stream()
    text = b""
    with stream, result:
        while not stream.writer_dropped:
            text += await stream.read(4096)
    return text.decode()


async def sleeps(count: int, milliseconds: int) -> str:
    start = monotonic_clock.now()
    await asyncio.gather(*(monotonic_clock.wait_for(milliseconds * MILLISECOND) for _ in range(count)))
    return f"{count} sleeps, {(monotonic_clock.now() - start) // MILLISECOND} ms\n"


async def cat(writer) -> None:
    stream, result = stdin.read_via_stream()
    with stream, result:
        while not stream.writer_dropped:
            await writer.write_all(await stream.read(65536))


class Run(exports.Run):
    async def run(self) -> None:
        writer, reader = wit_world.byte_stream()
        with stdout.write_via_stream(reader) as result:
            with writer:
                arguments = environment.get_arguments()[1:]
                if arguments[:1] == ["cat"]:
                    await cat(writer)
                    return
                if arguments[:1] == ["sleeps"]:
                    await writer.write_all((await sleeps(*map(int, arguments[1:]))).encode())
                    return
                for argument in arguments:
                    await writer.write_all(f"argument: {argument}\n".encode())
                await writer.write_all((await timers()).encode())
                for number, line in enumerate((await read_stdin()).splitlines(), 1):
                    await writer.write_all(f"{number} {line}\n".encode())
            await result.read()
