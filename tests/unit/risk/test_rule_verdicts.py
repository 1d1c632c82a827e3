"""What each rule says at its limit and one step beyond it: the figure found, the limit, and nothing else."""

from dataclasses import replace
from decimal import Decimal as D

import pytest
from nautilus_trader.model import InstrumentId, OrderSide, Price, Quantity, QuoteTick
from risk_cases import rules

from engine import Price as Cents
from engine import Usd
from engine.desk import Belief
from markets.facts import Condition
from risk.contract import Outcome
from risk.errors import UnknownFigure
from risk.lots import Lot
from risk.memory import UNTIL_TOLD
from risk.rules.correlation import CorrelatedSignals, MaxPairCorrelation
from risk.rules.costs import NetEdgeAfterCosts
from risk.rules.drawdown import DrawdownSteps
from risk.rules.evidence import (
    ClockSkew,
    ConfidenceFloor,
    ConfirmedBook,
    CrossedBook,
    MarketUnresolved,
    PriceJump,
    StaleSource,
    TooGoodEdge,
)
from risk.rules.exposure import (
    MaxDeployed,
    MaxOpenPositions,
    MaxStakePerCategory,
    MaxStakePerEvent,
    MaxStakePerMarket,
    MaxStakePerOutcome,
    MaxStakePerShard,
    MaxStakePerVenue,
)
from risk.rules.liquidity import MaxShareOfDepth, MaxSlippage, MaxSpread, MinLiquidity
from risk.rules.loss import (
    ConsecutiveLosses,
    MaxDailyLoss,
    MaxDailyLossShare,
    MaxLossPerTrade,
    MaxLossPerTradeShare,
    MaxWeeklyLoss,
    RatchetingDrawdown,
)
from risk.rules.pace import MaxCancelFillRatio, MaxOrdersPerSecond, MaxTradesPerDay
from risk.rules.portfolio import (
    MaxCorrelatedPositions,
    MaxExpectedShortfall,
    MaxLossPerEvent,
    MaxStressLoss,
    MaxValueAtRisk,
)
from risk.rules.rule import Pause, Rule
from risk.rules.sanity import MinimumEdge, PriceOnGrid, StalePrice, SufficientBalance
from risk.rules.shares import MaxKelly, MaxShareDeployed, MaxSharePerMarket, MaxSharePerVenue
from risk.rules.venue import FailedExecutions, MaxApiErrors, MaxFaults, MaxLatency, RejectRate, VenueMode
from risk.tally import Tally

S, START = 1_000_000_000, 1_790_000_000_000_000_000
OUTCOME = Outcome("KXFED-27JAN-C-YES.KALSHI", "KXFED-27JAN-C.KALSHI", "KXFED-27JAN.KALSHI", "KALSHI")

OTHERS = {"b": Lot(replace(OUTCOME, instrument="b", market="B"))}


def quote(bid="0.4800", ask="0.5200", bids="500", asks="500", event=0, known=0):
    return QuoteTick(
        InstrumentId.from_str(OUTCOME.instrument),
        Price.from_str(bid),
        Price.from_str(ask),
        Quantity.from_str(bids + ".00"),
        Quantity.from_str(asks + ".00"),
        START + event,
        START + known,
    )


def belief(p):
    return Belief(p, START)


def lot(
    market,
    side="YES",
    held=0,
    cost=0,
    bids=(),
    event="KXFED-27JAN.KALSHI",
    series="KXFED.KALSHI",
    underlying=None,
    exclusive=False,
):
    o = Outcome(
        f"{market}-{side}.KALSHI",
        f"{market}.KALSHI",
        event,
        "KALSHI",
        series,
        underlying,
        side == "YES",
        exclusive,
    )
    return Lot(o, D(held), D(cost), list(bids))


def lots(*some):
    return {"held": {one.outcome.instrument: one for one in some}}


MINE = lot("KXFED-27JAN-C", held=10, cost=4)
OTHER = lot("KXFED-27JAN-H", held=10, cost=4)
FAR = lot("KXCPI-27JAN-T", held=10, cost=4, event="KXCPI-27JAN.KALSHI", series="KXCPI.KALSHI")
IN_FED = {"outcome": replace(OUTCOME, series="KXFED.KALSHI")}
ON_BTC = {"outcome": replace(OUTCOME, underlying="BTC")}
MANY = [lot(f"KXFED-27JAN-{name}", held=10, cost=4) for name in "ABDEFGHI"]


def above(strike):
    bet = replace(OUTCOME, market=f"B{strike}", underlying="BTC", strike_type="greater", floor_strike=strike)
    return Lot(replace(bet, instrument=f"B{strike}-YES"), D(100), D(40))


def tally(**k):
    return {"tally": Tally(**k)}


