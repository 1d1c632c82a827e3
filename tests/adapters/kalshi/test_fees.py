import json
import os
import time
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace

import pytest
from nautilus_trader.backtest import BacktestEngine, BacktestEngineConfig
from nautilus_trader.common import LoggerConfig, LogLevel
from nautilus_trader.model import (
    AccountType,
    BookAction,
    BookOrder,
    BookType,
    InstrumentClose,
    InstrumentCloseType,
    LiquiditySide,
    Money,
    OmsType,
    OrderBookDelta,
    OrderBookDeltas,
    OrderSide,
    Price,
    Quantity,
    RecordFlag,
    TimeInForce,
    TradeId,
    TraderId,
    TradeTick,
    Venue,
)
from nautilus_trader.model import AggressorSide as Aggressor
from nautilus_trader.trading import Strategy  # noqa: TID251 - the fee model is tested below our engine

from adapters.kalshi.fees import FeeChange, fee_terms
from markets.currencies import USD
from markets.instruments import MarketTerms, PriceRange, make_pair
from pricing.fees import FeeSchedule, FeeTerms, OrderFees
from simulation.fees import ScheduledFees

DATA = Path(os.environ.get("ARGONAUT_DATA", Path(__file__).parents[3] / "../shared/data")).resolve()
SECOND, START = 1_000_000_000, 1_790_000_000_000_000_000  # 21 Sept 2026


