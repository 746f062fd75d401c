"""`timescape debug`: the terminal debugger (CL-16)."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from debugger.cli.again import fresh_process
from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.gate import opened
from debugger.cli.output import Output
from debugger.cli.restore import user
from debugger.demo import SHOP, is_demo, source_folder
from debugger.errors import UnavailableError
from debugger.session import Session
from eventstore import StreamId


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "where", nargs="?", metavar="STORE", help="instead of --store; or a .timescape file"
    )
    parser.add_argument("--read-only", action="store_true", help="never offer to write")
    parser.add_argument("--request", metavar="REQUEST", help="open this one at once")
    parser.add_argument(
        "--app", metavar="MODULE:APP", help="whose code runs again (default: $TIMESCAPE_APP)"
    )
    parser.add_argument(
        "--source", action="append", type=Path, metavar="DIR", help="where the app's source lies"
    )


def debug(arguments: argparse.Namespace, output: Output, stores: Stores) -> int:
    """Open the debugger on a store."""
    url = store_url(arguments.where) if arguments.where else arguments.store
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        problem = "The debugger needs a terminal, and there is none."
        remedy = "`timescape requests`, `log`, `state` and `blame` answer the same questions."
        raise UnavailableError(problem, remedy)
    with stores.session(url, writable=not arguments.read_only) as session:
        request = session.find(arguments.request) if arguments.request else None
        return open_screen(
            session, url=url, read_only=arguments.read_only, request=request,
            source=arguments.source, app=arguments.app,
        )  # fmt: skip


def open_screen(
    session: Session,
    *,
    url: str,
    read_only: bool,
    request: StreamId | None = None,
    source: Sequence[Path] | None = None,
    app: str | None = None,
) -> int:
    """Show the debugger until it is left, and return its status. The one door to the screen.

    Code runs again in a process of its own, by the app that a person named; of the demo's own
    recordings by the demo's shop. A store names no app (RP-1).
    """
    from debugger import tui  # noqa: PLC0415 - Textual is only loaded to be shown

    is_shop = is_demo(session.store)
    roots = source or session.source_roots or [source_folder() if is_shop else Path.cwd()]
    target = app or (SHOP if is_shop else None)
    again = fresh_process(url, target) if target else None
    return tui.run(
        session, read_only=read_only, source_roots=roots, request=request, again=again,
        gates=None if session.is_part else partial(opened, session, None, user()),
    )  # fmt: skip


def store_url(text: str) -> str:
    """Return the address of a store given as an address or as a file."""
    return text if "://" in text else f"sqlite:///{text}"


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
  timescape debug case-7.timescape
  timescape debug --app shop:app
  timescape debug --request 9f31c2 --source ~/shop
""",
    _declare,
    debug,
    (Exit.NOT_FOUND,),
    wants_app=True,
)
