import json
from dataclasses import replace

import pytest

from system.book import BadBook
from system.live_plan import Wish, make_plan, parse_duration

BOOK = """
name = "one"
instruments = ["kalshi:SYNBTC15M-*", "kalshi:KXA-B-C:YES", "KXFED-27JAN-C-NO.KALSHI"]
strategies = []
risk = []
[backtest]
starting_usd = { KALSHI = 250 }
[live]
venues = ["KALSHI"]
settings = { KALSHI = { funded_shards = [2, 0] } }
"""


@pytest.fixture
def wish(tmp_path):
    (tmp_path / "book.toml").write_text(BOOK)
    (tmp_path / "plan.toml").write_text('name = "calm"\n')
    return Wish(book=tmp_path / "book.toml", out=tmp_path / "runs")


def recording(folder, *lines):
    file = folder / "session.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in lines))
    return file


@pytest.mark.parametrize(
    ("text", "secs"), [("90s", 90.0), ("10m", 600.0), ("1.5h", 5400.0), ("2d", 172800.0)]
)
def test_a_duration_has_a_number_and_a_unit(text, secs):
    assert parse_duration(text) == secs


@pytest.mark.parametrize("text", ["", "m", "10", "-1s", "0s", "infs", "nanm", "10 weeks"])
def test_any_other_duration_is_refused_by_name(text):
    with pytest.raises(BadBook, match="expected a duration"):
        parse_duration(text)


def test_a_rehearsal_lists_what_the_book_names_with_its_money_on_its_shard(wish, tmp_path):
    plan = make_plan(replace(wish, mode="rehearsal", fault_plan=tmp_path / "plan.toml", seed=5), {}, 0)
    assert (plan.venue.series, plan.venue.markets) == ("SYNBTC15M", ("KXA-B-C", "KXFED-27JAN-C"))
    assert (plan.venue.shard, plan.venue.cash_usd, plan.venue.seed) == (2, "250", 5)
    assert plan.run.startswith("19700101T000000-rehearsal-")
    assert plan.folder == tmp_path / "runs" / "one" / plan.run


def test_a_rehearsal_of_polymarket_names_its_series_and_markets(wish, tmp_path):
    names = '["polymarket:btc-updown-5m-*", "polymarket:will-it-rain:Yes"]'
    book = (
        f'name = "two"\ninstruments = {names}\nstrategies = []\nrisk = []\n[live]\nvenues = ["POLYMARKET"]\n'
    )
    (tmp_path / "book.toml").write_text(book)
    venue = make_plan(replace(wish, mode="rehearsal", fault_plan=tmp_path / "plan.toml"), {}, 0).venue
    assert (venue.venue, venue.series, venue.markets) == ("POLYMARKET", "btc-updown-5m", ("will-it-rain",))


@pytest.mark.parametrize("venues", ['["KALSHI", "POLYMARKET"]', '["BYBIT"]'])
def test_a_rehearsal_needs_one_venue_that_has_a_double(wish, tmp_path, venues):
    (tmp_path / "book.toml").write_text(BOOK.replace('["KALSHI"]', venues))
    with pytest.raises(BadBook, match="expected one venue with a double"):
        make_plan(replace(wish, mode="rehearsal", fault_plan=tmp_path / "plan.toml"), {}, 0)


def test_a_sandbox_on_a_live_venue_starts_no_venue_of_ours(wish):
    assert make_plan(wish, {}, 0).venue is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": 1}, "--seed in mode rehearsal only"),
        ({"mode": "rehearsal", "playback": "x"}, "--playback in mode sandbox only"),
        ({"speed": 2.0}, "--playback with it"),
        ({"playback": "nowhere.jsonl"}, "argonaut make-up"),
        ({"mode": "live"}, "the book does not trade money"),
    ],
)
def test_what_does_not_fit_together_is_refused(wish, tmp_path, change, words):
    if "playback" in change:
        change = change | {"playback": tmp_path / change["playback"]}
    with pytest.raises(BadBook, match=words):
        make_plan(replace(wish, **change), {}, 0)


def test_a_recording_of_a_venue_is_recorded_and_one_of_ours_or_of_a_double_stays_synthetic(wish, tmp_path):
    def is_recorded(*lines):
        return make_plan(replace(wish, playback=recording(tmp_path, *lines)), {}, 0).is_recorded

    frame = {"recv_ns": 1, "frame": {"type": "ticker", "msg": {"market_ticker": "KXA-B-C"}}}
    head = {"recv_ns": 1, "control": "recording", "info": {"schema": 1, "run": "r"}}
    doubles = {"recv_ns": 1, "control": "row", "info": {"rules_primary": "Made up for a rehearsal."}}
    assert is_recorded(frame)
    assert is_recorded(head, frame)
    assert not is_recorded({"recv_ns": 1, "control": "recording", "info": {"source": "SYNTHETIC"}}, frame)
    assert not is_recorded(head, doubles, frame)
    index = {"recv_ns": 1, "epoch": 1, "frame": {"type": "cfbenchmarks_value", "msg": {}}}
    assert not is_recorded(head | {"epoch": 0}, *[index] * 200, doubles)


def test_a_file_that_is_no_recording_is_refused_with_its_name(wish, tmp_path):
    (tmp_path / "session.jsonl").write_text("hello")
    with pytest.raises(BadBook, match=r"session\.jsonl"):
        make_plan(replace(wish, playback=tmp_path / "session.jsonl"), {}, 0)
