"""What the engine is told of orders that it knows, when it asks."""

from decimal import Decimal
from types import SimpleNamespace

from kalshi_orders import TICKER, contract, make_ticket
from nautilus_trader.model import Price, Quantity

from adapters.kalshi.execution.desk import Desk
from adapters.kalshi.execution.reporting import as_known
from adapters.kalshi.execution.statements import OrderStatement
from orders.tickets import Ending


def test_a_report_never_says_more_than_the_engine_has_applied():
    # Events wait in a queue of the engine's: told 4 and ended here, nothing applied there. A report of the 4
    # made the engine invent a fill with a fee of its own (fault campaign, seed 51).
    ticket = make_ticket(contract(), "O-1", "bid", "0.5", 4)
    ticket.told, ticket.ending, ticket.is_closed = Decimal(4), Ending("executed", Decimal(4), 9), True
    stated = OrderStatement(
        order_id="V-1",
        client_order_id="O-1",
        ticker=TICKER,
        side="bid",
        yes_price=Decimal("0.5"),
        initial=Decimal(4),
        filled=Decimal(4),
        remaining=Decimal(0),
        end="executed",
        reason="",
        at_ns=9,
        created_ns=1,
    )
    quantities = {
        "filled_qty": Quantity.from_str("1.00"),
        "quantity": Quantity.from_str("4.00"),
        "price": Price.from_str("0.4000"),
    }
    known = SimpleNamespace(is_closed=False, **quantities)
    seen = as_known(ticket, stated, known)
    assert (seen.filled, seen.remaining, seen.size, seen.end) == (1, 3, 4, None)
    assert seen.yes_price == Decimal("0.4")
    assert as_known(ticket, stated, SimpleNamespace(is_closed=True, **quantities)).end == "executed"


def test_what_the_engine_holds_is_added_up_exactly():
    # As floats these three made 2.489999999999999991.
    sizes = {"YES": ["3.50", "0.01"], "NO": ["1.02"]}

    def positions_open(instrument_id):
        leg = instrument_id.symbol.value.rpartition("-")[2]
        return [SimpleNamespace(is_long=True, quantity=Quantity.from_str(size)) for size in sizes[leg]]

    client = SimpleNamespace(cache=SimpleNamespace(positions_open=positions_open))
    assert Desk.net_in_cache(SimpleNamespace(client=client), TICKER) == Decimal("2.49")
