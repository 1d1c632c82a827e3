"""Books with true hashes: what a venue would send for a market of two tokens, and a client's book that hears it."""

import json
from collections import Counter

import msgspec
from nautilus_trader.model import OrderBookDeltas, QuoteTick
from polymarket_samples import SECOND, gamma_market, listing

from adapters.polymarket.data.book import PolymarketBook, Proving
from adapters.polymarket.messages.clob import BookAnswer
from adapters.polymarket.messages.market_stream import BookMessage, PriceChange, PriceChangeMessage
from adapters.polymarket.parsing.book import Terms, TokenBook
from adapters.polymarket.providers.terms import terms_of_listing
from markets.instruments import make_pair
from markets.live.outlet import Outlet, Wants
from markets.mirror import Mirror

EVERY_FRAME = Proving(every_ns=0)
NEVER = 2**62
T0 = 1_791_128_530 * SECOND


class Stage:
    """A book of two tokens whose every word is kept, and a venue's own books to make true hashes with."""

    def __init__(
        self, market="0xc0c6", tokens=("1", "2"), *, is_neg_risk=False, proving=EVERY_FRAME, closes_ns=NEVER
    ):
        row = gamma_market(conditionId=market, clobTokenIds=json.dumps(tokens), negRisk=is_neg_risk)
        terms = terms_of_listing(listing(row), T0)
        self.pair, self.told, self.counts = make_pair(terms), [], Counter()
        self.wants = Wants()
        for wanted in (self.wants.books, self.wants.quotes):
            wanted |= {self.pair.yes.id, self.pair.no.id}
        outlet = Outlet(self.pair.yes.id, self.pair.no.id, self.told.append, Mirror())
        self.book = PolymarketBook(self.pair, outlet, self.wants, lambda: closes_ns, self.counts, proving)
        self.tokens = tokens
        self.theirs = [TokenBook(market, token, Terms("5", is_neg_risk=is_neg_risk)) for token in tokens]
        self.now_ns = T0

    def open(self, bids, asks, at_ms=1000, tick="0.01"):
        """Let the venue send both opening books."""
        ended = None
        for message in self.messages(bids, asks, at_ms, tick):
            ended = self.book.take_book(message, self.now_ns) or ended
        return ended

    def messages(self, bids, asks, at_ms=1000, tick="0.01"):
        sides = [(bids, asks), (turned(asks), turned(bids))]
        for theirs, (its_bids, its_asks) in zip(self.theirs, sides, strict=True):
            said = {
                "market": theirs.market,
                "asset_id": theirs.token_id,
                "timestamp": str(at_ms),
                "hash": "",
                "bids": sorted(
                    ({"price": p, "size": s} for p, s in its_bids), key=lambda one: float(one["price"])
                ),
                "asks": sorted(
                    ({"price": p, "size": s} for p, s in its_asks), key=lambda one: -float(one["price"])
                ),
                "tick_size": tick,
                "last_trade_price": theirs.last_price,
                "event_type": "book",
            }
            theirs.take_book(msgspec.convert(said, BookMessage))
            said["hash"] = theirs.hash_with(theirs.last_price)
            yield msgspec.convert(said, BookMessage)

    def change(self, *levels, at_ms=2000):
        """Return the burst that sets YES levels (side, price, size), as the venue would send it."""
        changes = []
        for side, price, size in levels:
            other = "SELL" if side == "BUY" else "BUY"
            changes.append((self.tokens[0], side, price, size))
            changes.append((self.tokens[1], other, f"{1 - float(price):.4f}".rstrip("0"), size))
        for token, side, price, size in changes:
            theirs = self.theirs[self.tokens.index(token)]
            theirs.take_change(msgspec.convert(entry(token, side, price, size), PriceChange), at_ms)
        entries = []
        for token, side, price, size in changes:
            theirs = self.theirs[self.tokens.index(token)]
            bid, ask = theirs.top
            top = {"best_bid": f"{bid / 10_000:g}", "best_ask": f"{ask / 10_000:g}"}
            entries.append(
                entry(token, side, price, size) | top | {"hash": theirs.hash_with(theirs.last_price)}
            )
        return burst(entries, at_ms)

    def take(self, message):
        self.now_ns += SECOND // 100
        self.book.take_changes(message, self.now_ns)

    def answers(self):
        """Return both books as REST shows them now."""
        return [answer_of(one) for one in self.theirs]

    def deltas(self, side=None):
        side = side or self.pair.yes.id
        return [one for one in self.told if isinstance(one, OrderBookDeltas) and one.instrument_id == side]

    def quotes(self):
        yes = self.pair.yes.id
        found = [one for one in self.told if isinstance(one, QuoteTick) and one.instrument_id == yes]
        return [(str(one.bid_price), str(one.ask_price)) for one in found]


def turned(levels):
    return [(f"{1 - float(price):.4f}".rstrip("0"), size) for price, size in levels]


def entry(token, side, price, size):
    return {"asset_id": token, "side": side, "price": price, "size": size}


def burst(entries, at_ms):
    said = {"market": "0xc0c6", "timestamp": str(at_ms), "price_changes": entries}
    return msgspec.convert(said | {"event_type": "price_change"}, PriceChangeMessage)


def answer_of(book):
    said = {
        "market": book.market,
        "asset_id": book.token_id,
        "timestamp": str(book.at_ms),
        "hash": book.hash_with(book.last_price),
        "bids": list(book.bids.values()),
        "asks": list(book.asks.values()),
        "tick_size": book.tick,
        "last_trade_price": book.last_price,
    }
    return msgspec.convert(said, BookAnswer, from_attributes=True)