def nanoseconds(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


MAY, JULY, OCTOBER = nanoseconds("2026-05-10"), nanoseconds("2026-07-06"), nanoseconds("2026-10-07")


def schedule(fee_type="quadratic", multiplier="1", changes=()):
    return FeeSchedule.from_info({"fees": fee_terms(fee_type, Decimal(multiplier), changes)})


def recorded(path):
    file = DATA / "kalshi" / path
    if not file.exists():
        pytest.skip(f"recorded data are not here: {file.name}")
    return file.read_text()


def cash_of(row):
    """Return quantity, YES price and signed cash of a fill row as Kalshi writes it.

    `side` is the outcome bought into, so that a sale of YES shows as action=sell, side=no.
    """
    quantity = Decimal(row.get("count_fp") or row["count"])
    yes = Decimal(row.get("yes_price_dollars") or row["yes_price"])
    is_sale = row["action"] == "sell"
    leg = yes if (row["side"] == "yes") != is_sale else 1 - yes
    return quantity, yes, quantity * leg * (1 if is_sale else -1)


def charge_rows(rows, terms):
    fees = OrderFees(terms)
    return [fees.charge(*cash_of(row), True) for row in rows]


# Rows of the documented shape with figures of our own choosing, worked out by hand: model fee, trade fee
# rounded up, change floored, accumulator.
GOLDEN = [
    # 1 @ 0.92: 0.005152 -> 0.0052; -0.0852 -> -0.09; rounding 0.0048
    (MAY, [("buy", "no", "1.00", "0.9200", "0.0100")]),
    # 2 @ 0.87, then 1 more: 0.015834 -> 0.0159, rounding 0.0041; 0.007917 -> 0.0080, rounding 0.0020
    (MAY, [("sell", "yes", "2.00", "0.1300", "0.0200"), ("sell", "yes", "1.00", "0.1300", "0.0100")]),
    # 1 @ 0.75 twice: 0.013125 -> 0.0132, rounding 0.0068; the second brings 0.0136 and gets a cent
    (MAY, [("buy", "yes", "1.00", "0.7500", "0.0200"), ("buy", "yes", "1.00", "0.7500", "0.0100")]),
    (JULY, [("buy", "yes", "1.00", "0.5200", "0.0175")]),
    # 0.33 @ 0.503: 0.005774792... -> 0.005775; -0.171765 -> -0.1718; rounding 0.000035
    (OCTOBER, [("buy", "yes", "0.33", "0.5030", "0.005810")]),
    (OCTOBER, [("sell", "no", "1.00", "0.0550", "0.003700")]),
]


@pytest.mark.parametrize(("ts_ns", "fills"), GOLDEN)
def test_fees_worked_out_by_hand_are_reproduced(ts_ns, fills):
    keys = ("action", "side", "count", "yes_price")
    rows = [dict(zip(keys, fill, strict=False)) for fill in fills]
    assert charge_rows(rows, schedule().at(ts_ns)) == [Decimal(fill[-1]) for fill in fills]


def test_every_recorded_fill_is_reproduced_to_the_last_digit():
    orders = defaultdict(list)
    for line in recorded("portfolio/prod_fills_btc15m_2026-05-07_11.jsonl").splitlines():
        row = json.loads(line)
        orders[row["order_id"]].append(row)
    dated = schedule()
    reproduced = 0
    for rows in orders.values():
        terms = dated.at(rows[0]["ts"] * SECOND)
        # Fills of one order share one timestamp and come sorted by a random id: the order in which they
        # matched is not recorded, so it is enough that one order of the two explains both fees.
        assert any(
            charge_rows(order, terms) == [Decimal(row["fee_cost"]) for row in order]
            for order in permutations(rows)
        ), rows[0]["order_id"]
        reproduced += len(rows)
    assert (reproduced, len(orders)) == (316, 305)


def test_the_worked_examples_are_reproduced():
    taker, demo, maker, broker, direct, rebate, withheld = (
        entry["example"] for entry in json.loads(recorded("fees/worked_examples.json"))
    )
    may, july, october = schedule().at(MAY), schedule().at(JULY), schedule().at(OCTOBER)
    assert charge_rows([taker], may) == [Decimal(taker["fee_cost"])]
    for entry, is_taker in ((demo, True), (maker, False)):
        cash = -Decimal(entry["count"]) * Decimal(entry["price"])
        fee = OrderFees(july).charge(Decimal(entry["count"]), Decimal(entry["price"]), cash, is_taker)
        assert fee == Decimal(entry["fee_cost"])
        assert Decimal(entry["balance_before"]) + cash - fee == Decimal(entry["balance_after"])
    plain = {
        key: value for key, value in fee_terms("quadratic", Decimal(1))[-1].items() if key != "cash_unit"
    }
    through_broker = FeeTerms.from_plain(plain | {"cash_unit": "0.01"})
    for entry, terms in ((broker, through_broker), (direct, october)):
        price = Decimal(entry["price"])
        fee = OrderFees(terms).charge(Decimal(entry["count"]), price, -price, True)
        assert fee == Decimal(entry["trade_fee"]) + Decimal(entry["rounding_fee"])
        assert -price - fee == Decimal(entry["balance_change"])
    for entry in (rebate, withheld):
        rows = entry["fills_in_matching_order"]
        assert charge_rows(rows, may) == [Decimal(row["fee_cost"]) for row in rows]


@pytest.mark.parametrize(
    ("day", "fee_unit", "cash_unit"),
    [
        ("2025-06-01", "0.01", "0.01"),
        ("2026-05-27", "0.0001", "0.01"),
        ("2026-05-28", "0.0001", "0.0001"),
        ("2026-08-31", "0.0001", "0.0001"),
        ("2026-09-01", "0.000001", "0.0001"),
    ],
)
def test_rounding_follows_the_venues_periods(day, fee_unit, cash_unit):
    terms = schedule().at(nanoseconds(day))
    assert (terms.fee_unit, terms.cash_unit) == (Decimal(fee_unit), Decimal(cash_unit))


@pytest.mark.parametrize(
    ("fee_type", "multiplier", "taker_rate", "maker_rate"),
    [
        ("quadratic", "1", "0.07", "0"),
        ("quadratic_with_maker_fees", "1", "0.07", "0.0175"),
        ("quadratic_with_maker_fees", "0.5", "0.035", "0.00875"),
        ("quadratic_with_combo_maker_fees", "1", "0.07", "0.035"),
        ("quadratic", "0", "0", "0"),
    ],
)
def test_a_fee_type_and_its_multiplier_give_the_rates(fee_type, multiplier, taker_rate, maker_rate):
    terms = fee_terms(fee_type, Decimal(multiplier))
    assert {(row["taker_rate"], row["maker_rate"]) for row in terms} == {(taker_rate, maker_rate)}


def test_a_change_of_fees_holds_from_its_own_time():
    first_pitch = OCTOBER + 1
    dated = schedule("quadratic", "0.5", [FeeChange(first_pitch, "quadratic", Decimal(1))])
    assert dated.at(OCTOBER).taker_rate == Decimal("0.035")
    assert dated.at(first_pitch).taker_rate == Decimal("0.07")
    assert dated.at(first_pitch).fee_unit == Decimal("0.000001")


def test_a_change_before_a_change_of_rounding_outlives_it():
    dated = schedule("quadratic", "0.5", [FeeChange(MAY, "quadratic", Decimal(1))])
    assert [dated.at(ts_ns).taker_rate for ts_ns in (MAY - 1, MAY, OCTOBER)] == [
        Decimal("0.035"),
        Decimal("0.07"),
        Decimal("0.07"),
    ]


@pytest.mark.parametrize("fee_type", ["flat", "margin_market_maker_program_fees", "cubic", ""])
def test_a_fee_type_of_unknown_meaning_is_refused_by_name(fee_type):
    with pytest.raises(ValueError, match=f"found '{fee_type}'"):
        fee_terms(fee_type, Decimal(1))
    with pytest.raises(ValueError, match=f"found '{fee_type}'"):
        fee_terms("quadratic", Decimal(1), [FeeChange(OCTOBER, fee_type, Decimal(1))])


@pytest.mark.parametrize("multiplier", ["-1", "NaN", "Infinity"])
def test_an_impossible_multiplier_is_refused(multiplier):
    with pytest.raises(ValueError, match="multiplier"):
        fee_terms("quadratic", Decimal(multiplier))


def test_two_changes_at_one_time_are_refused():
    changes = [FeeChange(5, "quadratic", Decimal(1)), FeeChange(5, "quadratic", Decimal(2))]
    with pytest.raises(ValueError, match="two at 5"):
        fee_terms("quadratic", Decimal(1), changes)


def market(fees):
    return make_pair(
        MarketTerms(
            market="KXTOY-1",
            venue="KALSHI",
            series="KXTOY",
            event="KXTOY",
            title="A toy",
            opens_ns=START - SECOND,
            closes_ns=START + 3600 * SECOND,
            known_ns=START - SECOND,
            price_ranges=(PriceRange(Decimal(0), Decimal(1), Decimal("0.001")),),
            fees=fees,
        )
    ).yes


MAKER_FEES = fee_terms("quadratic_with_maker_fees", Decimal(1))


def order(
    name="O-1", filled="0", quantity="3", side=OrderSide.SELL, liquidity=LiquiditySide.TAKER, tags=None
):
    return SimpleNamespace(
        client_order_id=name,
        filled_qty=Quantity.from_str(filled),
        quantity=Quantity.from_str(quantity),
        side=side,
        liquidity_side=liquidity,
        tags=tags,
    )


def commission(model, order, quantity, price, fees=MAKER_FEES):
    instrument = market(fees)
    return model.get_commission(
        order, Quantity.from_str(quantity), Price.from_str(price), instrument
    ).as_decimal()


def test_the_fills_of_one_order_share_an_accumulator_and_other_orders_have_their_own():
    model = ScheduledFees(lambda: MAY)
    assert commission(model, order(), "0.24", "0.64") == Decimal("0.0136")
    assert commission(model, order("O-2"), "2.76", "0.64") == Decimal("0.0464")
    assert commission(model, order(filled="0.24"), "2.76", "0.64") == Decimal("0.0364")


@pytest.mark.parametrize(("side", "fee"), [(OrderSide.BUY, "0.005785"), (OrderSide.SELL, "0.005715")])
def test_cash_that_is_received_is_rounded_down_and_cash_that_is_paid_up(side, fee):
    # 0.33 x 0.5555 = 0.183315, the curve says 0.005705 up: 0.189020 paid or 0.177610 received, in steps of 0.0001
    assert commission(ScheduledFees(lambda: OCTOBER), order(side=side), "0.33", "0.5555") == Decimal(fee)


def test_an_instrument_that_is_issued_anew_is_charged_by_its_own_terms():
    model = ScheduledFees(lambda: OCTOBER)
    dearer = fee_terms("quadratic", Decimal(2))
    first = commission(model, order(), "1", "0.5", fee_terms("quadratic", Decimal(1)))
    instrument = make_pair(
        MarketTerms(
            market="KXTOY-1", venue="KALSHI", series="KXTOY", event="KXTOY", title="A toy", opens_ns=START - SECOND,
            closes_ns=START + SECOND, known_ns=START, price_ranges=(PriceRange(Decimal(0), Decimal(1), Decimal("0.001")),),
            fees=dearer,
        )
    ).yes  # fmt: skip
    fee = model.get_commission(order("O-2"), Quantity.from_str("1"), Price.from_str("0.5"), instrument)
    assert (first, fee.as_decimal()) == (Decimal("0.0175"), Decimal("0.035"))


def test_a_new_order_under_an_old_name_starts_with_nothing_accumulated():
    model = ScheduledFees(lambda: MAY)
    commission(model, order(), "0.24", "0.64")
    assert commission(model, order(), "2.76", "0.64") == Decimal("0.0464")


def test_fees_follow_the_clock_of_the_replay():
    now = [MAY]
    model = ScheduledFees(lambda: now[0])
    in_may = commission(model, order(), "1", "0.094")
    now[0] = OCTOBER
    assert (in_may, commission(model, order(), "1", "0.094")) == (Decimal("0.014"), Decimal("0.006000"))


def test_an_order_that_outlives_its_terms_pays_the_new_ones_and_keeps_its_accumulator():
    now = [MAY]
    model = ScheduledFees(lambda: now[0])
    assert commission(model, order(), "0.24", "0.64") == Decimal("0.0136")  # 0.0097 of it to come back
    now[0] = OCTOBER
    assert commission(model, order(filled="0.24"), "2.76", "0.64") == Decimal("0.0349")  # 0.0446 - 0.0097


def test_a_filled_order_leaves_nothing_behind():
    model = ScheduledFees(lambda: MAY)
    commission(model, order(quantity="0.24"), "0.24", "0.64")
    assert commission(model, order(filled="0.24"), "2.76", "0.64") == Decimal("0.0464")


def test_the_pessimistic_model_rounds_every_fill_to_a_cent_and_returns_nothing():
    model = ScheduledFees(lambda: MAY, pessimistic=True)
    assert commission(model, order(), "0.24", "0.64") == Decimal("0.02")
    assert commission(model, order(filled="0.24"), "2.76", "0.64") == Decimal("0.05")
    settlement = order(tags=["EXPIRATION_KALSHI_CLOSE"])
    assert commission(model, settlement, "3", "0.5") == 0


def test_an_instrument_without_fees_is_an_error_that_the_model_remembers():
    model = ScheduledFees(lambda: MAY)
    with pytest.raises(ValueError, match="fees"):
        commission(model, order(), "1", "0.5", fees=())
    with pytest.raises(LookupError, match="valid at"):
        commission(model, order(), "1", "0.5", fees=({**MAKER_FEES[0], "since_ns": OCTOBER},))
    assert "fees" in str(model.failure)


class Toy(Strategy):
    def __init__(self):
        super().__init__()
        self.fills, self.sent = [], False

    def on_start(self):
        self.subscribe_book_deltas(YES.id, BookType.L2_MBP, managed=True)

    def on_book_deltas(self, deltas):
        if not self.sent:
            self.sent = True
            self._bid("150.00", "0.5400")  # walks two levels
            self._bid("33.33", "0.5400", time_in_force=TimeInForce.IOC)
            self._bid("100.00", "0.4510")  # rests, and is hit in two parts

    def on_order_filled(self, event):
        fee = event.commission.as_decimal()
        self.fills.append((event.liquidity_side.name, str(event.last_qty), str(event.last_px), fee))

    def _bid(self, quantity, price, **terms):
        side = OrderSide.BUY
        bid = self.order_factory.limit(
            YES.id, side, Quantity.from_str(quantity), Price.from_str(price), **terms
        )
        self.submit_order(bid)


YES = market(MAKER_FEES)


def book():
    snapshot, last = RecordFlag.F_SNAPSHOT.value, RecordFlag.F_LAST.value
    levels = [(OrderSide.BUY, "0.4500", "100.00"), (OrderSide.SELL, "0.5200", "100.00")]
    levels += [(OrderSide.SELL, "0.5350", "100.00")]
    clear = BookOrder(None, Price(0, 4), Quantity(0, 2), 0)
    deltas = [OrderBookDelta(YES.id, BookAction.CLEAR, clear, snapshot, 0, START, START)]
    for side, price, size in levels:
        level = BookOrder(side, Price.from_str(price), Quantity.from_str(size), 0)
        flags = snapshot | (last if len(deltas) == len(levels) else 0)
        deltas.append(OrderBookDelta(YES.id, BookAction.ADD, level, flags, 0, START, START))
    return OrderBookDeltas(YES.id, deltas)


def trade(secs):
    at, size = START + secs * SECOND, Quantity.from_str("60.00")
    return TradeTick(YES.id, Price.from_str("0.4400"), size, Aggressor.SELL, TradeId(str(secs)), at, at)


def replay(model, strategy, instrument):
    void = InstrumentCloseType.CONTRACT_EXPIRED
    settled = START + 100 * SECOND
    engine = BacktestEngine(
        BacktestEngineConfig(trader_id=TraderId("TOY-001"), logging=LoggerConfig(stdout_level=LogLevel.OFF))
    )
    engine.add_venue(
        Venue("KALSHI"),
        OmsType.NETTING,
        AccountType.CASH,
        [Money(1000, USD)],
        base_currency=USD,
        book_type=BookType.L2_MBP,
        fee_model=model,
        queue_position=True,
        liquidity_consumption=True,
    )
    engine.add_instrument(instrument)
    engine.add_data([book(), trade(1), trade(2)])
    engine.add_data([InstrumentClose(YES.id, Price.from_str("0.5000"), void, settled, settled)])
    engine.add_strategy(strategy)
    engine.run()
    balance = engine.portfolio.account(Venue("KALSHI")).balance_total(USD).as_decimal()
    engine.dispose()
    return balance


def test_in_a_replay_takers_pay_makers_pay_a_quarter_and_settlement_is_free():
    toy = Toy()
    model = ScheduledFees(lambda: toy.clock.timestamp_ns())
    balance = replay(model, toy, YES)
    assert model.failure is None
    assert toy.fills == [
        ("TAKER", "100.00", "0.5200", Decimal("1.7472")),
        ("TAKER", "50.00", "0.5350", Decimal("0.8708")),
        ("TAKER", "33.33", "0.5350", Decimal("0.58045")),
        ("MAKER", "60.00", "0.4510", Decimal("0.2600")),
        ("MAKER", "40.00", "0.4510", Decimal("0.1733")),
        ("TAKER", "283.33", "0.5000", Decimal(0)),
    ]
    traded = sum(Decimal(size) * Decimal(price) for _, size, price, _ in toy.fills[:-1])
    fees = sum(fee for *_, fee in toy.fills)
    assert balance == 1000 - traded - fees + Decimal("283.33") / 2


def test_in_a_replay_an_instrument_without_fees_shows_as_a_failure_of_the_model():
    toy = Toy()
    model = ScheduledFees(lambda: toy.clock.timestamp_ns())
    assert replay(model, toy, market(())) == 1000
    assert "fees" in str(model.failure)


def test_the_days_of_the_schedule_are_utc_wherever_we_run(monkeypatch):
    here = fee_terms("quadratic", Decimal(1))
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert fee_terms("quadratic", Decimal(1)) == here
    finally:
        monkeypatch.undo()
        time.tzset()
