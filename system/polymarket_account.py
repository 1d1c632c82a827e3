"""What keeps us from trading at Polymarket: key, place, account, money. It can reach what places orders, and places none."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from msgspec import MsgspecError

from adapters.polymarket.config import PolymarketExecutionConfig
from adapters.polymarket.constants import NEG_RISK_EXCHANGE, STANDARD_EXCHANGE
from adapters.polymarket.factories.execution import make_http
from adapters.polymarket.http.client import PolymarketHttp
from adapters.polymarket.http.portfolio import units
from adapters.polymarket.http.region import Region
from adapters.polymarket.signing.keys import PRIVATE_KEY_NAME, BadCredentials, Wallet
from network.errors import NetworkError
from system.doctor import Finding

_KEY_ADVICE: Final = f"set {PRIVATE_KEY_NAME} to the key of the wallet's owner"


async def examine(
    config: PolymarketExecutionConfig,
    environ: Mapping[str, str],
    *,
    now_ns: Callable[[], int],
    monotonic: Callable[[], float],
) -> list[Finding]:
    """Return what was found; nothing changes there but that credentials are derived where none are set."""
    try:
        http, wallet = make_http(config, environ, now_ns)
    except (BadCredentials, ValueError) as error:
        return [Finding("key", "failed", str(error), _KEY_ADVICE)]
    region = Region(config.site_address, now_ns=now_ns, monotonic=monotonic)
    try:
        async with http:
            account = _Account(http, wallet, region)
            key = await _asked("key", account.key())
            if key.state == "failed":
                return [key]
            return [
                key,
                await _asked("place", account.place()),
                await _asked("account", account.standing()),
                await _asked("money", account.money()),
            ]
    finally:
        await region.close()


class _Account:
    def __init__(self, http: PolymarketHttp, wallet: Wallet, region: Region) -> None:
        self._http, self._wallet, self._region = http, wallet, region

    async def key(self) -> Finding:
        await self._http.log_in()
        orders = await self._http.get_orders()
        return Finding("key", "ok", f"wallet {self._wallet.funder}, {len(orders)} open orders")

    async def place(self) -> Finding:
        found = await self._region.look()
        text = f"{found.country} {found.region}".strip() or "not said"
        if found.blocked:
            return Finding(
                "place", "failed", text, "the venue takes no orders from here: do not trade from here"
            )
        return Finding("place", "ok", text)

    async def standing(self) -> Finding:
        if await self._http.is_closed_only():
            return Finding("account", "failed", "closed only", "the venue lets it close positions only")
        return Finding("account", "ok", "it may trade")

    async def money(self) -> Finding:
        answer = await self._http.get_collateral(int(self._wallet.kind))
        allowed = {name.lower(): units(usd) for name, usd in answer.allowances.items()}
        missing = [one for one in (STANDARD_EXCHANGE, NEG_RISK_EXCHANGE) if not allowed.get(one.lower())]
        text = f"{units(answer.balance)} pUSD"
        if missing:
            mend = f"approve pUSD for {', '.join(missing)} to trade the markets that they settle"
            return Finding("money", "warning", text, mend)
        return Finding("money", "ok" if units(answer.balance) else "warning", text, "fund the wallet")


async def _asked(about: str, work: Awaitable[Finding]) -> Finding:
    try:
        return await work
    except (NetworkError, MsgspecError, ValueError) as error:
        return Finding(
            about, "failed", str(error), "see whether the venue can be reached, and whose key it is"
        )
