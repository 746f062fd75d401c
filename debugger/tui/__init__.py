"""The terminal debugger: the only room that knows Textual."""

import getpass
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from debugger.session import Session
from debugger.session.again import Again
from debugger.session.linking import log_id
from debugger.timeline.links import Link
from debugger.tui.app import REST_S, TAIL_S, DebuggerApp
from debugger.tui.clipboard import Clipboard
from debugger.tui.desk import Desk
from debugger.tui.keymap import Keymap, keymap
from debugger.tui.live import Gates
from debugger.tui.look import glyphs_for
from eventstore import StreamId

__all__ = ["DebuggerApp", "keymap", "make_app", "run"]


def run(  # noqa: PLR0913 - all by name, all but one optional
    session: Session,
    *,
    read_only: bool = False,
    source_roots: Sequence[Path] | None = None,
    request: StreamId | None = None,
    ascii_only: bool | None = None,
    again: Again | None = None,
    gates: Callable[[], Gates] | None = None,
    keys: Keymap | None = None,
    store_alias: str = "",
    link: Link | None = None,
) -> int:
    """Show the debugger until the person leaves; the terminal is then as it was.

    Args:
        session: of the store; stays open.
        read_only: take away the key that allows writing.
        source_roots: folders the app's source lies in; None: the current one.
        request: opened at once; None: the list of requests.
        ascii_only: draw with ASCII alone; None: as the locale says.
        again: runs requests again; None: no app is named.
        gates: finds who holds live requests; None: nobody does.
        keys: what each key does; None: as the registry says.
        store_alias: what links call the store; ``: by the id of its log.
        link: opened at once, in the place of *request*.

    Returns:
        The exit status: 0, or 128 and the number of the signal that ended it.
    """
    app = make_app(
        session,
        read_only=read_only,
        source_roots=source_roots,
        request=request,
        ascii_only=ascii_only,
        again=again,
        gates=gates,
        keys=keys,
        store_alias=store_alias,
        link=link,
        clipboard=Clipboard(os.environ),
    )
    app.run()
    return app.return_code or 0


def make_app(  # noqa: PLR0913 - all by name, all but one optional
    session: Session,
    *,
    read_only: bool = False,
    source_roots: Sequence[Path] | None = None,
    request: StreamId | None = None,
    ascii_only: bool | None = None,
    by: str | None = None,
    clock: Callable[[], float] = time.monotonic,
    tail_s: float | None = TAIL_S,
    rest_s: float = REST_S,
    again: Again | None = None,
    gates: Callable[[], Gates] | None = None,
    keys: Keymap | None = None,
    store_alias: str = "",
    link: Link | None = None,
    clipboard: Clipboard | None = None,
) -> DebuggerApp:
    """Put the program together; `run` runs it.

    Args:
        session: of the store.
        read_only: take away the key that allows writing.
        source_roots: folders the app's source lies in; None: the current one.
        request: opened at once; None: the list of requests.
        ascii_only: draw with ASCII alone; None: as the locale says.
        by: who writes; None: the user of the operating system.
        clock: seconds, never going back; how long writing stays allowed.
        tail_s: how often to look for what is new; None: never by itself.
        rest_s: how long cursor and typing rest before more is read for them.
        again: runs requests again; None: no app is named.
        gates: finds who holds live requests; None: nobody does.
        keys: what each key does; None: as the registry says.
        store_alias: what links call the store; ``: by the id of its log.
        link: opened at once, in the place of *request*.
        clipboard: where copies go; None: to the terminal.
    """
    desk = Desk(
        session,
        glyphs=glyphs_for(ascii_only=ascii_only),
        roots=tuple(source_roots) if source_roots is not None else (Path.cwd(),),
        by=by or _user(),
        clock=clock,
        read_only=read_only,
        again=again,
        gates=gates,
        keys=keys,
        store_alias=store_alias or log_id(session.store),
        coloured="NO_COLOR" not in os.environ,
        clipboard=clipboard,
    )
    return DebuggerApp(desk, tail_s=tail_s, rest_s=rest_s, request=request, link=link)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no name for this user id
        return "unknown"
