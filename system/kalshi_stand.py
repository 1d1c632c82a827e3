"""A made-up Kalshi at its stand: opened, watched, played to, judged."""

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from simulation.wire.fault_plan import FaultPlan
from simulation.wire.kalshi import KalshiDouble
from simulation.wire.kalshi_control import Listing
from simulation.wire.kalshi_crowd import CrowdSettings
from simulation.wire.kalshi_events import Action, Notice
from simulation.wire.kalshi_playback import Playback
from simulation.wire.kalshi_recordings import load_recording
from simulation.wire.kalshi_settings import KalshiSettings
from simulation.wire.kalshi_signatures import ALL_SCOPES
from simulation.wire.pacing import Pacing
from system.venue_task import USER, Address, VenueTask

_HOUR_NS: Final = 3_600_000_000_000


class KalshiStand:
    """The double of one run; `tell_open(order id, whether it is open)` hears of orders of ours."""

    def __init__(self, task: VenueTask, plan: FaultPlan, now_ns: Callable[[], int]) -> None:
        self._task = task
        self._now_ns = now_ns
        settings = KalshiSettings(tier="premier", read_lag_ms=task.read_lag_ms)
        self.double = KalshiDouble(settings, seed=task.seed, now_ns=now_ns, plan=plan)

    async def open(self, tell_open: Callable[[str, bool], None]) -> Address:
        """Open for business, with a crowd unless a recording is to be played."""
        task, double = self._task, self.double
        urls = await double.start()
        double.exchange.listeners.append(lambda notice: _tell_open(notice, tell_open))
        is_played = task.recording is not None
        key = double.add_key(USER, scopes=frozenset({"read"}) if is_played else ALL_SCOPES)
        double.control.fund(USER, task.cash_usd, exchange_index=task.shard)
        for ticker in task.markets:
            double.control.list_market(self._listing(ticker))
        if not is_played:
            settings = CrowdSettings(events_per_second=task.events_per_second, exchange_index=task.shard)
            if task.series is not None:
                settings = replace(settings, window_secs=task.window_secs, series=task.series)
            double.start_crowd(settings, seed=task.seed)
        environ = {
            "KALSHI_API_KEY": key.key_id, "KALSHI_PRIVATE_KEY": key.private_pem,
            "ARGONAUT_KALSHI_REST_URL": urls.rest, "ARGONAUT_KALSHI_SOCKET_URL": urls.socket,
        }  # fmt: skip
        return Address(rest=urls.rest, environ=environ)

    @property
    def has_listeners(self) -> bool:
        """Whether anybody has connected."""
        return bool(self.double.sockets.connections)

    def play(self, recording: Path) -> tuple[asyncio.Task[None], Pacing]:
        """Start to play; return the task and the recording's clock."""
        session = load_recording(recording)
        playback = Playback(self.double.control, session, self._task.speed, exchange_index=self._task.shard)
        return self.double.start_playback(playback), playback.pacing

    def verdict(self) -> dict[str, Any]:
        """Return what the venue holds of us at the end, and whether its own books are sound."""
        double = self.double
        snapshot = double.snapshot()
        orders, fills = snapshot.orders.get(USER, []), snapshot.fills.get(USER, [])
        return {
            "audit": double.audit(),
            "errors": [repr(error) for error in double.errors],
            "faults": dict(Counter(double.faults.kinds())),
            "open_orders": sum(order["status"] == "resting" for order in orders),
            "orders": orders,
            "fills": fills,
            "cash": {f"{shard}/{subaccount}": text for (user, shard, subaccount), text in snapshot.cash.items() if user == USER},
            "positions": {
                f"{shard}/{subaccount}": held for (user, shard, subaccount), held in snapshot.positions.items() if user == USER
            },
        }  # fmt: skip

    def _listing(self, ticker: str) -> Listing:
        event, at_ns = ticker.rpartition("-")[0] or ticker, self._now_ns()
        series = event.partition("-")[0]
        return Listing(ticker, event, series, at_ns, at_ns + 24 * _HOUR_NS, exchange_index=self._task.shard)


def _tell_open(notice: Notice, tell_open: Callable[[str, bool], None]) -> None:
    if isinstance(notice, Action):
        for order, _ in notice.orders:
            if order.user == USER:
                tell_open(order.order_id, order.on_book)
