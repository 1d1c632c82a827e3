"""Where a command says which venue's money came or went, and how much."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0003"
down_revision: Final = "0002"

EXACT: Final = sa.Numeric().with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    """Add both columns; no command of before has them."""
    op.add_column("commands", sa.Column("venue", sa.Text(), nullable=True))
    op.add_column("commands", sa.Column("amount_usd", EXACT, nullable=True))
