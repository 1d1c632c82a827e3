"""What a node of the chain answers (JSON-RPC 2.0): numbers as 0x and hexadecimal digits."""

from typing import Any

from msgspec import Struct


class RpcError(Struct, frozen=True):
    """A node's no."""

    code: int
    message: str


class RpcAnswer(Struct, frozen=True):
    """An answer to one question; `result` is null for what the node does not know."""

    result: Any = None
    error: RpcError | None = None


class Log(Struct, frozen=True):
    """What a contract noted while it ran; the first topic says of which kind."""

    address: str
    topics: tuple[str, ...]
    data: str


class MinedTransaction(Struct, frozen=True, rename="camel"):
    """A transaction that is in a block; `status` 0x1 when it did what it should, 0x0 when it was undone."""

    transaction_hash: str
    status: str
    logs: tuple[Log, ...] = ()
