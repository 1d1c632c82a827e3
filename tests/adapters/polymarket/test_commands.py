"""What an operator sees of Polymarket: the list of markets, and what keeps a book from running."""

import asyncio
import json
import time

from fake_venue import FakeVenue
from node_scene import Scene, now_ns
from typer.testing import CliRunner

from system.cli import app
from system.doctor import Look
from system.polymarket_doctor import examine_for_book


def with_venue(work):
    """Run `work(venue, base, scene)` in a thread beside a venue, since a command has its own loop."""

    async def run():
        venue = FakeVenue()
        async with venue.running() as base:
            return await asyncio.to_thread(work, venue, base, Scene(base, venue))

    return asyncio.run(run())


def listed(base, *more):
    arguments = ["markets", "polymarket", "--rest-url", f"{base}/clob", "--gamma-url", f"{base}/gamma"]
    return CliRunner().invoke(app, [*arguments, *more])


def test_markets_are_listed_with_the_ids_that_a_book_wants():
    def work(_venue, base, scene):
        found = listed(base, "--json")
        assert found.exit_code == 0, found.output
        (market,) = json.loads(found.stdout)["markets"]
        assert market["name"] == f"btc-updown-5m-{scene.start_secs}"
        assert market["instruments"] == ["0xa-11.POLYMARKET", "0xa-12.POLYMARKET"]
        assert market["fees"][0]["taker_rate"] == "0.07"
        assert "0xa-11.POLYMARKET" in "".join(listed(base).stdout.split())

    with_venue(work)


def test_half_an_address_and_a_venue_that_fails_are_one_line_and_a_code():
    def work(venue, base, _scene):
        half = CliRunner().invoke(app, ["markets", "polymarket", "--rest-url", f"{base}/clob"])
        assert half.exit_code == 2
        venue.refusals["/gamma"] = 403
        assert listed(base).exit_code == 3

    with_venue(work)


def test_the_doctor_says_what_it_saw_and_what_is_wrong():
    async def run():
        venue = FakeVenue()
        async with venue.running() as base:
            Scene(base, venue)
            given = {
                "rest_url": f"{base}/clob",
                "gamma_url": f"{base}/gamma",
                "data_url": f"{base}/data",
                "socket_url": base.replace("http", "ws"),
                "read_attempts": 1,
            }
            look = Look(trades=False, series=("btc-updown-5m", "nothing"), now_ns=now_ns)
            found = await examine_for_book(given, look, {}, monotonic=time.monotonic)
            assert {one.about: one.state for one in found.findings} == {
                "clock": "warning",  # the fake one stands still
                "version of orders": "ok",
                "series btc-updown-5m": "ok",
                "series nothing": "warning",
            }
            venue.refusals["/clob/version"] = 403
            assert not (await examine_for_book(given, look, {}, monotonic=time.monotonic)).is_ready

    asyncio.run(run())
