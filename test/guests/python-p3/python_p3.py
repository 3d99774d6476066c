"""A program of coroutines: prints its arguments, waits on two timers at once, and prints stdin's lines numbered."""

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


class Run(exports.Run):
    async def run(self) -> None:
        writer, reader = wit_world.byte_stream()
        with stdout.write_via_stream(reader) as result:
            with writer:
                for argument in environment.get_arguments()[1:]:
                    await writer.write_all(f"argument: {argument}\n".encode())
                await writer.write_all((await timers()).encode())
                for number, line in enumerate((await read_stdin()).splitlines(), 1):
                    await writer.write_all(f"{number} {line}\n".encode())
            await result.read()
