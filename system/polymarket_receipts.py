"""What became of a split, a merge or a redemption: written down before it leaves, and again when it is known."""

import os
from decimal import Decimal
from pathlib import Path
from typing import Literal

from msgspec import Struct, json

from adapters.polymarket import constants as venue
from adapters.polymarket.signing.conversions import Kind
from risk.conversions import Sides, merge, split
from risk.ledger import Ledger

type State = Literal["dry run", "done", "refused", "unknown"]


class Receipt(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One operation: what was asked of which contract, and how it ended.

    `amount` is in shares, which are dollars too; None for a redemption, which takes all that is held. `moved_usd` is what
    the chain says the wallet got, negative when it paid; None before that is known. `tokens` are both outcomes'. A
    transaction that is `unknown` has left, and its hash will tell; nobody sends it again.
    """

    operation: Kind
    condition: str
    tokens: tuple[str, str]
    is_neg_risk: bool
    amount: Decimal | None
    contract: str
    call: str
    state: State
    at_ns: int
    wallet: str = ""
    transaction: str = ""
    moved_usd: Decimal | None = None
    reason: str = ""


def write_down(receipt: Receipt, file: Path) -> None:
    """Add a receipt to a file of JSON lines, and return when it is on the disk."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as lines:
        lines.write(json.encode(receipt) + b"\n")
        lines.flush()
        os.fsync(lines.fileno())


def post(receipt: Receipt, strategy: str, market: Sides, ledger: Ledger) -> None:
    """Book an operation that was done; ValueError for one that was not, ImpossiblePosting for what is not held.

    `market` are YES and NO as the guard knows them. A redemption is the payout of what its market's settlement left
    pending; one that brought nothing books nothing.
    """
    if receipt.state != "done" or receipt.moved_usd is None:
        raise ValueError(f"expected an operation that was done, found {receipt.state}: {receipt.reason}")
    named = receipt.transaction, receipt.at_ns
    if receipt.operation == "redeem":
        if receipt.moved_usd > 0:
            ledger.post_payout(venue.VENUE, receipt.moved_usd, receipt.at_ns, receipt.transaction)
        return
    make = split if receipt.operation == "split" else merge
    expected = receipt.amount if receipt.operation == "merge" else -(receipt.amount or Decimal(0))
    if receipt.amount is None or receipt.moved_usd != expected:
        raise ValueError(f"expected the wallet to get {expected} pUSD, found {receipt.moved_usd}")
    ledger.post_conversion(make(strategy, market, receipt.amount, *named))
