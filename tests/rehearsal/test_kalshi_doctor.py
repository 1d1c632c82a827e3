"""The doctor and the list of markets, as typed, against the venue double."""

import asyncio
import gc
import time
from contextlib import asynccontextmanager

import pytest
from msgspec import json
from typer.testing import CliRunner

from simulation.wire.fault_plan import FaultPlan
from simulation.wire.kalshi import KalshiDouble
from simulation.wire.kalshi_control import Listing
from simulation.wire.kalshi_settings import KalshiSettings
from system.cli import app

MARKET = "KXBTC15M-A-45"
SECOND = 10**9


def now_ns():
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


@asynccontextmanager
async def started(ahead_ns=0):
    double = KalshiDouble(
        KalshiSettings(tier="premier"), seed=7, now_ns=lambda: now_ns() + ahead_ns, plan=FaultPlan()
    )
    urls = await double.start()
    at_ns = now_ns()
    facts = {"strike_type": "greater_or_equal", "floor_strike": 68000.0}
    ladder = "tapered_deci_cent"
    double.control.list_market(
        Listing(
            MARKET,
            "KXBTC15M-A",
            "KXBTC15M",
            at_ns,
            at_ns + 60 * SECOND,
            ladder,
            exchange_index=2,
            facts=facts,
        )
    )
    try:
        yield double, urls
    finally:
        await double.stop()


async def typed(*words, environ=None):
    names = ("KALSHI_API_KEY", "KALSHI_PRIVATE_KEY", "KALSHI_PRIVATE_KEY_FILE")
    environ = dict.fromkeys(names) | (environ or {})
    return await asyncio.to_thread(CliRunner().invoke, app, list(words), env=environ)


def key_of(double, cash="1000"):
    double.control.fund("alice", cash, exchange_index=2)
    made = double.add_key("alice", "ed25519")
    pem = made.private_pem if isinstance(made.private_pem, str) else made.private_pem.decode()
    return {"KALSHI_API_KEY": made.key_id, "KALSHI_PRIVATE_KEY": pem}


def doctor(urls, *more):
    return ("doctor", "kalshi", "--rest-url", urls.rest, "--socket-url", urls.socket, *more)


def run(work):
    gc.collect()  # nodes of earlier tests may not be dropped in the thread in which a command runs (rc7)

    async def bounded():
        async with asyncio.timeout(9):
            await work()

    asyncio.run(bounded())


def states(result):
    return {one["about"]: one["state"] for one in json.decode(result.stdout)["findings"]}


def test_a_funded_key_is_ready_and_shows_no_secret():
    async def work():
        async with started() as (double, urls):
            environ = key_of(double)
            result = await typed(*doctor(urls, "--shard", "2", "--json"), environ=environ)
            assert (result.exit_code, json.decode(result.stdout)["is_ready"]) == (0, True), result.output
            found = states(result)
            assert set(found.values()) <= {"ok", "warning"}
            wanted = {
                "key",
                "clock",
                "exchange",
                "rate limits",
                "cash on shard 2",
                "age of our data",
                "socket",
            }
            assert wanted <= set(found)
            body = environ["KALSHI_PRIVATE_KEY"].splitlines()[1]
            assert body not in result.output
            assert environ["KALSHI_API_KEY"] not in result.output
            table = await typed(*doctor(urls, "--shard", "2"), environ=environ)
            assert (table.exit_code, "ready" in table.stdout) == (0, True)

    run(work)


@pytest.mark.card("kalshi", "AR-E26")
def test_nothing_starts_while_our_clock_is_too_far_from_the_venues():
    async def work():
        async with started(ahead_ns=4 * SECOND) as (double, urls):
            result = await typed(*doctor(urls, "--shard", "2", "--json"), environ=key_of(double))
            assert json.decode(result.stdout)["is_ready"] is False
            assert states(result)["clock"] == "failed"
            assert result.exit_code != 0

    run(work)


def test_without_a_key_it_says_which_to_set_and_still_looks_at_what_is_public():
    async def work():
        async with started() as (_, urls):
            result = await typed(*doctor(urls, "--json"))
            assert result.exit_code == 3
            findings = json.decode(result.stdout)["findings"]
            assert (findings[0]["about"], findings[0]["state"]) == ("key", "failed")
            assert "KALSHI_API_KEY" in findings[0]["mend"]
            assert states(result)["exchange"] == "ok"

    run(work)


def test_cash_on_the_wrong_shard_is_a_failure_that_names_the_transfer():
    async def work():
        async with started() as (double, urls):
            result = await typed(*doctor(urls, "--shard", "0", "--json"), environ=key_of(double))
            assert (result.exit_code, states(result)["cash on shard 0"]) == (3, "failed"), result.output
            (mend,) = [
                one["mend"]
                for one in json.decode(result.stdout)["findings"]
                if one["about"] == "cash on shard 0"
            ]
            assert "transfer" in mend

    run(work)


def test_a_key_that_the_venue_does_not_know_is_a_failure():
    async def work():
        async with started() as (double, urls):
            environ = key_of(double) | {"KALSHI_API_KEY": "not-a-key-of-ours"}
            result = await typed(*doctor(urls, "--shard", "2", "--json"), environ=environ)
            assert (result.exit_code, states(result)["socket"]) == (3, "failed"), result.output
            assert "not-a-key-of-ours" not in result.output

    run(work)


def test_an_address_where_nobody_listens_is_a_failure_and_a_bad_one_cannot_be_used():
    async def work():
        result = await typed("doctor", "kalshi", "--rest-url", "http://127.0.0.1:9/x", "--json")
        assert (result.exit_code, states(result)["exchange"]) == (3, "failed")
        result = await typed("doctor", "kalshi", "--rest-url", "ftp://example")
        assert result.exit_code == 2

    run(work)


def test_markets_are_listed_with_their_terms_and_without_a_key():
    async def work():
        words = ("--series", "KXBTC15M")
        async with started() as (_, urls):
            result = await typed("markets", "kalshi", "--rest-url", urls.rest, *words, "--json")
            assert result.exit_code == 0, result.output
            (market,) = json.decode(result.stdout)["markets"]
            assert (market["market"], market["floor_strike"], market["shard"]) == (MARKET, "68000.0", 2)
            assert market["status"] == "active"
            table = await typed("markets", "kalshi", "--rest-url", urls.rest, *words)
            assert MARKET in table.stdout

    run(work)
