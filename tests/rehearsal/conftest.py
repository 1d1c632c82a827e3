"""One live node for all tests of a file that ask for `stand`: a start costs more than most cards."""

import pytest
from kalshi_desk import Stand


@pytest.fixture(scope="module")
def stand():
    with Stand() as one:
        yield one