KEL = dict(fraction=0.1, cap=0.5)
ROWS = [
    (MaxStakePerOutcome(limit=Usd(50)), {}, {"stake":10}, '50.01 USD would be at stake on KXFED-27JAN-C-YES.KALSHI, limit is 50 USD'),
    (MaxStakePerOutcome(limit=Usd("50.01")), {}, {"stake":10}, None),
    (MaxStakePerMarket(limit=Usd(50)), {}, {"market_stake":10}, '50.01 USD would be at stake on market KXFED-27JAN-C.KALSHI, limit is 50 USD'),
    (MaxStakePerMarket(limit=Usd("50.01")), {}, {"market_stake":10}, None),
    (MaxStakePerEvent(limit=Usd(50)), {}, {"event_stake":10}, '50.01 USD would be at stake on event KXFED-27JAN.KALSHI, limit is 50 USD'),
    (MaxStakePerEvent(limit=Usd("50.01")), {}, {"event_stake":10}, None),
    (MaxStakePerVenue(limit=Usd(50)), {}, {"venue_stake":10}, '50.01 USD would be at stake at KALSHI, limit is 50 USD'),
    (MaxStakePerVenue(limit=Usd("50.01")), {}, {"venue_stake":10}, None),
    (MaxStakePerShard(limit=Usd(50)), {}, {"purse_stake": 10}, '50.01 USD would be at stake on shard KALSHI/0, limit is 50 USD'),
    (MaxStakePerShard(limit=Usd("50.01")), {}, {"purse_stake": 10}, None),
    (NetEdgeAfterCosts(limit=Usd("0.1631"), yearly_rate=0, order_usd=Usd("2.00")), {}, {}, None),
    (NetEdgeAfterCosts(limit=Usd("0.1633"), yearly_rate=0, order_usd=Usd("2.00")), {}, {}, '0.1632 USD left per contract (price 0.400000, fee 0.016800, lock-up 0.000000, gas and transfer 0.020000), limit is 0.1633 USD'),
    (MaxDeployed(limit=Usd(50)), {}, {"deployed":10}, '50.01 USD would be at stake in all, limit is 50 USD'),
    (MaxDeployed(limit=Usd("50.01")), {}, {"deployed":10}, None),
    (MaxStakePerCategory(limit=Usd(47), categories={"kalshi:KXFED-*":"rates","kalshi:KXCPI-*":"prices"}), IN_FED, lots(MINE, OTHER, FAR), '48.01 USD would be at stake in category rates, limit is 47 USD'),
    (MaxStakePerCategory(limit=Usd(49), categories={"kalshi:KXFED-*":"rates","kalshi:KXCPI-*":"prices"}), IN_FED, lots(MINE, OTHER, FAR), None),
    (MaxStakePerCategory(limit=Usd(49), categories={"kalshi:KXFED-*":"rates","kalshi:KXCPI-*":"rates"}), IN_FED, lots(MINE, OTHER, FAR), '52.01 USD would be at stake in category rates, limit is 49 USD'),
    (MaxOpenPositions(limit_markets=1), {}, lots(OTHER), '2 markets would be open, limit is 1'),
    (MaxOpenPositions(limit_markets=2), {}, lots(OTHER), None),
    (MaxOpenPositions(limit_markets=1), {}, lots(MINE), None),
    (MaxOpenPositions(limit_markets=1), {}, lots(lot("KXFED-27JAN-H", bids=[(D(1),D("0.4"))])), '2 markets would be open, limit is 1'),
    (MaxOpenPositions(limit_markets=1), {}, lots(lot("KXFED-27JAN-H")), None),
    (MaxOpenPositions(limit_markets=1), {}, lots(lot("KXFED-27JAN-H", held=5)), '2 markets would be open, limit is 1'),
    (MaxSharePerMarket(share=0.05), {}, {"market_stake":10}, '50.01 USD would be at stake on market KXFED-27JAN-C.KALSHI, limit is 50 USD, 5.00 % of equity'),
    (MaxSharePerMarket(share=0.05001), {}, {"market_stake":10}, None),
    (MaxSharePerVenue(share=0.05), {}, {"venue_stake":10}, '50.01 USD would be at stake at KALSHI, limit is 50 USD, 5.00 % of equity'),
    (MaxSharePerVenue(share=0.05001), {}, {"venue_stake":10}, None),
    (MaxShareDeployed(share=0.05), {}, {"deployed":10, "equity": 1000}, '50.01 USD would be at stake in all, limit is 50 USD, 5.00 % of equity'),
    (MaxShareDeployed(share=0.05), {}, {"deployed":10, "equity": "1000.2"}, None),
    (MaxKelly(**KEL), {}, {}, '40.01 USD would be at stake on KXFED-27JAN-C-YES.KALSHI, limit is 31.412894 USD'),
    (MaxKelly(**KEL), {"worst_case_usd": D("21.4")}, {"stake":10}, None),
    (MaxKelly(**KEL), {"worst_case_usd": D("21.5")}, {"stake":10}, '31.5 USD would be at stake on KXFED-27JAN-C-YES.KALSHI, limit is 31.412894 USD'),
    (MaxKelly(fraction=1, cap=0.04), {}, {}, '40.01 USD would be at stake on KXFED-27JAN-C-YES.KALSHI, limit is 40 USD'),
    (MaxKelly(fraction=1, cap=0.0401), {}, {}, None),
    (MaxKelly(fraction=1, cap=0.05), {"worst_case_usd": D(50)}, {}, None),
    (MaxKelly(**KEL), {"belief": None}, {}, 'toy-1 holds no belief about KXFED-27JAN-C-YES.KALSHI'),
    (MaxKelly(**KEL), {"price": None}, {}, '40.01 USD would be at stake on KXFED-27JAN-C-YES.KALSHI, limit is 0 USD'),
    (MaxKelly(**KEL), {"belief": belief(0.4168)}, {}, '40.01 USD would be at stake on KXFED-27JAN-C-YES.KALSHI, limit is 0 USD'),
    (MaxKelly(**KEL), {"belief": belief(0.1)}, {}, '40.01 USD would be at stake on KXFED-27JAN-C-YES.KALSHI, limit is 0 USD'),
    (MaxKelly(**KEL), {"price": D("0.99"), "expected_fee_usd": D(1)}, {}, '40.01 USD would be at stake on KXFED-27JAN-C-YES.KALSHI, limit is 0 USD'),
    (MinLiquidity(limit_contracts=1001), {}, {}, '1000.00 contracts of KXFED-27JAN-C-YES.KALSHI on show, limit is at least 1001'),
    (MinLiquidity(limit_contracts=1000), {}, {}, None),
    (MaxShareOfDepth(share=0.19), {}, {}, '100 contracts asked, 500.00 bid for, limit is 95.0000'),
    (MaxShareOfDepth(share=0.2), {}, {}, None),
    (MaxShareOfDepth(share=0.2), {"quote": quote(bids="499")}, {}, '100 contracts asked, 499.00 bid for, limit is 99.800'),
    (MaxShareOfDepth(share=0.2), {"is_marketable": True, "quote": quote(asks="499")}, {}, '100 contracts asked, 499.00 offered, limit is 99.800'),
    (MaxShareOfDepth(share=0.2), {"is_marketable": True, "quote": quote(bids="499")}, {}, None),
    (MaxSpread(limit=Cents("0.03")), {}, {}, 'a spread of 0.04 USD (bid 0.4800, ask 0.5200), limit is 0.03 USD'),
    (MaxSpread(limit=Cents("0.04")), {}, {}, None),
    (MaxSpread(limit=Cents("1")), {"quote": quote(bid="0.0000", bids="0")}, {}, 'a spread of 0.52 USD (bid 0.0000, ask 0.5200), limit is 1 USD'),
    (MaxSpread(limit=Cents("1")), {"quote": quote(ask="1.0000", asks="0")}, {}, 'a spread of 0.52 USD (bid 0.4800, ask 1.0000), limit is 1 USD'),
    (MaxSlippage(limit=Cents("0.01")), {"price": D("0.54")}, {}, '0.54 is 0.02 USD above the ask, limit is 0.01 USD'),
    (MaxSlippage(limit=Cents("0.02")), {"price": D("0.54")}, {}, None),
    (MaxSlippage(limit=Cents("0.02")), {"price": None}, {}, 'an order without a limit price, limit is 0.02 USD above the ask'),
    (MaxSlippage(limit=Cents("0.02")), {"side": OrderSide.SELL}, {}, 'an order without a limit price, limit is 0.02 USD above the ask'),
    (MinLiquidity(limit_contracts=1), {"quote": None}, {}, 'no quote of KXFED-27JAN-C-YES.KALSHI'),
    (MaxDailyLoss(limit=Usd(50)), {}, {"lost_today": 50}, '50 USD lost today, limit is 50 USD; paused until 2026-09-22 00:00:00 UTC'),
    (MaxDailyLoss(limit=Usd(50)), {}, {"lost_today": "49.999999"}, None),
    (MaxDailyLossShare(share=0.05), {}, {"lost_today": 40, "day_start": 800}, '40 USD lost today, limit is 40 USD; paused until 2026-09-22 00:00:00 UTC'),
    (MaxDailyLossShare(share=0.05), {}, {"lost_today": "39.999999", "day_start": 800}, None),
    (MaxWeeklyLoss(limit=Usd(50)), {}, {"lost_this_week": 50}, '50 USD lost this week, limit is 50 USD; paused until 2026-09-28 00:00:00 UTC'),
    (MaxWeeklyLoss(limit=Usd(50)), {}, {"lost_this_week": "49.999999"}, None),
    (MaxLossPerTrade(limit=Usd(40)), {}, {}, '40.01 USD could be lost, limit is 40 USD'),
    (MaxLossPerTrade(limit=Usd("40.01")), {}, {}, None),
    (MaxLossPerTrade(limit=Usd(39)), {"worst_case_usd": D(1)}, {}, '40.01 USD could be lost, limit is 39 USD'),
    (MaxLossPerTradeShare(share=0.04), {}, {}, '40.01 USD could be lost, limit is 40 USD'),
    (MaxLossPerTradeShare(share=0.04), {}, {"equity": "1000.25"}, None),
    (ConsecutiveLosses(limit_losses=2, pause_secs=60), {}, tally(losses_in_a_row=2, last_loss_ns=START-59*S), '2 losses in a row, limit is 2; paused until 2026-09-21 14:13:21 UTC'),
    (ConsecutiveLosses(limit_losses=2, pause_secs=60), {}, tally(losses_in_a_row=2, last_loss_ns=START-60*S), None),
    (ConsecutiveLosses(limit_losses=2, pause_secs=60), {}, tally(losses_in_a_row=1, last_loss_ns=START), None),
    (ConsecutiveLosses(limit_losses=2, pause_secs=60), {}, tally(losses_in_a_row=3, last_loss_ns=START), '3 losses in a row, limit is 2; paused until 2026-09-21 14:14:20 UTC'),
    (RatchetingDrawdown(limit=0.1), {}, {"equity": 900, "high_water": 1000}, 'equity of 900 USD is 10.00 % below its high-water mark of 1000 USD, limit is 10.00 %; paused until equity is above 900 USD'),
    (RatchetingDrawdown(limit=0.1), {}, {"equity": "900.000001", "high_water": 1000}, None),
    (RatchetingDrawdown(limit=0.1), {}, {"equity": "0", "high_water": 0}, 'equity of 0 USD is nothing below its high-water mark of 0 USD, limit is 10.00 %; paused until equity is above 0 USD'),
    (DrawdownSteps(share=0.06, steps=((0.1,0.5),)), {}, {"scaled":"0.5"}, '40.01 USD asked, limit is 30 USD an order at 0.5 of full size, about 74.98 contracts'),
    (DrawdownSteps(share=0.06, steps=((0.1,0.5),)), {"whole_usd": D(30)}, {"scaled":"0.5"}, None),
    (DrawdownSteps(share=0.06, steps=((0.1,0.5),)), {}, {"scaled":"1"}, None),
    (DrawdownSteps(share=0.06, steps=((0.1,0.5),)), {}, {"scaled":"0"}, 'the drawdown has reached its last step, an operator must resume'),
    (StalePrice(max_age_secs=5), {"quote": None}, {}, 'no quote of KXFED-27JAN-C-YES.KALSHI, limit is 5 secs old'),
    (StalePrice(max_age_secs=5), {"now_ns": START+5*S}, {}, None),
    (StalePrice(max_age_secs=5), {"now_ns": START+5*S+1}, {}, 'the quote of KXFED-27JAN-C-YES.KALSHI is 5 secs old, limit is 5 secs'),
    (StalePrice(max_age_secs=5), {"now_ns": START-S}, {}, 'the quote of KXFED-27JAN-C-YES.KALSHI is -1 secs old, limit is 5 secs'),
    (MinimumEdge(limit=Usd("0.1832")), {}, {}, None),
    (MinimumEdge(limit=Usd("0.1833")), {}, {}, 'an edge of 0.1832 USD per contract (belief 0.6, price 0.40, fee 0.0168 USD) on KXFED-27JAN-C-YES.KALSHI, limit is 0.1833 USD'),
    (MinimumEdge(limit=Usd("0")), {"price": None}, {}, 'an edge of -0.4168 USD per contract (belief 0.6, price 1, fee 0.0168 USD) on KXFED-27JAN-C-YES.KALSHI, limit is 0 USD'),
    (MinimumEdge(limit=Usd("0")), {"belief": None}, {}, 'toy-1 holds no belief about KXFED-27JAN-C-YES.KALSHI, limit is an edge of 0 USD'),
    (PriceOnGrid(), {}, {}, None),
    (PriceOnGrid(), {"price": D("0.405")}, {}, '0.405 is no price of KXFED-27JAN-C-YES.KALSHI, the nearest are 0.40 and 0.41'),
    (PriceOnGrid(), {"price": None}, {}, None),
    (SufficientBalance(), {}, {"unreserved": "40.01"}, None),
    (SufficientBalance(), {}, {"unreserved": "40.009999"}, 'up to 40.01 USD is needed at KALSHI, free are 40.009999 USD by our ledger and 1000 USD by the account'),
    (SufficientBalance(), {"free_cash_usd": D("40.01")}, {}, None),
    (SufficientBalance(), {"free_cash_usd": D("40.009999")}, {}, 'up to 40.01 USD is needed at KALSHI, free are 1000 USD by our ledger and 40.009999 USD by the account'),
    (SufficientBalance(), {"free_cash_usd": None}, {}, 'KALSHI has not said what cash is free, ours is 1000 USD'),
    (PriceJump(share=0.1, window_secs=60), {}, {"recent_mid": "0.45"}, 'a mid of 0.5000 is 0.050 away from 0.450, its mean of 60 secs, limit is 0.045'),
    (PriceJump(share=0.1, window_secs=60), {}, {"recent_mid": "0.56"}, 'a mid of 0.5000 is 0.060 away from 0.560, its mean of 60 secs, limit is 0.056'),
    (PriceJump(share=0.1, window_secs=60), {}, {"recent_mid": "0.46"}, None),
    (PriceJump(share=0.25, window_secs=60), {}, {"recent_mid": "0.40"}, None),
    (PriceJump(share=0.1, window_secs=60), {"quote": None}, {}, 'no quote with two sides of KXFED-27JAN-C-YES.KALSHI'),
    (PriceJump(share=0.1, window_secs=60), {"quote": quote(bids="0")}, {}, 'no quote with two sides of KXFED-27JAN-C-YES.KALSHI'),
    (PriceJump(share=0.1, window_secs=60), {"quote": quote(asks="0")}, {}, 'no quote with two sides of KXFED-27JAN-C-YES.KALSHI'),
    (CrossedBook(), {"quote": None}, {}, 'no quote of KXFED-27JAN-C-YES.KALSHI'),
    (CrossedBook(), {"quote": quote(bid="0.5200")}, {}, 'a bid of 0.5200 and an ask of 0.5200 cannot both stand'),
    (CrossedBook(), {"quote": quote(bid="0.5100")}, {}, None),
    (CrossedBook(), {"quote": quote(bids="0", asks="0")}, {}, 'a bid of 0.4800 and an ask of 0.5200 cannot both stand'),
    (CrossedBook(), {"quote": quote(bids="0")}, {}, None),
    (CrossedBook(), {"quote": quote(asks="0")}, {}, None),
    (ClockSkew(limit_secs=2), {"quote": quote(known=2*S)}, {}, None),
    (ClockSkew(limit_secs=2), {"quote": quote(known=3*S)}, {}, "the quote of KXFED-27JAN-C-YES.KALSHI is 3 secs behind its venue's time, limit is 2 secs"),
    (ClockSkew(limit_secs=2), {"quote": quote(event=3*S)}, {}, "the quote of KXFED-27JAN-C-YES.KALSHI is -3 secs behind its venue's time, limit is 2 secs"),
    (ClockSkew(limit_secs=2), {"quote": None}, {}, 'no quote of KXFED-27JAN-C-YES.KALSHI'),
    (ConfirmedBook(), {}, {"doubted_ns": {"KXFED-27JAN-C.KALSHI": START-1}}, None),
    (ConfirmedBook(), {}, {"doubted_ns": {"KXFED-27JAN-C.KALSHI": START}}, 'the book of KXFED-27JAN-C.KALSHI is in doubt since 2026-09-21 14:13:20 UTC, limit is a quote after that'),
    (ConfirmedBook(), {}, {"doubted_ns": {"KXFED-27JAN-H.KALSHI": START}}, None),
    (ConfirmedBook(), {"quote": None}, {}, 'no quote of KXFED-27JAN-C-YES.KALSHI'),
    (MarketUnresolved(margin_secs=3600), {}, {}, 'KXFED-27JAN-C.KALSHI closes at 2026-09-21 15:13:20 UTC, limit is 3600 secs before'),
    (MarketUnresolved(margin_secs=3599), {}, {}, None),
    (MarketUnresolved(margin_secs=3600), {"now_ns": START - 1}, {}, None),
    (MarketUnresolved(margin_secs=0), {}, {"unsettled": {"KXFED-27JAN-C.KALSHI": "disputed"}}, 'KXFED-27JAN-C.KALSHI is disputed'),
    (MarketUnresolved(margin_secs=0), {}, {"unsettled": {"KXFED-27JAN-H.KALSHI": "disputed"}}, None),
    (TooGoodEdge(limit=Cents("0.19")), {}, {}, 'an edge of 0.2 USD on KXFED-27JAN-C-YES.KALSHI is too good, limit is 0.19 USD'),
    (TooGoodEdge(limit=Cents("0.2")), {}, {}, None),
    (TooGoodEdge(limit=Cents("0.2")), {"belief": None}, {}, 'toy-1 holds no belief about KXFED-27JAN-C-YES.KALSHI'),
    (TooGoodEdge(limit=Cents("0")), {"price": None}, {}, None),
    (ConfidenceFloor(floor=0.6), {}, {}, None),
    (ConfidenceFloor(floor=0.61), {}, {}, 'a belief of 0.6 in KXFED-27JAN-C-YES.KALSHI, limit is at least 0.61'),
    (ConfidenceFloor(floor=0.61), {"belief": None}, {}, 'toy-1 holds no belief about KXFED-27JAN-C-YES.KALSHI'),
    (MaxOrdersPerSecond(limit_orders=2), {}, tally(let_out=[START-S, START-S+1, START]), '3 orders within one second, limit is 2'),
    (MaxOrdersPerSecond(limit_orders=2), {}, tally(let_out=[START-S, START]), None),
    (MaxTradesPerDay(limit_trades=2), {}, tally(trades_today=2), 'this could be trade 3 of the day, limit is 2'),
    (MaxTradesPerDay(limit_trades=2), {}, tally(trades_today=1), None),
    (MaxTradesPerDay(limit_trades=2), {}, tally(trades_today=1) | lots(lot("KXFED-27JAN-H", bids=[(D(1),D("0.4"))])), 'this could be trade 3 of the day, limit is 2'),
    (MaxTradesPerDay(limit_trades=2), {"is_change": True}, tally(trades_today=5), None),
    (MaxCancelFillRatio(limit=2, least_cancels=4), {}, tally(cancels_today=4), '4 cancels and 0 trades today, limit is 2 for each'),
    (MaxCancelFillRatio(limit=2, least_cancels=5), {}, tally(cancels_today=4), None),
    (MaxCancelFillRatio(limit=2, least_cancels=4), {}, tally(cancels_today=4, trades_today=2), None),
    (MaxCancelFillRatio(limit=2, least_cancels=4), {}, tally(cancels_today=5, trades_today=2), '5 cancels and 2 trades today, limit is 2 for each'),
    (NetEdgeAfterCosts(limit=Usd("0.1831"), yearly_rate=1, order_usd=Usd(0)), {}, {}, None),
    (NetEdgeAfterCosts(limit=Usd("0.18316"), yearly_rate=1, order_usd=Usd(0)), {}, {}, '0.183154 USD left per contract (price 0.400000, fee 0.016800, lock-up 0.000046, gas and transfer 0.000000), limit is 0.18316 USD'),
    (NetEdgeAfterCosts(limit=Usd("0.1832"), yearly_rate=0, order_usd=Usd(0)), {}, {}, None),
    (NetEdgeAfterCosts(limit=Usd("0.1432"), yearly_rate=0.1, order_usd=Usd(0)), {"closes_ns": START + 365 * 86_400 * S}, {}, None),
    (NetEdgeAfterCosts(limit=Usd("0.1433"), yearly_rate=0.1, order_usd=Usd(0)), {"closes_ns": START + 365 * 86_400 * S}, {}, '0.1432 USD left per contract (price 0.400000, fee 0.016800, lock-up 0.040000, gas and transfer 0.000000), limit is 0.1433 USD'),
    (NetEdgeAfterCosts(limit=Usd("0"), yearly_rate=0.1, order_usd=Usd(0)), {"belief": None}, {}, 'an order on KXFED-27JAN-C-YES.KALSHI without a belief or a limit price'),
    (NetEdgeAfterCosts(limit=Usd("0"), yearly_rate=0.1, order_usd=Usd(0)), {"price": None}, {}, 'an order on KXFED-27JAN-C-YES.KALSHI without a belief or a limit price'),
    (NetEdgeAfterCosts(limit=Usd("0.1"), yearly_rate=0, order_usd=Usd(0)), {"is_marketable": True, "price": D("0.55"), "quote": quote(asks="60")}, {}, '0.0512 USD left per contract (price 0.532000, fee 0.016800, lock-up 0.000000, gas and transfer 0.000000), limit is 0.1 USD'),
    (NetEdgeAfterCosts(limit=Usd("0.1"), yearly_rate=0, order_usd=Usd(0)), {"is_marketable": True, "price": D("0.55"), "quote": quote(asks="500")}, {}, '0.0632 USD left per contract (price 0.520000, fee 0.016800, lock-up 0.000000, gas and transfer 0.000000), limit is 0.1 USD'),
    (NetEdgeAfterCosts(limit=Usd("0.2"), yearly_rate=0, order_usd=Usd(0)), {"closes_ns": START-S}, {}, '0.1832 USD left per contract (price 0.400000, fee 0.016800, lock-up 0.000000, gas and transfer 0.000000), limit is 0.2 USD'),
    (FailedExecutions(limit_failures=2, window_secs=60), {}, tally(failures={"KALSHI":[START-60*S, START-59*S, START]}), '2 failures at KALSHI within 60 secs, limit is 2'),
    (FailedExecutions(limit_failures=2, window_secs=60), {}, tally(failures={"KALSHI":[START-60*S, START]}), None),
    (FailedExecutions(limit_failures=1, window_secs=60), {}, tally(failures={"POLYMARKET":[START]}), None),
    (RejectRate(share=0.5, least_answers=2, window_secs=60), {}, tally(answers={"KALSHI":[(START, True, 0),(START, True, 0),(START, False, 0)]}), 'KALSHI rejected 2 of 3 orders within 60 secs, limit is a share of 0.5'),
    (RejectRate(share=0.5, least_answers=2, window_secs=60), {}, tally(answers={"KALSHI":[(START, True, 0),(START, False, 0)]}), None),
    (RejectRate(share=0.5, least_answers=2, window_secs=60), {}, tally(answers={"KALSHI":[(START-60*S, True, 0),(START, True, 0)]}), None),
    (MaxApiErrors(limit_errors=2, window_secs=60), {}, tally(api_errors={"KALSHI":[START-60*S, START-59*S, START]}), '2 errors of requests to KALSHI within 60 secs, limit is 2'),
    (MaxApiErrors(limit_errors=2, window_secs=60), {}, tally(api_errors={"KALSHI":[START-60*S, START]}), None),
    (MaxFaults(limit_faults=2, window_secs=60), {}, tally(faults=[START-60*S, START-59*S, START]), '2 orders could not be judged within 60 secs, limit is 2'),
    (MaxFaults(limit_faults=2, window_secs=60), {}, tally(faults=[START-60*S, START]), None),
    (MaxLatency(limit_secs=2, window_secs=60), {}, tally(answers={"KALSHI":[(START, False, 3*S), (START, False, S)]}), 'KALSHI took 3 secs for an answer within 60 secs, limit is 2 secs'),
    (MaxLatency(limit_secs=2, window_secs=60), {}, tally(answers={"KALSHI":[(START, False, 2*S)]}), None),
    (MaxLatency(limit_secs=2, window_secs=60), {}, tally(answers={"KALSHI":[(START-60*S, False, 3*S)]}), None),
    (MaxLatency(limit_secs=2, window_secs=60), {}, tally(asked_ns={"O-1":("KALSHI", START-3*S), "O-2":("KALSHI", START)}), 'KALSHI took 3 secs for an answer within 60 secs, limit is 2 secs'),
    (MaxLatency(limit_secs=2, window_secs=60), {}, tally(asked_ns={"O-1":("POLYMARKET", START-3*S)}), None),
    (MaxLatency(limit_secs=2, window_secs=60), {}, {}, None),
    (VenueMode(), {}, {}, 'KALSHI is of unknown health, expected normal'),
    (VenueMode(), {}, tally(modes={"KALSHI": Condition.NORMAL}), None),
    (VenueMode(), {}, tally(modes={"KALSHI": Condition.REDUCE_ONLY}), 'KALSHI is reduce_only, expected normal'),
    (VenueMode(), {"is_reducing": True}, tally(modes={"KALSHI": Condition.REDUCE_ONLY}), None),
    (VenueMode(), {"is_reducing": True}, {}, None),
    (VenueMode(), {"is_reducing": True}, tally(modes={"KALSHI": Condition.DOWN}), 'KALSHI is down, expected normal'),
    (VenueMode(), {"is_reducing": True}, tally(modes={"KALSHI": Condition.CANCEL_ONLY}), 'KALSHI is cancel_only, expected normal'),
    (VenueMode(), {"is_reducing": True}, tally(modes={"KALSHI": Condition.PAUSED}), 'KALSHI is paused, expected normal'),
    (VenueMode(), {"is_reducing": True}, tally(modes={"KALSHI": Condition.RESTARTING}), 'KALSHI is restarting, expected normal'),
    (MaxLossPerEvent(limit=Usd(44), gross_limit=Usd(99)), {}, lots(OTHER), 'up to 44.01 USD could be lost on event KXFED-27JAN.KALSHI, limit is 44 USD; its cost would be 44.01 USD, limit is 99 USD'),
    (MaxLossPerEvent(limit=Usd("44.01"), gross_limit=Usd("44.01")), {}, lots(OTHER), None),
    (MaxLossPerEvent(limit=Usd(99), gross_limit=Usd(44)), {}, lots(OTHER), 'up to 44.01 USD could be lost on event KXFED-27JAN.KALSHI, limit is 99 USD; its cost would be 44.01 USD, limit is 44 USD'),
    (MaxLossPerEvent(limit=Usd("40.01"), gross_limit=Usd(99)), {}, lots(FAR), None),
    (MaxLossPerEvent(limit=Usd("40.01"), gross_limit=Usd(99)), {"is_change": True}, {}, None),
    (MaxCorrelatedPositions(limit_markets=1), {}, lots(OTHER), '2 markets of KXFED-27JAN.KALSHI would be open, limit is 1'),
    (MaxCorrelatedPositions(limit_markets=2), {}, lots(OTHER), None),
    (MaxCorrelatedPositions(limit_markets=1), {}, lots(MINE, FAR), None),
    (MaxCorrelatedPositions(limit_markets=1), ON_BTC, lots(OTHER), None),
    (MaxCorrelatedPositions(limit_markets=1), ON_BTC, lots(lot("KXETH-1", held=1, cost=1, underlying="BTC")), '2 markets of BTC would be open, limit is 1'),
    (MaxValueAtRisk(share=0.04, confidence="0.95", correlation=0.5, seed=1), {}, {}, 'a value at risk of 40.01 USD at 0.95 (by enumeration), limit is 40 USD'),
    (MaxValueAtRisk(share=0.0401, confidence="0.95", correlation=0.5, seed=1), {}, {}, None),
    (MaxValueAtRisk(share=0.04, confidence="0.95", correlation=0.5, seed=1), {}, {"mark": "0.97"}, None),
    (MaxValueAtRisk(share=0.03401, confidence="0.95", correlation=0.5, seed=1), {}, {"mark": "0.9"} | lots(FAR), None),
    (MaxExpectedShortfall(share=0.02, confidence="0.95", correlation=0.5, seed=7), {}, {"mark": "0.9"} | lots(*MANY), 'an expected shortfall of 35.61 USD at 0.95 (by simulation with seed 7), limit is 20 USD'),
    (MaxExpectedShortfall(share=0.04, confidence="0.95", correlation=0.5, seed=1), {}, {}, 'an expected shortfall of 40.01 USD at 0.95 (by enumeration), limit is 40 USD'),
    (MaxExpectedShortfall(share=0.0401, confidence="0.95", correlation=0.5, seed=1), {}, {}, None),
    (MaxExpectedShortfall(share=0.01, confidence="0.95", correlation=0.5, seed=1), {}, {"mark": "0.97"}, 'an expected shortfall of 24.01 USD at 0.95 (by enumeration), limit is 10 USD'),
    (MaxExpectedShortfall(share=0.04, confidence="0.95", correlation=0.5, seed=1), {}, {"mark": "0.97"}, None),
    (MaxPairCorrelation(limit=0.6, in_group=0.5, shrinkage_changes=30), {}, {"held": OTHERS, "correlated": "0.6"}, None),
    (MaxPairCorrelation(limit=0.6, in_group=0.5, shrinkage_changes=30), {}, {"held": {"a": Lot(replace(OUTCOME, instrument="a"))}, "correlated": "0.9"}, None),
    (MaxPairCorrelation(limit=0.6, in_group=0.5, shrinkage_changes=30), {}, {"held": {"a": Lot(replace(OUTCOME, instrument="a"))} | OTHERS, "correlated": "0.9"},
     "KXFED-27JAN-C-YES.KALSHI is correlated with b by 0.900, limit is 0.6"),
    (MaxPairCorrelation(limit=0.6, in_group=0.5, shrinkage_changes=30), {}, {"held": OTHERS, "correlated": "0.601"},
     "KXFED-27JAN-C-YES.KALSHI is correlated with b by 0.601, limit is 0.6"),
    (CorrelatedSignals(limit=0.7, share=0.041, factor=0.5, shrinkage_signals=10), {}, {"correlated": "0.7"}, None),
    (CorrelatedSignals(limit=0.7, share=0.0800199, factor=0.5, shrinkage_signals=10), {}, {"correlated": "0.701"},
     "40.01 USD asked, limit is 40.00995 USD an order at 0.5 of full size (signals correlate by 0.701), about 100.00 contracts"),
    (CorrelatedSignals(limit=0.7, share=0.08002, factor=0.5, shrinkage_signals=10), {}, {"correlated": "1"}, None),
    (CorrelatedSignals(limit=0.7, share=0.04, factor=0.5, shrinkage_signals=10), {}, {},
     "40.01 USD asked, limit is 40 USD an order at 1 of full size (signals correlate by 0.000), about 99.98 contracts"),
    (MaxStressLoss(share=0.04, move=0.1, sources={}), {}, {}, "40.01 USD would be lost if every event of KXFED-27JAN.KALSHI ends at its worst, limit is 40 USD"),
    (MaxStressLoss(share=0.0401, move=0.1, sources={}), {}, {}, None),
    (MaxStressLoss(share=0.04001, move=0.1, sources={}), {}, {}, None),
    (MaxStressLoss(share=0.05601, move=0.1, sources={}), {}, lots(lot("KXFED-27JAN-C", "NO", held=100, cost=40)), None),
    # BTC stands at 100; at 90 neither what is held nor what is proposed pays, and the rest is worth a quarter of its cost.
    (MaxStressLoss(share=0.03, move=0.1, sources={"BTC": "BRTI.CFBENCHMARKS"}), {"outcome": above("105").outcome},
     {"printed": {"BRTI.CFBENCHMARKS": D(100)}, "mark": "0.1"} | lots(above("95"), FAR),
     "83.01 USD would be lost if BTC ends 10 % lower, limit is 30 USD"),
    (MaxStressLoss(share=0.03, move=0.1, sources={}), {}, lots(lot("KXFED-27JAN-C", "NO", held=100, cost=40)),
     "56.01 USD would be lost if nobody bids any more, limit is 30 USD"),
    (StaleSource(max_age_secs={"BRTI.CFBENCHMARKS": 2}), {"now_ns": START + 2 * S}, {}, None),
    (StaleSource(max_age_secs={"BRTI.CFBENCHMARKS": 2}), {"now_ns": START + 2 * S + 10**6}, {},
     "the price of BRTI.CFBENCHMARKS is 2.001 secs old, limit is 2 secs"),
    (StaleSource(max_age_secs={"BRTI.CFBENCHMARKS": 2}), {"now_ns": START - 10**6}, {},
     "the price of BRTI.CFBENCHMARKS is -0.001 secs old, limit is 2 secs"),
    (StaleSource(max_age_secs={"BRTI.CFBENCHMARKS": 2, "BTC.ELSEWHERE": 3}), {}, {},
     "no price of BTC.ELSEWHERE, limit is 3 secs old"),
    (ConfirmedBook(), {}, {"doubted_ns": {"KXFED-27JAN-C.KALSHI": UNTIL_TOLD}},
     "the venue contradicts the book of KXFED-27JAN-C.KALSHI, expected both alike"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "changes", "figures", "says"), ROWS)
