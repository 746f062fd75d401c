"""`timescape dap`: recordings in an editor, by the Debug Adapter Protocol (BY-1)."""

import argparse
import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from debugger.cli.again import fresh_process
from debugger.cli.code_of import app_of, roots_of
from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.opening import store_url
from debugger.cli.output import Output
from debugger.cli.vscode import write_extension
from debugger.errors import BadInputError

if TYPE_CHECKING:
    from debugger.dap import Launch, Opened


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--app", metavar="MODULE:APP", help="whose code runs again (default: $TIMESCAPE_APP)"
    )
    parser.add_argument(
        "--source", action="append", type=Path, metavar="DIR", help="where the app's source lies"
    )
    parser.add_argument(
        "--vscode", type=Path, metavar="FOLDER", help="write an extension for VS Code there instead"
    )


def dap(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Serve one editor on stdin and stdout, until it leaves."""
    if arguments.vscode is not None:
        return write_extension(arguments.vscode, output)
    from debugger.dap import serve  # noqa: PLC0415 - an extension is written without it

    # What the app, or anything else, prints must not stand among the messages.
    with os.fdopen(os.dup(1), "wb") as out, ExitStack() as opened:
        os.dup2(2, 1)

        def opening(launch: "Launch") -> "Opened":
            return _opened(launch, arguments, stores, opened)

        # Not sys.stdin: Python would wait at its end for the thread that reads it.
        serve(opening, os.fdopen(os.dup(0), "rb"), out)
    return Exit.OK


def _opened(
    launch: "Launch", arguments: argparse.Namespace, stores: Stores, until: ExitStack
) -> "Opened":
    """Open what `launch.json` names, else what the command line does; never to be written."""
    from debugger.dap import Opened  # noqa: PLC0415

    if launch.cwd:
        _enter(launch.cwd)
    url = store_url(launch.store) if launch.store else arguments.store
    session = until.enter_context(stores.session(url))
    named = [launch.source] if isinstance(launch.source, str) else launch.source
    source = [Path(each).expanduser() for each in named] or arguments.source
    app = app_of(session, launch.app or arguments.app)
    again = fresh_process(url, app) if app and not session.is_part else None
    return Opened(session, again, roots_of(session, source))


def _enter(folder: str) -> None:
    """Look for files and for the app in *folder*: where an editor starts us is its own affair."""
    try:
        os.chdir(Path(folder).expanduser())
    except (OSError, ValueError) as error:
        problem = f"The folder {folder[:200]!r} cannot be entered."
        raise BadInputError(problem, "Name another one in `cwd`.") from error


COMMAND = Command(
    "dap",
    "debug a recording in an editor, forwards and backwards",
    """Serve an editor by the Debug Adapter Protocol on stdin and stdout: VS Code, nvim-dap, dape of
Emacs and others open a recorded request as if it ran, and step back as well as forward. The
editor starts this; a person only writes what it is to open:

  store        an address, a file or a .timescape file (default: --store)
  requestId    the request; without it the newest that `where`, a filter, matches
  app          module:app, whose code is run again to know each line and its locals
  cwd          where files and the app are looked for (default: where the editor starts this)
  source       folders of the app's code (default: cwd)
  at           a moment to begin at: 1729, 50%, failure, end, or FILE:LINE
  stopOnEntry  begin at the first line; else at the first breakpoint or failure
  lines        false: from fact to fact, without running anything

Without `app` steps go from fact to fact. Breakpoints stop at lines, hooks and handlers, writes
of values and failures, in both directions; conditions and watches are paths and filters, never
code. Setting a value of the state runs the request on with it as a thread of its own, by the
answers of the record: nothing is performed, and nothing is written.

examples:
  timescape dap --vscode timescape-vscode
  timescape dap --store sqlite:///shop.db --app shop:app
""",
    _declare,
    dap,
    (Exit.NOT_FOUND, Exit.WRITE_REFUSED),
    wants_app=True,
)
