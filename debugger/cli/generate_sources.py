"""Where `timescape generate` reads what an app declares: the app, files, or a log (CG-1)."""

import argparse
from pathlib import Path

import msgspec

from debugger.cli.command import Stores
from debugger.cli.manifest import load
from debugger.cli.output import Output
from debugger.errors import NotFoundError
from debugger.session.control import control_streams
from runtime.app.gathering import can_select, of_app, of_log
from runtime.app.manifest_files import APP_FILE, name_of, read
from runtime.codegen.bundle import Declarations, read_bundle
from runtime.control import control_stream
from runtime.errors import GenerateError, NothingSelectedError
from runtime.timescape.version_ids import is_edition


class Gathered(msgspec.Struct, frozen=True):
    """What was found."""

    declared: Declarations
    at: str | None
    """The edition that is still to be chosen by; None: nothing is."""


def gather(arguments: argparse.Namespace, output: Output, stores: Stores) -> Gathered | None:
    """Read what an app declares; None: it cannot be imported, and stderr says why.

    `module:app` is imported; a file or folder is read; another name is that of an app in the
    store, where --at may be anything that selects a version.

    Raises:
        ManifestError: a file is none.
        NotFoundError: the store does not tell of such an app.
        GenerateError: --at selects nothing here.
    """
    target, at = str(arguments.app), arguments.at
    path = Path(target)
    if ":" in target:
        app = load(target, output)
        return None if app is None else Gathered(of_app(app), _edition(at))
    if path.is_dir():
        path /= APP_FILE
    if path.suffix == ".json" or path.exists():
        return Gathered(_of_file(path), _edition(at))
    return Gathered(_of_store(target, arguments, stores), None)


def _edition(at: str | None) -> str | None:
    if at is not None and not is_edition(at):
        raise GenerateError(
            problem=f"--at {at[:80]!r} is no edition.",
            remedy="Write YYYY-MM-DD. What a tag or an id points to is known to a store: "
            "name the app as it is called there, with --store.",
        )
    return at


def _of_file(path: Path) -> Declarations:
    if path.is_file():
        text = path.read_bytes()
        if text.startswith(b'{"app":') and b'"bundle":' in text[:400]:
            return read_bundle(text)
    manifests = tuple(read(path))
    return Declarations(name_of(path) or path.stem, manifests)


def _of_store(name: str, arguments: argparse.Namespace, stores: Stores) -> Declarations:
    at = arguments.at
    if at is not None and not can_select(at):
        raise GenerateError(
            problem=f"--at {at[:80]!r} selects no version.",
            remedy="Write an edition, a version id, a tag, an instant, or latest.",
        )
    with stores.session(arguments.store) as session:
        stream = control_stream(name)
        if stream not in control_streams(session):
            problem = f"The store does not tell of an app {name[:80]!r}."
            raise NotFoundError(problem, "Name it as `App(…)` does, or give module:app.")
        found = of_log(session.store, stream, name, at=at, now_us=session.sources[0]())
    if not found.manifests:
        when = "" if at is None else f" at {at}"
        raise NothingSelectedError(
            problem=f"There is no handler{when}.", remedy="`timescape versions` lists them."
        )
    return found