def test_a_rule_says_this_at_its_limit(rule, changes, figures, says, proposal, stands):
    refusal = rule.refuse(proposal(**changes), stands(**figures))
    assert (refusal and refusal.reason) == says
    assert refusal is None or refusal.rule == rule.name


def test_a_series_without_a_category_is_an_unknown_figure(proposal, stands):
    rule = MaxStakePerCategory(limit=Usd(49), categories={"kalshi:KXCPI-*": "rates"})
    with pytest.raises(UnknownFigure, match=r"expected a category of KXFED\.KALSHI, found none"):
        rule.refuse(proposal(**IN_FED), stands())


@pytest.mark.parametrize(
    "rule",
    [MaxSpread(limit=Cents("0.03")), MaxSlippage(limit=Cents("0.03")), MinLiquidity(limit_contracts=1)],
)
def test_a_fault_cannot_be_found_without_a_quote(rule, proposal):
    with pytest.raises(UnknownFigure, match=r"expected a quote of KXFED-27JAN-C-YES\.KALSHI, found none"):
        rule.fault(proposal(quote=None))


def test_figures_that_cannot_be_are_called_by_name(proposal, stands):
    with pytest.raises(ValueError, match=r"expected a stake on market .* of at least 0 USD, found -1"):
        MaxSharePerMarket(share=0.5).refuse(proposal(), stands(market_stake=-1))
    with pytest.raises(ValueError, match="expected a correlation of signals, found nan"):
        CorrelatedSignals(limit=0.7, share=0.5, factor=0.5, shrinkage_signals=1).refuse(
            proposal(), stands(correlated="NaN")
        )


