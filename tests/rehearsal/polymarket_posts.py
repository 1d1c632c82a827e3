"""Orders at Polymarket as one request makes them, for whoever trades there beside the client under test."""

import time
from decimal import Decimal

from adapters.polymarket.messages.orders import OrderBody, PostOrder
from adapters.polymarket.signing.amounts import limit_amounts
from adapters.polymarket.signing.orders import Draft, Exchange, sign_order

ZEROS = "0x" + "0" * 64


def wall_ns():
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


async def post(http, wallet, token, side, price, size, kind="GTC"):
    """Send a limit order of a standard market whose tick is a cent; return its hash and what became of it."""
    amounts = limit_amounts(side, Decimal(price), Decimal(size), Decimal("0.01"))
    salt = time.monotonic_ns() % 2**50
    draft = Draft(
        token_id=token,
        side=side,
        amounts=amounts,
        exchange=Exchange.STANDARD,
        salt=salt,
        at_ms=wall_ns() // 10**6,
    )
    signed = sign_order(draft, wallet)
    body = OrderBody(
        builder=ZEROS,
        expiration="0",
        maker=signed.maker,
        maker_amount=str(amounts.offered),
        metadata=ZEROS,
        salt=salt,
        side=side,
        signature=signed.signature,
        signature_type=0,
        signer=signed.signer,
        taker_amount=str(amounts.requested),
        timestamp=str(draft.at_ms),
        token_id=token,
    )
    order = PostOrder(order=body, order_type=kind, owner=http.credentials.key)
    return signed.order_id, await http.post_order(order, signed.order_id)
