"""API credentials, made or derived by the signature of a wallet's owner (L1).

Source: reference, section 4.1 (read 2026-11-20): POST, and where one exists for the nonce already, derive.
"""

from collections.abc import Callable

from adapters.polymarket.config import PolymarketConfig
from adapters.polymarket.constants import REQUESTS_PER_10_SECS, TIME_PATH
from adapters.polymarket.http.connection import bucket
from adapters.polymarket.messages.portfolio import ApiKey
from adapters.polymarket.signing.keys import ApiCredentials, Owner
from network.buckets import Buckets
from network.errors import Refusal
from network.outcomes import Done
from network.session import HttpSession


async def make_credentials(
    config: PolymarketConfig, owner: Owner, *, now_ns: Callable[[], int], monotonic: Callable[[], float]
) -> ApiCredentials:
    """Return the API credentials of an owner; raises from `network.errors` when the venue gives none."""
    budget = Buckets({"auth": bucket(REQUESTS_PER_10_SECS["auth"], monotonic)})

    def sign(_method: str, _path: str, at_ns: int, _body: bytes) -> dict[str, str]:
        return owner.login_headers(at_ns)

    session = HttpSession(
        config.clob_address,
        buckets=budget,
        now_ns=now_ns,
        sign=sign,
        timeout_secs=config.request_timeout_secs,
        clock_path=TIME_PATH,
    )
    async with session:
        try:
            found = (await session.read("/auth/derive-api-key", group="auth")).decode(ApiKey)
        except Refusal:
            outcome = await session.write("POST", "/auth/api-key", into=ApiKey, group="auth")
            if not isinstance(outcome, Done):
                raise Refusal("POST /auth/api-key", 0, "", outcome.reason) from None
            found = outcome.value
    return ApiCredentials(owner.address, found.api_key, found.secret, found.passphrase)
