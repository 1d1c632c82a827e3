import json
from dataclasses import replace
from decimal import Decimal

from research.report import summary

PROMISED = {
    "book", "engine", "catalog", "start", "end", "events", "events_per_sec", "wall_s", "peak_rss_mb", "orders",
    "fills", "denied", "rejected", "settled_positions", "pnl_net", "fees", "pnl_by_class", "pnl_by_strategy",
    "independent_events", "brier_model", "brier_market", "ledger_conserved", "event_log_sha256", "intervals",
    "trials", "notes", "verdict", "refusals_by_rule", "pnl_by_event",
}  # fmt: skip


def test_the_summary_survives_json_with_every_promised_key(small_record):
    told = summary(small_record)
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told.keys() >= PROMISED


def test_the_summary_of_a_small_run_is_the_one_worked_by_hand(small_record):
    told = summary(small_record)
    assert (told["start"], told["end"]) == ("2026-09-21T14:13:20Z", "2026-09-21T15:13:20Z")
    assert told["events_per_sec"] == 500.0
    assert (told["pnl_net"], told["pnl_from_fills"], told["pnl_difference"]) == ("13.03", "13.03", "0")
    assert told["reconciles"] is True
    assert told["fees"] == "0.22"
    assert told["pnl_by_class"] == {"B": "7.03", "C": "6"}
    assert told["pnl_by_strategy"] == {"kelly-1": "7.03", "quoter-1": "6"}
    assert told["pnl_by_event"] == {"E1": "5.83", "E2": "7.2"}
    assert told["pnl_by_strategy_and_event"]["kelly-1"] == {"E1": "5.83", "E2": "1.2"}
    assert (told["fills"], told["independent_events"], told["brier_events"]) == (3, 2, 2)
    assert told["refusals_by_rule"] == {"max_stake": 1}
    assert told["worst_drawdown"] == "-10"
    assert told["verdict"]["level"] == "too_few"


def test_what_could_not_be_measured_is_null(make_facts, make_record):
    told = summary(make_record(make_facts(wall_secs=0.0)))
    missing = ("events_per_sec", "brier_model", "brier_market", "worst_drawdown")
    assert [told[name] for name in missing] == [None] * 4
    assert told["intervals"]["pnl_per_event"] is None
    assert told["pnl_by_class"] == {}


def test_a_ledger_that_the_fills_do_not_explain_is_shown(small_record):
    facts = replace(small_record.facts, ledger_net_usd=Decimal(13))
    told = summary(replace(small_record, facts=facts))
    assert (told["pnl_difference"], told["reconciles"], told["verdict"]["level"]) == (
        "-0.03",
        False,
        "invalid",
    )
