"""Which modules are broken on purpose, and which tests must notice."""

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

HOUSE = Path(__file__).parents[2]

_MONEY = (
    "exclusive_kelly",
    "fees",
    "portfolio_kelly",
    "ranges",
    "restraint",
    "scenarios",
    "shrinkage",
    "sizing",
)
_OF_RISK = (
    "tests/unit/risk/test_*.py",
    "tests/replay/test_risk_*.py",
    "tests/replay/test_*settlement_matrix.py",
)
_OF_OTHERS = {
    "adapters/kalshi/execution/cash.py": ["tests/adapters/kalshi/test_kalshi_cash.py"],
    "adapters/kalshi/fees.py": ["tests/adapters/kalshi/test_fees.py"],
    "adapters/polymarket/execution/cash.py": [
        "tests/adapters/polymarket/test_cash.py",
        "tests/adapters/polymarket/test_holdings.py",
    ],
    "adapters/polymarket/fees.py": [
        "tests/adapters/polymarket/test_fees.py",
        "tests/adapters/polymarket/test_terms.py",
    ],
    "markets/ticks.py": ["tests/unit/markets/test_ticks.py"],
    "simulation/fees.py": ["tests/adapters/kalshi/test_fees.py"],
    "simulation/settlement.py": ["tests/unit/simulation/test_settlement.py"],
}
_SHARED = ("risk_cases", "risk_stage", "polymarket_listed", "tapes", "toy")


def modules() -> list[str]:
    """Return the modules to break: all of risk, and the code that computes money."""
    names = [*HOUSE.glob("risk/*.py"), *HOUSE.glob("risk/rules/*.py")]
    names += [HOUSE / "pricing" / f"{name}.py" for name in _MONEY]
    names += [HOUSE / name for name in _OF_OTHERS]
    return sorted(_short(one) for one in names if one.name != "__init__.py")


def tests_for(module: str) -> list[str]:
    """Return the test files that are run on a broken `module`."""
    if module.startswith("risk/"):
        return sorted(_short(one) for pattern in _OF_RISK for one in HOUSE.glob(pattern))
    if module.startswith("pricing/"):
        return sorted(_short(one) for one in (HOUSE / "tests/unit/pricing").glob("test_*.py"))
    return _OF_OTHERS[module]


def fingerprint_of(files: Iterable[str]) -> str:
    """Return a hash of what stands in some files of the house, and in those that tests share."""
    shared = [_short(one) for one in (HOUSE / "tests").rglob("conftest.py")]
    shared += [f"tests/replay/{name}.py" for name in _SHARED]
    words = b"\0".join((HOUSE / one).read_bytes() for one in sorted({*files, *shared}))
    return sha256(words).hexdigest()[:16]


def _short(path: Path) -> str:
    return str(path.relative_to(HOUSE))
