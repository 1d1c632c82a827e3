"""Data and execution together: from a quote to the payout, our strategy behind the door, our ledger beside it."""

import asyncio
from decimal import Decimal

import pytest
from kalshi_hand import IOC
from kalshi_house import Plan, side, wall_ns
from kalshi_keeper import kept
from nautilus_trader.model import OrderFilled

from markets.facts import Phase

QUICK_END = {"determination_ms": 100, "removal_ms": 50, "clear_snapshot_ms": 100}
FEE_USD = Decimal("0.168")  # 0.07 x 10 x 0.6 x 0.4
THE_REST = {"YES": ("0.60", "9"), "NO": ("0.40", "9")}  # what completes the ten that the strategy waits for
PAYOUTS = [("YES", "yes", 10), ("YES", "no", 0), ("NO", "no", 10), ("NO", "yes", 0)]


@pytest.fixture(scope="module")
def play():
    with kept(Plan(double=QUICK_END)) as keeper:
        yield keeper


def test_a_quote_becomes_a_position_and_the_position_its_payout(play):
    async def scene(on):
        before_usd = on.ledger.cash_usd("KALSHI")
        tickers = [await on.market(size="1") for _ in PAYOUTS]
        for ticker, (outcome, _, _) in zip(tickers, PAYOUTS, strict=True):
            on.hand.wishes[side(ticker, outcome)] = Decimal(10)
            on.rest(ticker, "ask" if outcome == "YES" else "bid", *THE_REST[outcome])
        await on.until(lambda: on.events().count("Filled") == 2 * len(PAYOUTS))  # each meets two orders
        await on.agree()
        assert sum(one.commission.as_decimal() for one in fills_of(on)) == 4 * FEE_USD
        assert on.ledger.cash_usd("KALSHI") == before_usd - 4 * (6 + FEE_USD)
        await asyncio.gather(
            *(on.end(ticker, result) for ticker, (_, result, _) in zip(tickers, PAYOUTS, strict=True))
        )
        await on.until(lambda: not on.ledger.positions())
        await on.agree()
        assert on.ledger.cash_usd("KALSHI") == before_usd - 4 * (6 + FEE_USD) + 20
        for ticker, (outcome, _, payout_usd) in zip(tickers, PAYOUTS, strict=True):
            (closed,) = on.cache.positions_closed(instrument_id=side(ticker, outcome))
            assert closed.realized_pnl.as_decimal() == payout_usd - 6 - FEE_USD

    play(scene)


def fills_of(on):
    return [one for one in on.hand.happened if isinstance(one, OrderFilled)]


@pytest.mark.card("kalshi", "AR-D20")
def test_a_market_is_met_when_its_strike_is_named_and_restated_terms_reach_the_strategy(play):
    async def scene(on):
        ticker = "KXBTC15M-LATE-00"
        on.announce(ticker, floor_strike=None, yes_sub_title="Target price: TBD")
        yes = side(ticker)
        await on.until(lambda: on.cache.instrument(yes) is not None)
        assert on.cache.instrument(yes).info["floor_strike"] is None
        assert ticker not in on.hand.met
        early = on.send(ticker, "YES", "BUY", "1", "0.50")
        await on.has(early, "Denied")
        assert on.last(early, "Denied").reason == f"terms_known: the strike of {yes} is not named yet"
        on.double.control.change_facts(ticker, floor_strike=68123.45)
        await on.until(lambda: ticker in on.hand.met)
        (market,) = on.hand.met[ticker]
        assert [one.info["floor_strike"] for one in (market.yes, market.no)] == ["68123.45"] * 2
        await on.until(lambda: on.of("OrderBookDeltas", ticker, "NO"))
        on.rest(ticker, "ask", "0.60", "10")
        await on.until(lambda: on.levels(ticker)[1])
        bought = on.send(ticker, "YES", "BUY", "1", "0.60", time_in_force=IOC)
        await on.has(bought, "Filled")
        await on.agree()

        later_ns = (wall_ns() // 10**9 + 7200) * 10**9
        on.double.life.move_close(ticker, later_ns)
        await on.until(lambda: len(on.hand.terms.get(ticker, ())) == 1)
        on.double.control.override_fee(market.info["event"], "quadratic_with_maker_fees", None)
        await on.until(lambda: len(on.hand.terms[ticker]) == 2)
        moved, dearer = on.hand.terms[ticker]
        assert [one.expiration_ns for one in (moved.yes, moved.no)] == [later_ns] * 2
        *before, since = dearer.info["fees"]
        assert {one["maker_rate"] for one in before} == {"0"}
        assert since["maker_rate"] == "0.0175"
        assert moved.yes.ts_init < since["since_ns"] <= dearer.yes.ts_init
        assert len(on.hand.met[ticker]) == 1

        on.double.life.deactivate(ticker)
        await on.until(lambda: on.of("MarketPhase", ticker)[-1].phase is Phase.PAUSED)

    play(scene)
