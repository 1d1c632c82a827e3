"""What is recorded while a node trades is what its raw frames tell, to the last bit."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from nautilus_trader.common import Environment, LoggerConfig, LogLevel
from nautilus_trader.live import LiveNode, LiveNodeConfig
from nautilus_trader.model import TraderId
from test_kalshi_data import PACE, SECOND, SERIES, A, B, Rehearsal, now_ns, side
from wire_between import Wire

from adapters.kalshi.config import KalshiDataConfig
from adapters.kalshi.factories.data import KalshiDataClientConfig, KalshiDataClientFactory
from markets.facts import FACTS, DataGap, MarketPhase, MarketResolution, Phase
from simulation.wire.fault_plan import FaultPlan
from simulation.wire.kalshi import KalshiDouble
from simulation.wire.kalshi_settings import KalshiSettings
from storage.coverage import coverage
from storage.reading import CatalogReader
from system.importing import import_kalshi
from system.recording import Recording


@pytest.fixture
def record(monkeypatch, tmp_path):
    def play(scene, *, lasts_secs=60.0):
        asyncio.run(_bounded(monkeypatch, tmp_path, scene, lasts_secs))

    return play


async def _bounded(monkeypatch, folder, scene, lasts_secs):
    async with asyncio.timeout(60):
        double = KalshiDouble(KalshiSettings(tier="premier"), seed=7, now_ns=now_ns, plan=FaultPlan())
        urls = await double.start()
        try:
            async with Wire(urls.socket).laid() as wire:
                on = Rehearsal(double, urls, wire)
                await _recorded(monkeypatch, folder, scene, on, lasts_secs)
        finally:
            await double.stop()
        assert double.errors == []


async def _recorded(monkeypatch, folder, scene, on, lasts_secs):
    at_ns = now_ns()
    on.list(A, at_ns - SECOND, at_ns + round(lasts_secs * SECOND))
    for trusted in ("crowd", "taker"):
        on.double.control.make_trusted(trusted, 2)
    on.rest(A, "bid", "0.40", "100")
    on.rest(A, "ask", "0.60", "100")
    credentials = on.double.add_key("alice", "ed25519")
    pem = credentials.private_pem
    monkeypatch.setenv("KALSHI_API_KEY", credentials.key_id)
    monkeypatch.setenv("KALSHI_PRIVATE_KEY", pem if isinstance(pem, str) else pem.decode())
    on.troubles = []
    on.recording = Recording(folder, "run-1", now_ns=now_ns, on_trouble=on.troubles.append)
    try:
        async with _running(on):
            await scene(on)
    finally:
        on.recording.close()
    assert on.troubles == []
    live = on.recording.folders
    result = import_kalshi([live.raw], folder / "imported", strict=True)
    assert result.problems == ()
    assert _rows(folder / "imported") == _rows(live.catalog)
    on.check(CatalogReader(live.catalog), coverage(live.catalog))


@asynccontextmanager
async def _running(on):
    class Factory(KalshiDataClientFactory):
        @staticmethod
        def create(**context):
            on.clients.append(KalshiDataClientFactory.create(**context))
            return on.client

    settings = KalshiDataConfig(rest_url=on.urls.rest, socket_url=on.wire.url, reconnect_first_secs=0.05)
    client = KalshiDataClientConfig(
        settings=settings,
        series=(SERIES,),
        pace=PACE,
        tap=on.recording.tap("KALSHI"),
        note=on.recording.note("KALSHI"),
    )
    config = LiveNodeConfig(
        environment=Environment.LIVE,
        trader_id=TraderId("LAB-001"),
        logging=LoggerConfig(stdout_level=LogLevel.ERROR),
        data_clients={"KALSHI": client},
        timeout_disconnection_secs=2,
        delay_post_stop_secs=0,
    )
    node = LiveNode.build("recorded", config, data_factories={"KALSHI": Factory})
    node.add_actor(on.ear)
    running = asyncio.create_task(node.run_async())
    try:
        yield
    finally:
        node.handle().stop()
        await running
        node.dispose()


def _rows(root):
    """Return everything that a catalog holds, by kind and identifier, as plain text."""
    reader = CatalogReader(root)
    window = reader.window(0, 2**63 - 1)
    rows = {f"instrument {one.id} {one.ts_init}": one.to_dict() for one in reader.instruments()}
    for kind in (window.deltas, window.quotes, window.trades):
        for instrument_id, items in kind.items():
            rows[f"{type(items[0]).__name__} {instrument_id}"] = [one.to_dict() for one in items]
    for fact in FACTS:
        rows[fact.__name__] = [one.data.to_dict() for one in reader.facts(fact, 0, 2**63 - 1)]
    return rows


def test_facts_written_while_trading_are_those_of_an_import_of_the_raw_frames(record):
    async def scene(on):
        await on.with_book()
        for cents in range(41, 46):
            on.rest(A, "ask", f"0.{cents + 10}", "5")
            on.rest(A, "bid", f"0.{cents}", "5")
        on.take(A, "ask", "0.40", "30")
        opens_ns = now_ns() + SECOND
        on.list(B, opens_ns, opens_ns + 60 * SECOND)
        await on.with_book(B)
        await on.until(lambda: any(one.phase is Phase.CLOSED for one in on.ear.of("MarketPhase")), secs=20)
        on.double.life.determine(A, "yes")
        await on.until(lambda: len(on.ear.of("InstrumentClose")) == 2, secs=20)
        on.rest(B, "bid", "0.50", "4")
        await on.until(lambda: on.ear.levels(side(B))[0] == [("0.5000", "4.00")], secs=20)

        def check(reader, held):
            heard = {one: on.ear.of(one, side(A)) for one in ("QuoteTick", "TradeTick")}
            window = reader.window(0, 2**63 - 1)
            assert [one.to_dict() for one in window.trades[side(A)]] == [
                one.to_dict() for one in heard["TradeTick"]
            ]
            told = {one.ts_init: one.to_dict() for one in heard["QuoteTick"]}
            kept = {one.ts_init: one.to_dict() for one in window.quotes[side(A)]}
            assert kept == told
            assert [one.data for one in reader.facts(MarketResolution, 0, 2**63 - 1)] == on.ear.of(
                "MarketResolution"
            )
            phases = [one.data for one in reader.facts(MarketPhase, 0, 2**63 - 1)]
            assert phases[1:] == on.ear.of("MarketPhase")  # the first was told before anybody listened
            assert (phases[0].market, phases[0].phase) == (A, Phase.OPEN)
            issued = [(str(one.id), one.ts_init) for one in on.ear.of("BinaryOption")]
            assert sorted(issued) == sorted((str(one.id), one.ts_init) for one in reader.instruments())
            assert held.evidence == ("live",)
            assert {one.market: one.is_resolved for one in held.markets} == {
                f"{A}.KALSHI": True,
                f"{B}.KALSHI": False,
            }

        on.check = check

    record(scene, lasts_secs=4.0)


def test_lost_frames_and_connections_are_gaps_in_both(record):
    async def scene(on):
        await on.with_book()
        lost = []

        def drops(frame):
            if frame["type"] == "orderbook_delta" and not lost:
                lost.append(frame)
                return True
            return False

        on.wire.drop(drops)
        on.rest(A, "bid", "0.45", "7")
        await on.until(lambda: lost, secs=20)
        on.rest(A, "ask", "0.55", "9")
        await on.until(lambda: on.ear.of("DataGap"), secs=20)
        await on.wire.cut()
        await on.until(lambda: len(on.ear.of("DataGap")) == 2, secs=20)
        want = [[("0.4500", "7.00"), ("0.4000", "100.00")], [("0.5500", "9.00"), ("0.6000", "100.00")]]
        await on.until(lambda: on.ear.levels(side(A)) == want, secs=20)

        def check(reader, held):
            (market,) = held.markets
            reasons = [gap.reason for gap in market.gaps]
            assert len(reasons) == 3
            assert reasons[0].startswith("expected seq")
            assert reasons[1].startswith("no connection")
            assert reasons[2] == "the recording ends"
            told = [one.data for one in reader.facts(DataGap, 0, 2**63 - 1)]
            assert [(one.ts_event, one.until_ns) for one in told[:2]] == [
                (one.ts_event, one.until_ns) for one in on.ear.of("DataGap")
            ]
            assert told[2].until_ns == on.ear.of("BinaryOption")[0].expiration_ns

        on.check = check

    record(scene)
