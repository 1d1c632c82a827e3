"""The tables of the journal, which storage publishes: made of the records, so that the two cannot differ.

Every table has the fields of its record as columns, an `id` that rises in the order of writing, and
`noted_ns`. `commands` and `kept` are the two that are changed in place; all others only grow.
"""

from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from types import UnionType
from typing import Any, Final, get_args, get_type_hints, override

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    Index,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine

from storage.journal.records import (
    Alert,
    Conversion,
    DataHealth,
    Decision,
    Fill,
    Holding,
    Intent,
    Kept,
    LedgerEntry,
    OrderEvent,
    Plain,
    Record,
    Reversal,
    RiskEvent,
    Run,
    RunPhase,
    Settlement,
    Transfer,
    Verdict,
)

SCHEMA: Final = MetaData()


class Exact(TypeDecorator[Decimal]):
    """A decimal with every digit: NUMERIC where that is exact, text in SQLite, whose numbers are floats."""

    impl = Text
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else Numeric())

    @override
    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        return str(value) if dialect.name == "sqlite" and value is not None else value

    @override
    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


KEY: Final = BigInteger().with_variant(Integer, "sqlite")  # only an INTEGER key counts up by itself there
_TYPES: Final[Mapping[Any, TypeEngine[Any]]] = {
    str: Text(),
    int: BigInteger(),
    float: Float(),
    bool: Boolean(),
    Decimal: Exact(),
    Plain: JSON().with_variant(JSONB(), "postgresql"),
}


def _table(name: str, record: type[Record], *extras: Any) -> Table:
    hints = get_type_hints(record)
    columns = [_column(field.name, hints[field.name]) for field in fields(record)]
    noted = Column("noted_ns", BigInteger, nullable=False)
    return Table(name, SCHEMA, Column("id", KEY, primary_key=True), noted, *columns, *extras)


def _column(name: str, hint: Any) -> Column[Any]:
    if isinstance(hint, UnionType):
        return Column(name, _TYPES[get_args(hint)[0]], nullable=True)
    return Column(name, _TYPES[hint], nullable=False)


def _by(table: str, *names: str) -> Index:
    return Index(f"{table}_by_{'_'.join(names)}", *names)


TABLES: Final[Mapping[type[Record], Table]] = {
    Run: _table("runs", Run, _by("runs", "run")),
    RunPhase: _table("run_phases", RunPhase, _by("run_phases", "run")),
    Decision: _table("decisions", Decision, _by("decisions", "strategy", "instrument", "at_ns")),
    Verdict: _table("verdicts", Verdict, _by("verdicts", "order_id")),
    Intent: _table("orders", Intent, _by("orders", "order_id")),
    OrderEvent: _table("order_events", OrderEvent, _by("order_events", "order_id")),
    Fill: _table("fills", Fill, _by("fills", "order_id"), _by("fills", "strategy", "instrument")),
    Settlement: _table("settlements", Settlement, _by("settlements", "strategy", "instrument")),
    Reversal: _table("reversals", Reversal, _by("reversals", "strategy", "instrument")),
    Conversion: _table("conversions", Conversion, _by("conversions", "strategy")),
    Transfer: _table("transfers", Transfer),
    LedgerEntry: _table("ledger_entries", LedgerEntry, _by("ledger_entries", "reference")),
    Holding: _table("positions", Holding, _by("positions", "strategy", "instrument")),
    RiskEvent: _table("risk_events", RiskEvent),
    Alert: _table("alerts", Alert),
    DataHealth: _table("data_health", DataHealth),
    Kept: _table("kept", Kept, Index("kept_once", "scope", "name", unique=True)),
}

COMMANDS: Final = Table(
    "commands",
    SCHEMA,
    Column("id", KEY, primary_key=True),
    Column("at_ns", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("operator", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("mode", Text),
    Column("taken_by", Text),
    Column("taken_ns", BigInteger),
    Column("done_ns", BigInteger),
    Column("outcome", Text),
    Column("venue", Text),
    Column("amount_usd", Exact),
)
