"""Open stores.

The one place of the command line that knows the SQL backend, and only once a command
needs it: `timescape --help` loads no database.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from debugger.errors import BadInputError
from eventstore import EventStoreError, Imported, Store, Verdict

if TYPE_CHECKING:
    from debugger.session import Session

MAKE_ONE = (
    "Make one with `timescape demo`, or record your own app with `timescape serve module:app`; "
    "name another with --store or TIMESCAPE_STORE."
)


def open_store(
    url: str, mode: Literal["hold", "guest", "read"], keyring: Path | None = None
) -> Store:
    """Open the store at *url*, with the masters in the file *keyring* if there is one.

    Raises:
        EventStoreError: it cannot be opened; of a missing one the remedy says how to make it.
    """
    from eventstore import sql  # noqa: PLC0415 - see the module's docstring
    from runtime.app.log_settings import seal_key_file, segments_folder  # noqa: PLC0415
    from runtime.context import registry  # noqa: PLC0415
    from runtime.effects.clock import system_clock  # noqa: PLC0415
    from runtime.effects.ids import SystemIds  # noqa: PLC0415

    check_url(url)
    try:
        return sql.open_store(
            url, mode=mode, registry=registry(), clock=system_clock, ids=SystemIds(),
            seal_key_file=seal_key_file(os.environ),
            keyring=None if keyring is None else sql.read_keyring(keyring),
            segments=segments_folder(os.environ),
        )  # fmt: skip
    except EventStoreError as error:
        if error.code == "no-such-store" and url.startswith("sqlite:"):
            raise EventStoreError(error.code, error.problem, MAKE_ONE, error.fields) from error
        raise


def import_export(file: str, url: str, progress: Callable[[int, int], None]) -> Imported:
    """Bring the export *file* into the store *url*.

    Raises:
        EventStoreError: `import-conflict`, `export-broken`, `not-an-export` and others.
    """
    from eventstore import sql  # noqa: PLC0415
    from runtime.app.log_settings import segments_folder  # noqa: PLC0415
    from runtime.context import registry  # noqa: PLC0415
    from runtime.effects import SystemIds, system_clock  # noqa: PLC0415

    check_url(url)
    return sql.import_(
        Path(file), url, registry=registry(), clock=system_clock, ids=SystemIds(),
        segments=segments_folder(os.environ), progress=progress,
    )  # fmt: skip


def verify_export(file: str, progress: Callable[[int, int], None]) -> Verdict:
    """Check the export *file*.

    Raises:
        EventStoreError: `not-an-export`, `store-damaged`.
    """
    from eventstore import sql  # noqa: PLC0415

    return sql.verify_export(Path(file), progress)


def open_export(log: Path, url: str) -> Store:
    """Open the export *log* to be read, as the store *url*.

    Raises:
        EventStoreError: `not-an-export`, `export-broken`.
    """
    from eventstore import sql  # noqa: PLC0415
    from runtime.context import registry  # noqa: PLC0415
    from runtime.effects import SystemIds, system_clock  # noqa: PLC0415

    return sql.open_export(log, url, registry=registry(), clock=system_clock, ids=SystemIds())


def opened_in_place(url: str, until: ExitStack) -> tuple[Path, Sequence[Path]] | None:
    """Unpack the bundle that *url* means, for as long as *until* is open.

    Returns:
        The log in it, and where its source lies; None: *url* means a store.
    """
    from debugger import exports  # noqa: PLC0415 - only who opens a file needs it

    bundle = exports.bundle_of(url)
    if bundle is None:
        return None
    parts = until.enter_context(exports.opened_bundle(bundle))
    return parts.log, [parts.sources] if parts.sources else []


def named_store(environ: Mapping[str, str]) -> str | None:
    """Return the address of the store that the environment names, itself or by a file.

    Raises:
        BadInputError: there is no such file.
    """
    named, file = environ.get("TIMESCAPE_STORE"), environ.get("TIMESCAPE_STORE_FILE")
    if named or not file:
        return named
    try:
        return Path(file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        problem = f"TIMESCAPE_STORE_FILE names {file[:200]!r}, which cannot be read."
        raise BadInputError(problem, "Write the address of the store into it.") from error


def store_url(text: str) -> str:
    """Return the address of a store given as an address or as a file."""
    return text if "://" in text else f"sqlite:///{text}"


def url_of_file(text: str) -> str:
    """Return the address of the file that *text* names; what names none, as it is.

    A mistyped name must not make a new store: who wants one writes its address.
    """
    return store_url(text) if "://" not in text and os.path.isfile(text) else text  # noqa: PTH113


def check_url(url: str) -> None:
    """Refuse what is no address of a store.

    Raises:
        BadInputError: names the forms.
    """
    if not url.startswith(("sqlite:///", "postgresql://")) or url == "sqlite:///":
        if url and ":" not in url and url.isprintable():
            problem = f"There is no file {url[:200]!r}."
            raise BadInputError(problem, f"Where it is to be made, write sqlite:///{url[:200]}.")
        problem = f"{without_password(url)[:200]!r} is no address of a store."
        remedy = "Write sqlite:///file.db, sqlite:////folder/file.db or postgresql://host/database."
        raise BadInputError(problem, remedy)


def without_password(url: str) -> str:
    """Return the address *url* as it may be shown."""
    from eventstore import sql  # noqa: PLC0415

    return sql.without_password(url)


class SqlStores:
    """Opens stores by their address."""

    @contextmanager
    def session(
        self, url: str, *, writable: bool = False, keyring: Path | None = None
    ) -> Iterator["Session"]:
        """Open *url* for reading; *writable*: a restore opens it as a guest, for one append."""
        from debugger.session import Session  # noqa: PLC0415 - what opens no store loads none

        with ExitStack() as opened:
            parts = opened_in_place(url, opened)
            if parts is not None:
                log, roots = parts
                part = Session(open_export(log, url), source_roots=roots, is_part=True)
                yield opened.enter_context(part)
                return
        write = (lambda: open_store(url, "guest", keyring)) if writable else None
        with Session(open_store(url, "read"), write=write) as session:
            yield session
