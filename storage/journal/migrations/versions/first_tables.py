"""The first tables. What a step made is told here once more, since the records will move on."""

from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

type Kind = sa.types.TypeEngine[Any] | tuple[sa.types.TypeEngine[Any]]

revision: Final = "0001"
down_revision: Final = None

KEY: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT, BIG, REAL, FLAG = sa.Text(), sa.BigInteger(), sa.Float(), sa.Boolean()
EXACT: Final = sa.Numeric().with_variant(sa.Text(), "sqlite")
PLAIN: Final = sa.JSON().with_variant(JSONB(), "postgresql")
# In parentheses a kind may be missing.
MAYBE_TEXT, MAYBE_BIG, MAYBE_REAL, MAYBE_EXACT = (TEXT,), (BIG,), (REAL,), (EXACT,)
ABOUT: Final[dict[str, Kind]] = {"noted_ns": BIG, "run": TEXT, "at_ns": BIG}
OF_ONE: Final[dict[str, Kind]] = {"strategy": TEXT, "instrument": TEXT}
ASKED: Final[dict[str, Kind]] = {"side": TEXT, "quantity": EXACT, "price": MAYBE_EXACT}


def upgrade() -> None:
    """Make them all."""
    _make_runs()
    _make_orders()
    _make_money()
    _make_rest()


def _make_runs() -> None:
    _make("runs", ABOUT, mode=TEXT, book=TEXT, trader=TEXT, engine=TEXT, hashes=PLAIN, settings=PLAIN)
    _index("runs", "run")
    _make("run_phases", ABOUT, phase=TEXT, process=TEXT, detail=TEXT)
    _index("run_phases", "run")


def _make_orders() -> None:
    _make(
        "decisions",
        ABOUT | OF_ONE,
        kind=TEXT,
        probability=MAYBE_REAL,
        bid=MAYBE_EXACT,
        ask=MAYBE_EXACT,
        detail=PLAIN,
    )
    _index("decisions", "strategy", "instrument", "at_ns")
    named: dict[str, Kind] = {"order_id": TEXT, "kind": TEXT}
    _make(
        "verdicts",
        ABOUT | named | OF_ONE | ASKED,
        worst_case_usd=MAYBE_EXACT,
        expected_fee_usd=MAYBE_EXACT,
        belief=MAYBE_REAL,
        belief_ns=MAYBE_BIG,
        bid=MAYBE_EXACT,
        ask=MAYBE_EXACT,
        rule=MAYBE_TEXT,
        reason=MAYBE_TEXT,
    )
    _index("verdicts", "order_id")
    _make("orders", ABOUT | named | OF_ONE | ASKED, terms=PLAIN)
    _index("orders", "order_id")
    heard: dict[str, Kind] = {"known_ns": BIG, "order_id": TEXT, "venue_order_id": MAYBE_TEXT}
    _make("order_events", ABOUT | heard | OF_ONE, kind=TEXT, event_id=TEXT, detail=PLAIN)
    _index("order_events", "order_id")


def _make_money() -> None:
    traded: dict[str, Kind] = {"known_ns": BIG, "order_id": TEXT, "venue_order_id": TEXT, "trade_id": TEXT}
    _make(
        "fills",
        ABOUT | traded | OF_ONE,
        outcome=PLAIN,
        side=TEXT,
        quantity=EXACT,
        price=EXACT,
        fee_usd=EXACT,
        is_taker=FLAG,
        evidence=TEXT,
        correction_id=MAYBE_TEXT,
    )
    _index("fills", "order_id")
    _index("fills", "strategy", "instrument")
    _make(
        "settlements",
        ABOUT | OF_ONE,
        outcome=PLAIN,
        quantity=EXACT,
        payout=EXACT,
        reference=TEXT,
        is_paid=FLAG,
    )
    _index("settlements", "strategy", "instrument")
    _make("transfers", ABOUT, kind=TEXT, venue=TEXT, target=MAYBE_TEXT, amount_usd=EXACT, reference=TEXT)
    _make("ledger_entries", ABOUT, kind=TEXT, reference=TEXT, account=TEXT, amount_usd=EXACT)
    _index("ledger_entries", "reference")
    _make("positions", ABOUT | OF_ONE, quantity=EXACT, cost_usd=EXACT, realized_usd=EXACT, fees_usd=EXACT)
    _index("positions", "strategy", "instrument")


def _make_rest() -> None:
    _make("risk_events", ABOUT, kind=TEXT, state=TEXT, cause=TEXT, operator=MAYBE_TEXT)
    _make("alerts", ABOUT, severity=TEXT, source=TEXT, text=TEXT)
    _make("data_health", ABOUT, source=TEXT, kind=TEXT, instrument=MAYBE_TEXT, detail=PLAIN)
    _make("kept", ABOUT, scope=TEXT, name=TEXT, plain=PLAIN)
    op.create_index("kept_once", "kept", ["scope", "name"], unique=True)
    _make(
        "commands",
        {"at_ns": BIG, "kind": TEXT},
        reason=TEXT,
        operator=TEXT,
        source=TEXT,
        mode=MAYBE_TEXT,
        taken_by=MAYBE_TEXT,
        taken_ns=MAYBE_BIG,
        done_ns=MAYBE_BIG,
        outcome=MAYBE_TEXT,
    )


def _make(table: str, columns: dict[str, Kind], /, **more: Kind) -> None:
    made = [
        sa.Column(name, kind[0], nullable=True)
        if isinstance(kind, tuple)
        else sa.Column(name, kind, nullable=False)
        for name, kind in (columns | more).items()
    ]
    op.create_table(table, sa.Column("id", KEY, primary_key=True), *made)


def _index(table: str, *columns: str) -> None:
    op.create_index(f"{table}_by_{'_'.join(columns)}", table, columns)
