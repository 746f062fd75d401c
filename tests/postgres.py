"""A PostgreSQL server of our own for the tests: made in a temporary folder, stopped at the end.

Without server programs the tests that need one are skipped; where `CI` is set they fail.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from eventstore import EventStoreError
from eventstore.sql import upgrade
from eventstore.testing import FakeClock, FakeIds

USERS = ("postgres", "nobody")
"""Who may run the server when the tests run as root, which it refuses."""
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    # The tests kill programs, never the machine: what the kernel has is safe.
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "jit": "off",
}

_CLEAR = """
SET timescape.maintenance = on;
DELETE FROM timescape.commits;
DELETE FROM timescape.log;
DELETE FROM timescape.names;
DELETE FROM timescape.reducers;
DELETE FROM timescape.keyframes;
DELETE FROM timescape.seals;
DELETE FROM timescape.cursors;
DELETE FROM timescape.tombstones;
DELETE FROM timescape.segments;
DELETE FROM timescape.nodes;
DELETE FROM timescape.windows;
DELETE FROM timescape.subject_keys;
"""


class Server:
    """A running server, and databases in it.

    Args:
        programs: folder of `initdb` and `pg_ctl`.
        folder: empty; of the user who runs the server.
        settings: of the server.
    """

    def __init__(self, programs: Path, folder: Path, settings: Mapping[str, str]) -> None:
        self._programs = programs
        self._settings = settings
        self._folder = folder
        self._numbers = count(1)
        self._template = self._cleared = ""
        self.port = _free_port()

    def start(self) -> None:
        """Make the cluster and start it."""
        self._run("initdb", "-A", "trust", "-U", "timescape", "-E", "UTF8", "--locale=C", "-N")
        with (self._folder / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in self._settings.items())
        self.restart("start")

    def restart(self, action: str = "restart", how: str = "fast") -> None:
        """Start the server, or stop it the way *how* and start it again."""
        options = f"-p {self.port}"
        log = str(self._folder / "server.log")
        self._run("pg_ctl", action, "-w", "-m", how, "-o", options, "-l", log)

    def stop(self) -> None:
        """Stop at once."""
        self._run("pg_ctl", "stop", "-w", "-m", "immediate")

    def url(self, database: str) -> str:
        """Return the address of *database*."""
        return f"postgresql://timescape@127.0.0.1:{self.port}/{database}"

    def empty(self, encoding: str = "UTF8") -> str:
        """Make a database without tables; return its address."""
        name = f"store{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}'")
        return self.url(name)

    def upgraded(self) -> str:
        """Make a database with our tables, and nothing in them; return its address."""
        if not self._template:
            url = self.empty()
            try:
                upgrade(url, clock=FakeClock(), ids=FakeIds())
            except EventStoreError as error:
                # The server ends a transaction when the machine stood still in it for 5 s.
                if error.code != "store-unreachable":
                    raise
                upgrade(url, clock=FakeClock(), ids=FakeIds())
            self._template = url.rpartition("/")[2]
        return self.copied(self.url(self._template))

    def copied(self, url: str) -> str:
        """Make a copy of the database *url*, which nobody uses; return its address."""
        name = f"store{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {url.rpartition('/')[2]}")
        return self.url(name)

    def cleared(self) -> str:
        """Return the address of a database with our tables and nothing in them: faster."""
        if not self._cleared:
            self._cleared = self.upgraded()
        self.sql(_CLEAR, self._cleared)
        return self._cleared

    def sql(self, statement: str, url: str | None = None) -> list[tuple[object, ...]]:
        """Run *statement* as the server's owner, in a connection of its own."""
        import psycopg  # noqa: PLC0415 - where the server is missing, the driver may be too

        with psycopg.connect(url or self.url("postgres"), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return list(cursor) if cursor.description else []

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), "-D", str(self._folder), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", self._folder.owner(), "--", *command]
        with tempfile.TemporaryFile() as said:
            # Not through pipes: the server would keep them open.
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, check=False, cwd="/"
            )
            said.seek(0)
            assert done.returncode == 0, said.read().decode(errors="replace")


def programs() -> Path | None:
    """Return the folder of the newest server's programs; None: there is no server here."""
    found = shutil.which("pg_ctl")
    if found and shutil.which("initdb"):
        return Path(found).parent
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")]
    return max(folders, key=lambda folder: int(folder.parent.name), default=None)


@contextmanager
def running(**settings: str) -> Iterator[Server]:
    """Run a server for a while, or skip the test that asks; *settings* are in place of ours."""
    found = programs()
    if found is None:
        reason = "no PostgreSQL server here: no pg_ctl in PATH or /usr/lib/postgresql"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="timescape-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, next(user for user in USERS if _is_user(user)))
    server = Server(found, folder, {**SETTINGS, **settings})
    try:
        server.start()
        yield server
        server.stop()
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """One server for all tests of a run; each test makes its own databases."""
    with running() as server:
        yield server


def _is_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
