from nautilus_trader.model import (
    AggressorSide,
    InstrumentId,
    OrderBookDeltas,
    OrderSide,
    Price,
    Quantity,
    TradeId,
    TradeTick,
)

from markets.mirror import Mirror
from simulation.messages import snapshot
from simulation.spelling import Spelling
from simulation.sweeps import Sweeps

YES, NO = (InstrumentId.from_str(f"KXFED-27JAN-C-{side}.KALSHI") for side in ("YES", "NO"))
LEVELS = {
    (OrderSide.BUY, Price.from_str("0.4800")): Quantity.from_str("100.00"),
    (OrderSide.BUY, Price.from_str("0.4700")): Quantity.from_str("30.00"),
    (OrderSide.SELL, Price.from_str("0.5200")): Quantity.from_str("40.00"),
}
SALE = TradeTick(
    YES, Price.from_str("0.4600"), Quantity.from_str("5.00"), AggressorSide.SELL, TradeId("t1"), 2, 2
)


def words(ticks):
    return [
        (str(one.price), str(one.size), one.aggressor_side.name, one.trade_id.value, one.ts_init)
        for one in ticks
    ]


def test_data_that_arrive_one_by_one_are_spelt_as_a_replay_spells_them():
    book, mirror = snapshot(YES, LEVELS, 1), Mirror()
    replayed = words(Sweeps().spell_out(book, [SALE]))
    spelling = Spelling()
    mirrored = mirror.deltas(book, NO)
    for deltas in (OrderBookDeltas(YES, book), OrderBookDeltas(NO, mirrored)):
        assert list(spelling(deltas)) == [deltas]
    assert words(spelling(SALE)) == replayed
    assert len(replayed) == 3
    expected = words(mirror.trade(one, NO) for one in Sweeps().spell_out(book, [SALE]))
    assert words(spelling(mirror.trade(SALE, NO))) == expected
