"""Whether an order may leave now: buys not while anything is unknown and not without the money, sales not without the shares."""

from decimal import Decimal

from adapters.polymarket.execution.cash import cost_usd
from adapters.polymarket.execution.desk import Desk
from adapters.polymarket.execution.tickets import Ticket


def refusal_of_risk(desk: Desk, ticket: Ticket) -> str | None:
    """Return why an order may not leave now; None when it may. Nothing can be sold short, so a sale opens no risk."""
    if ticket.side == "SELL":
        return _refusal_of_sale(desk, ticket)
    if doubt := desk.uncertainty:
        return f"VENUE_UNCERTAIN {doubt}"
    cost = cost_usd(ticket)
    free = desk.cash.free_usd(without=ticket)
    if cost > free:
        return f"INSUFFICIENT_CASH {free:.4f} pUSD are free, the order may cost {cost:.4f}"
    spender = ticket.contract.spender
    allowed = desk.cash.allowance_usd(spender)
    if cost > allowed:
        return f"INSUFFICIENT_ALLOWANCE {spender} may take {allowed:.4f} pUSD, the order may cost {cost:.4f}"
    return None


def _refusal_of_sale(desk: Desk, ticket: Ticket) -> str | None:
    token = ticket.contract.token_id
    others = [one for one in desk.tickets.open() if one is not ticket and one.side == "SELL"]
    offered = sum((one.leaves for one in others if one.contract.token_id == token), Decimal(0))
    free = desk.holdings.sellable(token) - offered
    if ticket.contracts > free:
        return f"INSUFFICIENT_SHARES {free} of {ticket.instrument_id} can be sold, the order asks for {ticket.contracts}"
    return None
