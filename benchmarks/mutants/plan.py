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
_SLOW = ("test_guardian_in_engine.py",)  # whole replays: what they notice, a faster test must notice too


def modules() -> list[str]:
    """Return the modules to break: all of risk, and the code that computes money."""
    names = [*HOUSE.glob("risk/*.py"), *HOUSE.glob("risk/rules/*.py")]
    names += [HOUSE / "pricing" / f"{name}.py" for name in _MONEY]
    names += [HOUSE / "markets/ticks.py", HOUSE / "adapters/kalshi/fees.py"]
    return sorted(_short(one) for one in names if one.name != "__init__.py")


def tests_for(module: str) -> list[str]:
    """Return the test files that are run on a broken `module`."""
    if module.startswith("risk/"):
        return sorted(
            _short(one) for one in (HOUSE / "tests/unit/risk").glob("test_*.py") if one.name not in _SLOW
        )
    if module.startswith("pricing/"):
        return sorted(_short(one) for one in (HOUSE / "tests/unit/pricing").glob("test_*.py"))
    return [
        "tests/unit/markets/test_ticks.py"
        if module.startswith("markets/")
        else "tests/adapters/kalshi/test_fees.py"
    ]


def nearest_to(module: str) -> str | None:
    """Return the test file that is named after `module`, or None."""
    name = Path(module).stem
    near = [one for one in tests_for(module) if Path(one).stem in (f"test_{name}_rules", f"test_{name}")]
    return near[0] if near else None


def fingerprint_of(files: Iterable[str]) -> str:
    """Return a hash of what stands in some files of the house, and in those that tests share."""
    shared = [_short(one) for one in (HOUSE / "tests").rglob("conftest.py")] + ["tests/replay/risk_cases.py"]
    words = b"\0".join((HOUSE / one).read_bytes() for one in sorted({*files, *shared}))
    return sha256(words).hexdigest()[:16]


def _short(path: Path) -> str:
    return str(path.relative_to(HOUSE))
