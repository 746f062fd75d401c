"""`timescape manifest`: what an app declares, as data (MG-1, MG-9, MG-10, MG-11)."""

import argparse
import traceback
import warnings
from pathlib import Path
from typing import Any

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.manifests_carried import ACTIONS, carry
from debugger.cli.output import Column, Output
from debugger.cli.watching import watch
from debugger.errors import BadInputError
from runtime import App
from runtime.app.manifest_files import APP_FILE, read, write
from runtime.errors import AppImportError, RegistrationError, RegistrationWarning
from runtime.manifests import HandlerManifest
from runtime.manifests.comparing import Change, compare, worst

COLUMNS = (
    Column("handler"), Column("version"), Column("route", cut=True), Column("contract"),
    Column("fingerprint"), Column("needs", cut=True),
)  # fmt: skip
CHANGES = (Column("handler"), Column("version"), Column("verdict"), Column("reason", cut=True))
_VERDICTS = {"same": Exit.OK, "changed": Exit.CHANGED, "breaking": Exit.BREAKING}
_DIGITS = 12


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("app", metavar="MODULE:APP", help="such as shop:app; or export, import")
    parser.add_argument("file", nargs="?", metavar="FILE", help="export, import: the file")
    parser.add_argument("--of", metavar="NAME", help="export: of this app, where there are several")
    parser.add_argument("--force", action="store_true", help="export: write over a file")
    parser.add_argument("--out", metavar="FOLDER", help="write a file for each version here")
    parser.add_argument("--check", metavar="FILE", help="compare with a manifest kept earlier")
    parser.add_argument(
        "--watch", action="store_true", help="with --out: again at every change, until ctrl+c"
    )


def manifest(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Print, write or compare the manifests of an app."""
    if arguments.app in ACTIONS:
        return carry(arguments, output, stores)
    if arguments.file is not None:
        problem = f"{arguments.app} takes no file."
        raise BadInputError(problem, "`timescape manifest --help` shows examples.")
    if arguments.watch:
        if not arguments.out or arguments.check:
            problem = "--watch needs --out FOLDER, and no --check."
            raise BadInputError(problem, "timescape manifest shop:app --out manifests --watch")
        words = ["manifest", arguments.app, "--out", arguments.out]
        return watch([*words, "--json"] if arguments.json else words, output)
    app = load(arguments.app, output)
    if app is None:
        return Exit.APP_ERROR
    made = app.manifests
    _tell_findings(app, output)
    if arguments.check:
        return _check(Path(arguments.check), made, output)
    if arguments.out:
        return _write(Path(arguments.out), app.name, made, output)
    _print(made, output)
    return Exit.OK


def load(target: str, output: Output) -> App | None:
    """Import the app, which is not started; None: it cannot be, and stderr says why."""
    from runtime.app import load_app  # noqa: PLC0415 - the other commands need no app

    try:
        with warnings.catch_warnings():
            # They are told with the manifests, with their places.
            warnings.simplefilter("ignore", RegistrationWarning)
            return load_app(target)
    except (AppImportError, RegistrationError) as error:
        cause = error.__cause__ if isinstance(error, AppImportError) else error
        if cause is not None:
            output.say("".join(traceback.format_exception(cause)).rstrip())
        output.say(f"timescape: {error.problem}")
        output.say(error.remedy)
        return None


def _tell_findings(app: App, output: Output) -> None:
    for handler, lines in app.findings().items():
        for line in lines:
            place, _, text = line.partition(": ")
            if output.as_json:
                output.record("finding", {"handler": handler, "place": place, "text": text})
            else:
                output.say(f"{handler}: {line}")


def _print(made: tuple[HandlerManifest, ...], output: Output) -> None:
    rows = []
    for each in made:
        plain: dict[str, Any] = each.plain()
        cells = {
            "handler": each.handler,
            "version": each.version or "-",
            "route": f"{each.method} {each.path}",
            "contract": _short(each.contract),
            "fingerprint": _short(each.fingerprint),
            "needs": ", ".join(each.needs.modules),
        }
        rows.append((plain, cells))
    output.table("manifest", COLUMNS, rows)


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:_DIGITS]


def _changes(changes: list[Change], output: Output) -> None:
    rows = []
    for each in changes:
        fields = {
            "handler": each.handler,
            "version": each.version,
            "verdict": each.verdict.name.lower(),
            "reasons": list(each.reasons),
        }
        for n, reason in enumerate(each.reasons):
            cells = {**fields, "version": each.version or "-", "reason": reason}
            if n == 0 or not output.as_json:
                rows.append((fields, cells))
    if rows or output.as_json:
        output.table("change", CHANGES, rows)


def _check(path: Path, made: tuple[HandlerManifest, ...], output: Output) -> Exit:
    old = read(path)
    if path.name != APP_FILE:
        named = {(each.handler, each.version) for each in old}
        made = tuple(each for each in made if (each.handler, each.version) in named)
    changes = compare(old, made)
    _changes(changes, output)
    verdict = worst(changes).name.lower()
    output.say(f"Compared with {path}: {verdict}.")
    return _VERDICTS[verdict]


def _write(folder: Path, name: str, made: tuple[HandlerManifest, ...], output: Output) -> Exit:
    if (folder / APP_FILE).exists():
        _changes(compare(read(folder / APP_FILE), made), output)
    changed = write(folder, name, made)
    for file in changed:
        output.say(f"{folder / file}")
    output.say(f"{len(changed)} of {len(made) + 1} files changed.")
    return Exit.OK


COMMAND = Command(
    "manifest",
    "print, keep and compare what an app declares",
    """Import an app, without starting it, and print the manifest of each version of each
handler: route, types, limits, hooks as they run, which modules its source uses, what is not
recorded, and two digests. `contract` is of all that a client can notice, `fingerprint` of that
and of the code: a new one is a new version.

What would not happen again is told with its line and what to write instead: a clock, chance,
ids, files or the network past the contexts, the order of a set.

--check compares with a manifest that was kept: `changed` (9) goes on working for every client,
`breaking` (10) may not.

export writes what a log keeps of manifests: each once, under its digest, with the facts that say
which version declared it. import takes such a file into another log, all of it or nothing: every
digest and reference is checked first, and what a log says already is never replaced.

examples:
  timescape manifest shop:app
  timescape manifest shop:app --out manifests            keep it beside the code
  timescape manifest shop:app --check manifests/app.json  before a deploy
  timescape manifest shop:app --out manifests --watch
  timescape manifest shop:app --json | jq .needs
  timescape manifest export shop.json --store sqlite:///live.db
  timescape manifest import shop.json --store sqlite:///staging.db
""",
    _declare,
    manifest,
    (
        Exit.NOT_FOUND,
        Exit.CORRUPT,
        Exit.WRITE_REFUSED,
        Exit.CHANGED,
        Exit.BREAKING,
        Exit.APP_ERROR,
        Exit.INTERRUPTED,
    ),
)
