"""Whether an order may open risk now: not while anything is unknown, not without the cash on its shard."""

from decimal import Decimal

from adapters.kalshi.execution.cash import cost_usd
from adapters.kalshi.execution.desk import Desk
from adapters.kalshi.execution.tickets import Ticket


def refusal_of_risk(
    desk: Desk, ticket: Ticket, contracts: Decimal, yes_price: Decimal | None = None
) -> str | None:
    """Return why an order may not open risk now: doubt, or too little cash on its shard; None when it may."""
    if doubt := refusal_of_doubt(desk, ticket, contracts):
        return doubt
    opens, shard = _opened(desk, ticket, contracts), ticket.contract.shard
    cost = cost_usd(ticket, ticket.yes_price if yes_price is None else yes_price, opens)
    free = desk.cash.free_usd(shard, without=ticket)
    if opens > 0 and cost > free:
        found = f"shard {shard} has {free:.4f} USD free, the order may cost {cost:.4f} USD"
        return f"INSUFFICIENT_SHARD_CASH {found}"
    return None


def refusal_of_doubt(desk: Desk, ticket: Ticket, contracts: Decimal) -> str | None:
    """Return why an order may not open risk while something is unknown; None when it opens none, or all is known."""
    doubt = desk.uncertainty
    return f"VENUE_UNCERTAIN {doubt}" if doubt and _opened(desk, ticket, contracts) > 0 else None


def _opened(desk: Desk, ticket: Ticket, contracts: Decimal) -> Decimal:
    ticker, side = ticket.contract.ticker, ticket.side
    others = [one for one in desk.tickets.open() if one is not ticket]
    same = sum((one.worst[1] for one in others if _stands_with(one, ticket)), Decimal(0))
    return desk.holdings.opens(ticker, side, same + contracts) - desk.holdings.opens(ticker, side, same)


def _stands_with(one: Ticket, other: Ticket) -> bool:
    return one.contract.ticker == other.contract.ticker and one.side == other.side
