"""A run recorded at Polymarket, played again: its markets under the names of the new time, its frames when they are due."""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

import aiohttp
import pytest
import zstandard

from system.book import BadBook
from system.double import Double
from system.live_plan import Wish, make_plan
from system.polymarket_recorded import PlayedRun
from system.polymarket_runs import MADE_UP, find_polymarket_run, is_made_up, listings_of
from system.venue_task import VenueTask

SECOND = 1_000_000_000
CONDITION = "0x" + "cd" * 32
TOKENS = ["333", "444"]
BOOK = """name = "played"
instruments = ["polymarket:btc-updown-5m-*"]
strategies = []
risk = []
[live]
venues = ["POLYMARKET"]
"""


def wall_ns():
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


def text_of(at_ns):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_ns // SECOND))


def row(slug, ends_ns, **more):
    return {
        "conditionId": CONDITION,
        "slug": slug,
        "question": "Bitcoin up or down?",
        "id": "7",
        "clobTokenIds": json.dumps(TOKENS),
        "outcomes": '["Up", "Down"]',
        "outcomePrices": '["0.5", "0.5"]',
        "endDate": text_of(ends_ns),
        "closed": False,
    } | more


def recorded(folder: Path, since_ns: int, slug: str, mode="sandbox", **more):
    """Write down a run of one market: how it was listed, its book, a ping's answer, and its result by REST."""
    ends_ns = since_ns + 120 * SECOND
    listing = {
        "event": {"id": "9", "slug": slug, "seriesSlug": "btc-up-or-down-5m"},
        "market": row(slug, ends_ns) | more,
        "book": {"c": CONDITION, "t": [{"t": one, "o": ""} for one in TOKENS], "mts": "0.01", "mos": "5", "nr": False,
                 "fd": {"r": "0.07", "e": 1, "to": True}, "itode": True},
        "says": {"anything": 1},
    }  # fmt: skip
    levels = {"bids": [{"price": "0.4", "size": "10"}], "asks": [{"price": "0.6", "size": "10"}]}
    book = {"event_type": "book", "market": CONDITION, "asset_id": "333", "timestamp": "1", "hash": "x",
            "tick_size": "0.01"} | levels  # fmt: skip
    run = f"20261126T120000-{mode}-abcdef"
    lines = [
        {"recv_ns": since_ns, "venue": "POLYMARKET", "control": "recording", "info": {"schema": 1, "run": run, "part": 1}},
        {"recv_ns": since_ns, "control": "listing", "info": listing},
        {"recv_ns": since_ns, "control": "listing", "info": listing},
        {"recv_ns": since_ns + SECOND, "epoch": 1, "frame": [book]},
        {"recv_ns": since_ns + SECOND, "epoch": 1, "base64": "UE9ORw=="},
        {"recv_ns": since_ns + 2 * SECOND, "control": "row",
         "info": row(slug, ends_ns, closed=True, outcomePrices='["0", "1"]')},
        {"recv_ns": since_ns + 3 * SECOND, "control": "row",
         "info": row(slug, ends_ns, closed=True, outcomePrices='["0", "1"]')},
    ]  # fmt: skip
    text = b"".join(json.dumps(one).encode() + b"\n" for one in lines)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "POLYMARKET-000001.frames.zst").write_bytes(zstandard.ZstdCompressor().compress(text))
    return folder


def window(start_ns):
    return f"btc-updown-5m-{start_ns // SECOND}"


def test_windows_are_moved_whole_and_keep_their_second(tmp_path):
    start_ns, now_ns = 1_790_000_100 * SECOND, 1_795_000_017 * SECOND
    since_ns = start_ns + 100 * SECOND
    played = PlayedRun.of(recorded(tmp_path, since_ns, window(start_ns)), 1.0, now_ns)
    assert (played.at(since_ns) - since_ns) % (300 * SECOND) == 0
    assert 8 * SECOND <= played.at(since_ns) - now_ns < 308 * SECOND
    (market,) = played.markets()
    assert market.about.slug == market.about.event == window(played.at(start_ns))
    assert market.about.end_ns == played.at(since_ns + 120 * SECOND)
    assert (market.tokens, market.outcomes) == (("333", "444"), ("Up", "Down"))
    assert (market.tick, market.minimum_size, float(market.fee_rate), market.is_delayed) == (
        100,
        5_000_000,
        0.07,
        True,
    )


def test_frames_follow_the_wait_and_a_result_that_only_rest_told_comes_once(tmp_path):
    since_ns, now_ns = 1_790_000_100 * SECOND, 1_795_000_017 * SECOND
    played = PlayedRun.of(recorded(tmp_path, since_ns, "will-it-rain"), 2.0, now_ns)
    assert played.at(since_ns) == now_ns + 8 * SECOND
    wait, book, result = played.frames(now_ns)
    assert (wait.recv_ns, wait.events) == (since_ns - 16 * SECOND, ())  # at twice the speed
    assert [one["event_type"] for one in book.events] == ["book"]
    assert result.recv_ns == since_ns + 2 * SECOND
    (said,) = result.events
    assert (said["event_type"], said["winning_asset_id"]) == ("market_resolved", "444")


