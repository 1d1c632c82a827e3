"""A run and its replay, held side by side."""

import json
from decimal import Decimal

import pytest
from typer.testing import CliRunner

from system.cli import app
from system.parity import Allowed, Side, compare_sides

START = 1_790_000_000_000_000_000


def intent(number, strategy="edge-1", price="0.4000", **changes):
    line = {
        "event": "OrderInitialized", "ts_event": START + number, "strategy_id": strategy,
        "instrument_id": "KXFED-27JAN-C-YES.KALSHI", "client_order_id": f"O-{number}", "order_side": "BUY",
        "price": price, "quantity": "10.00", "time_in_force": "IOC", "post_only": False,
    }  # fmt: skip
    return line | changes


def fill(number, **changes):
    return intent(number, event="OrderFilled", last_px="0.4000", last_qty="10.00") | changes


def report(net="5.00", by_event=("3.00", "-1.00", "3.00")):
    results = {f"E-{number}": one for number, one in enumerate(by_event)}
    return {"mode": "sandbox", "pnl_net": net, "pnl_by_event": results, "starting_usd": "1000"}


def side(*events, **changes):
    return Side(events, report(**changes))


def told(parity):
    return {one.name: (one.run, one.replay, one.difference, one.is_within) for one in parity.measures}


def test_two_sides_that_did_the_same_never_part_whatever_their_ids_and_times():
    one = side(intent(1), fill(2), intent(3, "coin-2"))
    other = side(intent(7, "coin-2", client_order_id="X"), intent(8), fill(9))
    parity = compare_sides("run", one, other, Allowed(pnl_usd=Decimal(0), win_rate=0, sharpe=0))
    assert parity.is_within
    assert parity.first is parity.first_fill is None
    assert told(parity)["win rate"] == ("0.666667", "0.666667", "0.000000", True)


def test_the_first_intent_that_differs_is_shown_from_both_sides():
    one = side(intent(1), intent(2), intent(3, "coin-2"), intent(9))
    other = side(intent(1), intent(2, price="0.4100"), intent(3, "coin-2"), intent(8, "coin-2"), intent(9))
    parity = compare_sides("run", one, other, Allowed())
    assert not parity.is_within
    assert (parity.first.strategy, parity.first.number) == ("edge-1", 2)
    assert (parity.first.run["price"], parity.first.replay["price"]) == ("0.4000", "0.4100")
    assert [(found.strategy, found.number) for found in parity.partings] == [("edge-1", 2), ("coin-2", 2)]
    assert parity.partings[1].run is None
    assert told(parity)["intents"] == ("4", "5", "0.6000 equal", False)
    assert compare_sides("run", one, other, Allowed(intents=0.6)).is_within


def test_what_the_venue_pays_out_is_no_intent_and_no_fill():
    paid = intent(5, client_order_id="EXPIRATION-1"), fill(6, client_order_id="EXPIRATION-1")
    assert compare_sides("run", side(intent(1), *paid), side(intent(1)), Allowed()).is_within


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"net": "6.01"}, "profit, USD"),
        ({"by_event": ("3.00", "-1.00", "-3.00")}, "win rate"),
        ({"by_event": ("3.00", "-3.00", "3.00")}, "Sharpe per event"),
        ({"by_event": ()}, "win rate"),
    ],
)
def test_each_figure_has_a_bound(changes, name):
    parity = compare_sides("run", side(), side(**changes), Allowed())
    assert not parity.is_within
    assert not told(parity)[name][3]


def test_a_figure_that_one_side_cannot_say_is_unknown_and_not_within():
    parity = compare_sides("run", Side([], {}), side(), Allowed())
    assert told(parity)["profit, USD"] == (None, "5.00", None, False)
    assert compare_sides("run", Side([], {}), Side([], {}), Allowed()).is_within


def test_a_folder_that_is_no_run_or_was_not_recorded_is_refused(tmp_path):
    refused = CliRunner().invoke(app, ["parity", str(tmp_path)])
    assert refused.exit_code == 2
    assert "events.jsonl" in refused.output
    (tmp_path / "events.jsonl").write_text(json.dumps(intent(1)) + "\n")
    assert "book" in CliRunner().invoke(app, ["parity", str(tmp_path)]).output
    (tmp_path / "book.toml").write_text(
        'name = "b"\ninstruments = []\nstrategies = []\nrisk = []\n'
        '[live]\nvenues = ["KALSHI"]\nstarting_usd = { KALSHI = 10 }\n'
    )
    refused = CliRunner().invoke(app, ["parity", str(tmp_path)])
    assert refused.exit_code == 2
    assert "--record" in refused.output
