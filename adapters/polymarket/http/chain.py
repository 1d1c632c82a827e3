"""A node of the chain: what it knows, and one transaction, sent once.

The hash is known before a byte leaves, so an outcome that nobody knows is asked for by it. Only what the node says
of the transaction before it took it refuses it. Source: Ethereum JSON-RPC, as the venue's SDK 0.14.0 uses it.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from msgspec import ValidationError, convert

from adapters.polymarket import constants as venue
from adapters.polymarket.messages.chain import MinedTransaction, RpcAnswer
from adapters.polymarket.signing.conversions import Call
from adapters.polymarket.signing.transactions import Signed, Transaction
from network.buckets import Buckets, TokenBucket
from network.errors import BadReply, Refusal
from network.outcomes import Done, Outcome, Refused, Unknown
from network.session import HttpSession

_PER_SEC: Final = 20.0
_GAS_MARGIN: Final = 1.25  # the state may change between the estimate and the block
_NOT_TAKEN: Final = ("insufficient funds", "nonce too low", "underpriced", "intrinsic gas", "gas limit")
_TAKEN: Final = ("already known", "known transaction")
_TRANSFER: Final = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
_TRANSFER_TOPICS: Final = 3


class Chain:
    """Asks a node at `url`, which may hold a key of its user: it appears in no message."""

    def __init__(self, url: str, *, now_ns: Callable[[], int], monotonic: Callable[[], float]) -> None:
        parts = urlsplit(url)
        self._path, self._params = parts.path or "/", dict(parse_qsl(parts.query))
        self._asked = 0
        budget = TokenBucket(_PER_SEC, _PER_SEC, monotonic)
        self.session = HttpSession(
            f"{parts.scheme}://{parts.netloc}", buckets=Buckets({"write": budget}), now_ns=now_ns
        )

    async def close(self) -> None:
        """Close all connections."""
        await self.session.close()

    async def must_be_polygon(self) -> None:
        """Raise BadReply when the node belongs to another chain."""
        found = _number(await self._ask("eth_chainId"))
        if found != venue.CHAIN_ID:
            raise BadReply("eth_chainId", f"expected chain {venue.CHAIN_ID}, found {found}")

    async def prepare(self, call: Call, sender: str) -> Transaction:
        """Return the sender's next transaction for a call; Refusal when the chain would undo it, with its reason."""
        wish = {"from": sender, "to": call.to, "value": "0x0", "data": "0x" + call.data.hex()}
        gas = _number(await self._ask("eth_estimateGas", wish))
        nonce = _number(await self._ask("eth_getTransactionCount", sender, "pending"))
        price = _number(await self._ask("eth_gasPrice"))
        return Transaction(call, nonce, round(gas * _GAS_MARGIN), price)

    async def send(self, signed: Signed) -> Outcome[str]:
        """Send a transaction, once; done means that the node has it, not that it is in a block."""
        outcome = await self._post("eth_sendRawTransaction", "0x" + signed.raw.hex())
        if not isinstance(outcome, Done):
            return replace(outcome, reason=self._masked(outcome.reason))
        error = outcome.value.error
        if error is None:
            is_ours = outcome.value.result == signed.hash
            return Done(signed.hash, 200) if is_ours else Unknown("the node names another hash", "unreadable")
        said = error.message.lower()
        if any(one in said for one in _TAKEN):
            return Done(signed.hash, 200)
        if any(one in said for one in _NOT_TAKEN):
            return Refused(200, str(error.code), error.message)
        return Unknown(f"{error.code} {error.message}", "unexpected_status")

    async def find(self, transaction: str) -> MinedTransaction | None:
        """Return a transaction that is in a block, None while it is in none; raises from `network.errors`."""
        found = await self._ask("eth_getTransactionReceipt", transaction)
        if found is None:
            return None
        try:
            return convert(found, MinedTransaction)
        except ValidationError as error:
            raise BadReply("eth_getTransactionReceipt", str(error)) from error

    async def _ask(self, method: str, *params: Any) -> Any:
        outcome = await self._post(method, *params)
        if not isinstance(outcome, Done):
            raise BadReply(method, f"expected an answer of the node, found {self._masked(outcome.reason)}")
        if outcome.value.error is not None:
            error = outcome.value.error
            raise Refusal(method, 200, str(error.code), error.message)
        return outcome.value.result

    async def _post(self, method: str, *params: Any) -> Outcome[RpcAnswer]:
        self._asked += 1
        body = {"jsonrpc": "2.0", "id": self._asked, "method": method, "params": list(params)}
        return await self.session.write(
            "POST", self._path, into=RpcAnswer, body=body, params=self._params or None
        )

    def _masked(self, reason: str) -> str:
        return reason if self._path == "/" else reason.replace(self._path, "/…")


def money_moved(mined: MinedTransaction, wallet: str) -> int:
    """Return the units of pUSD that a transaction brought a wallet; negative when it paid. ValueError for broken logs."""
    total, mine = 0, wallet.lower()[2:].rjust(64, "0")
    for log in mined.logs:
        is_money = log.address.lower() == venue.COLLATERAL.lower()
        if not is_money or len(log.topics) != _TRANSFER_TOPICS or log.topics[0].lower() != _TRANSFER:
            continue
        moved = _number(log.data)
        total += moved * ((log.topics[2].lower()[2:] == mine) - (log.topics[1].lower()[2:] == mine))
    return total


def _number(value: Any) -> int:
    try:
        return int(value, 16)
    except (TypeError, ValueError) as error:
        raise BadReply(
            "a node of the chain", f"expected a number as 0x and digits, found {value!r}"
        ) from error
