"""What several tests of Polymarket need: small markets of our own, and recorded ones where they are."""

import json
import os
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from adapters.polymarket.messages.clob import CompactFees, CompactMarket, CompactToken
from adapters.polymarket.messages.gamma import EventRow, GammaMarket
from adapters.polymarket.providers.terms import Listing

SHARED = Path(os.environ.get("ARGONAUT_DATA", "../shared/data"))
DATA = SHARED / "polymarket"
START = 1_786_856_400  # a window's first second
SECOND = 1_000_000_000
UP, DOWN = "44741", "23220"
CONDITION = "0xc0c6"


def recorded(name):
    """Return a recorded file's text, or skip the test."""
    file = DATA / name
    if not file.exists():
        pytest.skip(f"no recording at {file}")
    return file.read_bytes()


def lines_of(name):
    return [json.loads(line) for line in recorded(name).splitlines()]


def gamma_market(**more):
    said = {
        "conditionId": CONDITION,
        "question": "Bitcoin Up or Down",
        "slug": f"btc-updown-5m-{START}",
        "clobTokenIds": json.dumps([UP, DOWN]),
        "outcomes": '["Up", "Down"]',
        "outcomePrices": '["0.505", "0.495"]',
        "active": True,
        "acceptingOrders": True,
        "endDate": "2026-08-16T05:05:00Z",
        "acceptingOrdersTimestamp": "2026-08-15T05:08:42Z",
        "orderPriceMinTickSize": 0.01,
        "orderMinSize": 5,
        "feesEnabled": True,
        "feeSchedule": {"rate": 0.07, "exponent": 1, "takerOnly": True, "rebateRate": 0.2},
    }
    return msgspec.json.decode(json.dumps(said | more).encode(), type=GammaMarket)


def compact_market(**more):
    given = {
        "condition_id": CONDITION,
        "tokens": (CompactToken(UP, "Up"), CompactToken(DOWN, "Down")),
        "tick": Decimal("0.01"),
        "min_size": Decimal(5),
        "fees": CompactFees(Decimal("0.07"), 1),
        "delays_takers": True,
    }
    return CompactMarket(**(given | more))


def listing(market=None, book=None, **event):
    row = EventRow(**({"id": "9", "slug": "the-event"} | event))
    return Listing(row, market or gamma_market(), book)
