"""The check after every execution card sees what it is there to see."""

from decimal import Decimal

from kalshi_desk import run_with
from kalshi_venue import MARKET, YES


def test_what_only_one_of_venue_cache_guard_and_ledger_knows_is_named():
    async def work(desk):
        def found():
            return [text.partition(":")[0] for text in desk.books.disagreements()]

        cid = desk.send(YES, "BUY", 5, "0.50")
        await desk.has(cid, "Accepted")
        await desk.until(lambda: found() == [])
        desk.books.ledger.deposit("KALSHI", Decimal("0.0001"), desk.books.now_ns())
        assert found() == ["cash"]
        desk.books.ledger.withdraw("KALSHI", Decimal("0.0001"), desk.books.now_ns())
        desk.books.guardian.exposure.close(cid)
        assert found() == ["reservations"]
        desk.books.guardian.adopt(desk.cache.order(cid), desk.books)
        desk.crowd("ask", "0.50", 2)  # filled at the venue; nobody here has heard of it yet
        assert found() == ["open orders", "fills", f"contracts of {MARKET}", "cash"]
        await desk.until(lambda: found() == [])
        desk.books.guardian.halt("a test", desk.books.now_ns())
        assert found() == ["the guard is halted"]

    run_with(work, agrees=False)
