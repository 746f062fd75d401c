"""`timescape debug`: the terminal debugger (CL-16)."""

import argparse
import gc
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from debugger.cli.again import fresh_process
from debugger.cli.code_of import app_of, roots_of
from debugger.cli.command import Command, Stores
from debugger.cli.config import read_config
from debugger.cli.exits import Exit
from debugger.cli.opening import store_url
from debugger.cli.output import Output
from debugger.cli.restore import user
from debugger.errors import UnavailableError
from debugger.session import Session
from debugger.timeline import printable
from debugger.timeline.links import Link, is_link, read_link
from eventstore import StreamId

if TYPE_CHECKING:
    from debugger.session.gates import GateDesk


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "where",
        nargs="?",
        metavar="STORE|LINK",
        help="instead of --store; a .timescape file; or a link to a moment",
    )
    parser.add_argument("--read-only", action="store_true", help="never offer to write")
    parser.add_argument(
        "--plain", action="store_true",
        help="commands at a prompt, sentences back: needs no screen",
    )  # fmt: skip
    parser.add_argument(
        "--web", action="store_true", help="read-only, in a browser of this machine"
    )
    parser.add_argument(
        "--port", type=int, default=0, metavar="N", help="of --web (default: a free one)"
    )
    parser.add_argument(
        "--ascii", action="store_true", help="draw with ASCII alone (default: as the locale says)"
    )
    parser.add_argument("--request", metavar="REQUEST", help="open this one at once")
    parser.add_argument(
        "--app", metavar="MODULE:APP", help="whose code runs again (default: $TIMESCAPE_APP)"
    )
    parser.add_argument(
        "--source", action="append", type=Path, metavar="DIR", help="where the app's source lies"
    )


def debug(arguments: argparse.Namespace, output: Output, stores: Stores) -> int:
    """Open the debugger on a store."""
    link = read_link(arguments.where) if is_link(arguments.where or "") else None
    url = arguments.store if link or not arguments.where else store_url(arguments.where)
    if arguments.plain:
        return _plain(url, arguments.where if link else arguments.request, output, stores)
    if arguments.web:
        return _web(url, arguments, output, stores)
    # Textual's server has a driver of its own, which reads and writes pipes.
    if "TEXTUAL_DRIVER" not in os.environ and not (sys.stdin.isatty() and sys.stdout.isatty()):
        problem = "The debugger needs a terminal, and there is none."
        remedy = "`timescape debug --plain` and `requests`, `log`, `state`, `blame` do without."
        raise UnavailableError(problem, remedy)
    with started_quickly(), stores.session(url, writable=not arguments.read_only) as session:
        wanted = arguments.where if link else arguments.request
        request = session.find(wanted) if wanted else None
        return open_screen(
            session, url=url, read_only=arguments.read_only, request=request, link=link,
            source=arguments.source, app=arguments.app, ascii_only=arguments.ascii or None,
        )  # fmt: skip


@contextmanager
def started_quickly() -> Iterator[None]:
    """Look for no garbage while what is made is there to stay: modules and their classes.

    Collections while SQLAlchemy and Textual load look at all of it again and again, a seventh of
    the processor's time until the first rows. `open_screen` ends it once all is loaded.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _plain(url: str, wanted: str | None, output: Output, stores: Stores) -> int:
    from debugger.cli.plain import talk  # noqa: PLC0415 - no part of the screen

    with stores.session(url) as session:
        if wanted:
            session.find(wanted)  # else the status says that it is not there
        return talk(session, output, wanted=wanted)


def _web(url: str, arguments: argparse.Namespace, output: Output, stores: Stores) -> int:
    try:
        from debugger.cli.web import look_at  # noqa: PLC0415 - a web server, which few want
    except ImportError as error:
        problem = f"--web needs {error.name or 'textual-serve'}, which is not installed."
        raise UnavailableError(problem, "pip install 'timescape[web]'") from error
    with stores.session(url) as session:
        if arguments.request:
            session.find(arguments.request)  # else the status says that it is not there
    words = ["--read-only", *([arguments.where] if is_link(arguments.where or "") else [])]
    words += ["--ascii"] if arguments.ascii else []
    for option in ("request", "app"):
        words += [f"--{option}", value] if (value := getattr(arguments, option)) else []
    for folder in arguments.source or ():
        words += ["--source", str(folder)]
    look_at(words, url, arguments.port, output)
    return Exit.OK


def open_screen(  # noqa: PLR0913 - all by name, all but two optional
    session: Session,
    *,
    url: str,
    read_only: bool,
    request: StreamId | None = None,
    link: Link | None = None,
    source: Sequence[Path] | None = None,
    app: str | None = None,
    ascii_only: bool | None = None,
) -> int:
    """Show the debugger until it is left, and return its status. The one door to the screen.

    Code runs again in a process of its own, by the app that a person named; of the demo's own
    recordings by the demo's shop. A store names no app (RP-1).
    """
    from debugger import tui  # noqa: PLC0415 - Textual is only loaded to be shown

    roots = roots_of(session, source)
    target = app_of(session, app)
    again = fresh_process(url, target) if target else None
    config = read_config(os.environ)
    gc.freeze()
    gc.enable()
    keys = tui.keymap(config.preset, config.keys)
    told = msgspec.structs.replace(
        keys, problems=(*map(printable, config.problems), *keys.problems)
    )
    return tui.run(
        session, read_only=read_only, source_roots=roots, request=request, again=again,
        keys=told, store_alias=config.alias_of(url), link=link, ascii_only=ascii_only,
        gates=None if session.is_part else lambda: _gates(session),
    )  # fmt: skip


def _gates(session: Session) -> "GateDesk":
    from debugger.cli.gate import opened  # noqa: PLC0415 - not before somebody looks at gates

    return opened(session, None, user())


COMMAND = Command(
    "debug",
    "walk through the recording, forwards and backwards",
    """Open the terminal debugger on a store, which a server may be writing to. `?` shows the keys.
It reads; restoring a moment asks first. With --app, a request can be run again, from any moment
and with values changed, in a process of its own: nothing is performed, and what comes of it is
compared with the record.

examples:
  timescape debug
  timescape debug shop.db --read-only
  timescape debug shop.db --plain           for a screen reader, or a terminal that is none
  timescape debug shop.db --web             in a browser (pip install 'timescape[web]')
  timescape debug case-7.timescape
  timescape debug 'timescape://shop/req-01a2111d5af2701fb1fe36f1bb96fedd@17?path=/total'
  timescape debug --app shop:app
  timescape debug --request 9f31c2 --source ~/shop
""",
    _declare,
    debug,
    (Exit.NOT_FOUND,),
    wants_app=True,
)
