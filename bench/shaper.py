"""A relay that makes loopback a long, narrow path: a delay each way, and a rate for each connection.

    python bench/shaper.py HOST:PORT MILLISECONDS MBIT

Prints the port that it listens on. Kernels without netem have no other way to get there, and it is the
same on all.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time

CHUNK = 16 << 10


async def relay(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float, rate: float
) -> None:
    """Each byte `delay` seconds late, at most `rate` of them a second."""
    # What is under way on such a path, and a router's buffer: beyond that the sender has to wait.
    on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(max(8, int(4 * delay * rate / CHUNK)))

    async def deliver() -> None:
        while True:
            at, data = await on_the_way.get()
            await asyncio.sleep(max(0.0, at - time.monotonic()))
            if not data:
                break
            writer.write(data)
            await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()

    delivery = asyncio.create_task(deliver())
    free = 0.0
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK):
            free = max(free, time.monotonic()) + len(data) / rate
            await on_the_way.put((free + delay, data))
    await on_the_way.put((time.monotonic() + delay, b""))
    with contextlib.suppress(OSError):
        await delivery


async def serve(host: str, port: int, delay: float, rate: float) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2 * delay)  # the handshake
        far_reader, far_writer = await asyncio.open_connection(host, port)
        await asyncio.gather(relay(reader, far_writer, delay, rate), relay(far_reader, writer, delay, rate))
        for end in (writer, far_writer):
            end.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    address, _, number = sys.argv[1].partition(":")
    asyncio.run(serve(address, int(number), float(sys.argv[2]) / 2000, float(sys.argv[3]) * 125_000))
