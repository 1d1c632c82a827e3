"""On what a fill rests."""

from types import SimpleNamespace

from nautilus_trader.model import ClientOrderId, InstrumentId, LiquiditySide

from system.diary import Diary

YES, NO = (InstrumentId.from_str(f"M-{side}.KALSHI") for side in ("YES", "NO"))


def test_a_hole_that_comes_after_a_makers_fill_says_nothing_against_it():
    sides = {"yes": SimpleNamespace(id=YES), "no": SimpleNamespace(id=NO)}
    pair = SimpleNamespace(market="M.KALSHI", info={"has_trades": True, "recorded_as": "live"}, **sides)
    diary = Diary(None, None, None, lambda at_ns: None)
    diary.meet(pair)
    fill = SimpleNamespace(
        instrument_id=YES,
        client_order_id=ClientOrderId("O-1"),
        ts_event=100,
        liquidity_side=LiquiditySide.MAKER,
    )
    diary.blind(pair, 101)
    assert diary.evidence(fill) == "C"
    diary.blind(pair, 100)
    assert diary.evidence(fill) == "D"
