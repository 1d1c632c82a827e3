"""`argonaut doctor BOOK`, as typed, and what live does without its blessing; against the venue double."""

import asyncio
import gc

import pytest
from msgspec import json
from node_stage import coin, kept, node_process, now_ns, standing, until, write_book
from typer.testing import CliRunner

from simulation.wire.kalshi_control import Listing
from storage.journal.records import RunPhase
from system.cli import app

SECOND = 1_000_000_000
NAMES = ("KALSHI_API_KEY", "KALSHI_PRIVATE_KEY", "ARGONAUT_KALSHI_REST_URL", "ARGONAUT_KALSHI_SOCKET_URL")


def list_market(double):
    at_ns = now_ns()
    facts = {"strike_type": "greater_or_equal", "floor_strike": 68000.0}
    double.control.list_market(
        Listing("SYNBTC15M-A-45", "SYNBTC15M-A", "SYNBTC15M", at_ns, at_ns + 600 * SECOND, "tapered_deci_cent",
                exchange_index=2, facts=facts)
    )  # fmt: skip


def reading(double):
    key = double.add_key("bob", "ed25519", scopes=frozenset({"read"}))
    pem = key.private_pem
    return {"KALSHI_API_KEY": key.key_id, "KALSHI_PRIVATE_KEY": pem if isinstance(pem, str) else pem.decode()}


def addresses(environ):
    """Return a live table that names the double as the venue: what only a book may do in mode live."""
    return (
        'venues = ["KALSHI"]\nmode = "live"\n[live.settings.KALSHI]\nfunded_shards = [2]\n'
        f'rest_url = "{environ["ARGONAUT_KALSHI_REST_URL"]}"\nsocket_url = "{environ["ARGONAUT_KALSHI_SOCKET_URL"]}"\n'
    )


async def examined(*words, environ, tmp_path):
    command = ["doctor", *map(str, words), "--out", str(tmp_path / "runs"), "--json"]
    clean = dict.fromkeys(NAMES) | environ
    result = await asyncio.to_thread(CliRunner().invoke, app, command, env=clean)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    diagnosis = json.decode(result.stdout)
    return result.exit_code, {one["about"]: one for one in diagnosis["findings"]}


def run(scene):
    gc.collect()  # nodes of earlier tests may not be dropped in the thread in which a command runs (rc7)
    asyncio.run(scene())


def test_a_sandbox_wants_a_key_that_reads_and_says_when_it_could_trade(tmp_path):
    async def scene():
        async with standing(window_secs=None) as (double, environ):
            list_market(double)
            book = write_book(tmp_path, coin(1))
            code, found = await examined(book, environ=environ | reading(double), tmp_path=tmp_path)
            assert code == 0
            assert found["KALSHI scope"]["state"] == "ok"
            assert found["KALSHI fees of SYNBTC15M"]["state"] == "ok"
            assert {"book", "disk", "journal", "catalog", "KALSHI clock", "KALSHI socket"} <= set(found)
            assert not any(name.startswith("KALSHI cash") for name in found)
            code, found = await examined("book", book, environ=environ, tmp_path=tmp_path)
            assert (code, found["KALSHI scope"]["state"]) == (0, "warning")

    run(scene)


def test_live_wants_its_locks_a_key_that_trades_and_cash(tmp_path):
    async def scene():
        async with standing(window_secs=None) as (double, environ):
            list_market(double)
            keys = {name: environ[name] for name in NAMES[:2]}
            book = write_book(tmp_path, coin(1), live=addresses(environ))
            live = (book, "--mode", "live")
            code, found = await examined(*live, environ=reading(double), tmp_path=tmp_path)
            assert code == 3
            assert found["lock in the book"]["state"] == "ok"
            assert "ARGONAUT_LIVE=staged-LIVE" in found["lock in the environment"]["found"]
            assert found["KALSHI scope"]["state"] == "failed"
            assert "funded_shards" in found["KALSHI cash on shard 2"]["mend"]
            double.control.fund("alice", "1000", exchange_index=2)
            opened = keys | {"ARGONAUT_LIVE": "staged-LIVE"}
            code, found = await examined(*live, environ=opened, tmp_path=tmp_path)
            assert code == 0, found

    run(scene)


def test_a_book_that_is_broken_is_named_and_nothing_else_is_looked_at(tmp_path):
    async def scene():
        file = tmp_path / "book.toml"
        file.write_text("name = 3")
        code, found = await examined(file, environ={}, tmp_path=tmp_path)
        assert (code, list(found)) == (3, ["book"])
        assert "$.name" in found["book"]["found"]

    run(scene)


@pytest.mark.parametrize("is_funded", [False, True], ids=["without cash", "with cash"])
def test_live_starts_only_when_the_doctor_finds_nothing_wrong(tmp_path, is_funded):
    async def scene():
        async with standing(window_secs=None) as (double, environ):
            list_market(double)
            if is_funded:
                double.control.fund("alice", "1000", exchange_index=2)
            keys = {name: environ[name] for name in NAMES[:2]} | {"ARGONAUT_LIVE": "staged-LIVE"}
            book = write_book(tmp_path, coin(1), live=addresses(environ))
            options = ("--mode", "live", "--run-id", "r-1", "--out", str(tmp_path / "runs"))
            async with node_process(book, keys, *options) as process:
                output = asyncio.create_task(process.stdout.read())
                await until(
                    lambda: (
                        "running" in [one.phase for one in kept(tmp_path, RunPhase)]
                        or process.returncode is not None
                    )
                )
                if is_funded:
                    assert process.returncode is None, (await output).decode()
                    process.terminate()
                    assert await process.wait() == 0, (await output).decode()
                else:
                    assert process.returncode == 2
                    assert "KALSHI cash on shard 2" in (await output).decode()

    run(scene)
