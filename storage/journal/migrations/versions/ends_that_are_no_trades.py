"""Tables for settlements that were taken back, and for contracts that became others or money."""

from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: Final = "0002"
down_revision: Final = "0001"

KEY: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PLAIN: Final = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Make both."""
    _make("reversals", {"instrument": sa.Text(), "outcome": PLAIN, "reference": sa.Text()})
    op.create_index("reversals_by_strategy_instrument", "reversals", ["strategy", "instrument"])
    _make("conversions", {"reference": sa.Text(), "legs": PLAIN})
    op.create_index("conversions_by_strategy", "conversions", ["strategy"])


def _make(table: str, more: dict[str, sa.types.TypeEngine[Any]]) -> None:
    kinds: dict[str, sa.types.TypeEngine[Any]] = {
        "noted_ns": sa.BigInteger(),
        "run": sa.Text(),
        "at_ns": sa.BigInteger(),
        "strategy": sa.Text(),
    }
    columns = [sa.Column(name, kind, nullable=False) for name, kind in (kinds | more).items()]
    op.create_table(table, sa.Column("id", KEY, primary_key=True), *columns)