@pytest.mark.parametrize(
    ("mode", "question", "made_up"),
    [("sandbox", "Rain?", False), ("rehearsal", "Rain?", True), ("sandbox", "Rain?" + MADE_UP, True)],
)
def test_what_a_double_said_stays_made_up_however_often_it_is_played(tmp_path, mode, question, made_up):
    folder = recorded(tmp_path, SECOND, "will-it-rain", mode, question=question)
    run = find_polymarket_run(folder)
    assert is_made_up(run, listings_of(run)) == made_up
    (market,) = PlayedRun.of(folder, 1.0, 2 * SECOND).markets()
    assert market.about.question == "Rain?" + MADE_UP * made_up
    book = tmp_path / "book.toml"
    book.write_text(BOOK)
    plan = make_plan(Wish(book=book, playback=folder, out=tmp_path), {}, 1)
    assert (plan.is_recorded, plan.venue.venue) == (not made_up, "POLYMARKET")


@pytest.mark.parametrize(("speed", "reason"), [(5.0, "expected speed 1 for windows"), (1.0, None)])
def test_windows_are_played_at_their_own_speed_only(tmp_path, speed, reason):
    folder = recorded(tmp_path, 1_790_000_100 * SECOND, window(1_790_000_100 * SECOND))
    book = tmp_path / "book.toml"
    book.write_text(BOOK)
    wish = Wish(book=book, playback=folder, speed=speed, out=tmp_path)
    if reason is None:
        assert make_plan(wish, {}, 1).venue.speed == speed
        return
    with pytest.raises(BadBook, match=reason):
        make_plan(wish, {}, 1)


def test_what_is_no_recording_of_ours_is_refused_by_its_path(tmp_path):
    (tmp_path / "frames.jsonl").write_text("{}\n")
    book = tmp_path / "book.toml"
    book.write_text(BOOK)
    with pytest.raises(BadBook, match="expected one run that --record kept of Polymarket"):
        make_plan(Wish(book=book, playback=tmp_path / "frames.jsonl", out=tmp_path), {}, 1)


def test_the_made_up_venue_lists_and_plays_what_was_recorded(tmp_path):
    now_s = wall_ns() // SECOND
    since_s = (
        now_s + 30 - 30_000
    )  # whole windows ago, so that it begins as soon as a busy machine has a venue
    start_s = since_s - since_s % 300
    folder = recorded(tmp_path / "raw", since_s * SECOND, window(start_s * SECOND))

    async def main():
        task = VenueTask(folder=str(tmp_path), venue="POLYMARKET", recording=str(folder))
        double = await Double.start(task)
        environ = double.environ({})
        slug = f"btc-updown-5m-{start_s + 30_000}"
        async with aiohttp.ClientSession() as session:
            url = environ["ARGONAUT_POLYMARKET_GAMMA_URL"] + "/markets"
            async with session.get(url, params={"slug": slug, "closed": "false"}) as answer:
                (found,) = await answer.json()
            assert (found["conditionId"], json.loads(found["clobTokenIds"])) == (CONDITION, TOKENS)
            socket_url = environ["ARGONAUT_POLYMARKET_SOCKET_URL"]
            async with session.ws_connect(f"{socket_url}/ws/market") as socket:
                wish = {"type": "market", "assets_ids": TOKENS, "custom_feature_enabled": True}
                await socket.send_json(wish)
                kinds = set()
                async with asyncio.timeout(60):
                    while "market_resolved" not in kinds:
                        said = json.loads((await socket.receive()).data)
                        kinds |= {one["event_type"] for one in (said if isinstance(said, list) else [said])}
            await asyncio.wait_for(double.played.wait(), 60)
        assert kinds & {"book", "price_change"}
        verdict = await double.stop()
        assert (verdict["audit"], verdict["errors"], verdict["strays"]) == ([], [], [])

    asyncio.run(asyncio.wait_for(main(), 150))


def test_the_ready_book_runs_on_a_recording(tmp_path):
    now_s = wall_ns() // SECOND
    since_s = now_s + 14 - 30_000
    folder = recorded(tmp_path / "raw", since_s * SECOND, window((since_s - since_s % 300) * SECOND))
    house = Path(__file__).parents[2]
    words = ["run_live.py", "configs/polymarket_btc5m.toml", "--playback", folder, "--duration", "10s"]
    done = subprocess.run(
        [sys.executable, *map(str, words), "--out", str(tmp_path / "runs")],
        cwd=house,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "a recorded session" in done.stdout
    assert "ended well" in done.stdout
    assert list((tmp_path / "runs" / "polymarket_btc5m").glob("journal.sqlite"))