def test_every_rule_has_a_row_that_refuses_and_one_that_passes():
    refuses = {type(row[0]).__name__ for row in ROWS if row[3]}
    passes = {type(row[0]).__name__ for row in ROWS if row[3] is None}
    names = {kind.__name__ for kind in rules().values()}
    assert (names - refuses, names - passes) == (set(), set())


NEED_EQUITY = {
    "MaxSharePerMarket", "MaxSharePerVenue", "MaxShareDeployed", "MaxKelly", "MaxDailyLoss", "MaxDailyLossShare",
    "MaxWeeklyLoss", "MaxLossPerTradeShare", "RatchetingDrawdown", "DrawdownSteps", "MaxValueAtRisk",
    "MaxExpectedShortfall", "CorrelatedSignals", "MaxStressLoss",
}  # fmt: skip
MORE_IS_TIGHTER = {
    "MinLiquidity": {"limit_contracts"}, "ConsecutiveLosses": {"pause_secs"}, "MinimumEdge": {"limit"},
    "NetEdgeAfterCosts": {"limit", "yearly_rate", "order_usd"}, "MarketUnresolved": {"margin_secs"},
    "ConfidenceFloor": {"floor"}, "FailedExecutions": {"window_secs"}, "MaxApiErrors": {"window_secs"},
    "MaxFaults": {"window_secs"}, "MaxLatency": {"window_secs"}, "MaxValueAtRisk": {"confidence", "correlation"},
    "MaxExpectedShortfall": {"confidence", "correlation"}, "MaxPairCorrelation": {"in_group"}, "MaxStressLoss": {"move"},
}  # fmt: skip
PAUSES = {
    "MaxDailyLoss", "MaxDailyLossShare", "MaxWeeklyLoss", "ConsecutiveLosses", "RatchetingDrawdown",
    "DrawdownSteps",
}  # fmt: skip


@pytest.mark.parametrize("kind", rules().values(), ids=lambda kind: kind.__name__)
def test_what_a_rule_needs_and_which_way_it_is_tight(kind):
    assert kind.needs_equity is (kind.__name__ in NEED_EQUITY)
    assert kind.needs_free_cash is (kind.__name__ == "SufficientBalance")
    assert kind.higher_is_tighter == MORE_IS_TIGHTER.get(kind.__name__, set())
    assert kind.watches_prices is (kind.__name__ == "MaxPairCorrelation")
    assert kind.watches_signals is (kind.__name__ == "CorrelatedSignals")
    assert issubclass(kind, Pause) is (kind.__name__ in PAUSES)
    assert all(base.__struct_config__.frozen for base in kind.__mro__ if issubclass(base, Rule))
    assert kind.__struct_config__.forbid_unknown_fields
