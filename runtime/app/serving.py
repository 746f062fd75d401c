"""`serve`: an app, a log and an HTTP server, from start to clean stop; `load_app` finds the app."""

import asyncio
import difflib
import gc
import importlib
import sys
from collections.abc import Callable
from pathlib import Path

from runtime.app.application import App
from runtime.app.log import Durability, open_log
from runtime.effects import SystemIds, Tripping, system_clock
from runtime.errors import AppImportError
from runtime.ingress.server import DRAIN_S, check_free, serve_http

DEFAULT_PORT = 8000
_USAGE = "Write module:app, such as shop:app."


def serve(  # noqa: PLR0913 - what a program decides, once
    app: App,
    store_url: str,
    *,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    durability: Durability = "fsync",
    keyring: Path | None = None,
    ready: Callable[[], None] | None = None,
    drain_s: float = DRAIN_S,
    tripwire: Tripping = "off",
) -> bool:
    """Serve *app* until SIGTERM or SIGINT, recording to *store_url*.

    On the first signal new requests are refused, running ones have *drain_s*, what they
    recorded is committed, and the log is let go. A second signal cuts the time short.

    Args:
        app: has not been started.
        store_url: of the log, `sqlite:///shop.db`.
        host: address to listen on.
        port: to listen on.
        durability: `fsync`, `bounded`, `process` or `volatile`.
        keyring: file of masters, for values that are hashed or sealed.
        ready: called once it listens.
        drain_s: seconds that running requests have.
        tripwire: what becomes of code that reaches the outside past its contexts: `off`,
            `warn` or `raise`.

    Returns:
        Whether every request came to its own end.

    Raises:
        ServeError: the address cannot be listened on.
        EventStoreError: the log cannot be opened, is held by another process, or is full;
            `keyring-missing`, `bad-master`, `wrong-master`.
    """
    check_free(host, port)
    ids = SystemIds()
    store = open_log(store_url, ids=ids, durability=durability, keyring=keyring)
    try:
        app.start(store, clock=system_clock, ids=ids, tripwire=tripwire)
        # What start-up made lives as long as the process: no collection need look at it.
        gc.collect()
        gc.freeze()
        return asyncio.run(_serve(app, host, port, ready, drain_s))
    finally:
        store.close()


async def _serve(
    app: App, host: str, port: int, ready: Callable[[], None] | None, drain_s: float
) -> bool:
    try:
        await app.begin()
        return await serve_http(
            app.edge, host=host, port=port, stop=app.stop, ready=ready, drain_s=drain_s
        )
    finally:
        await app.stop(0)


def load_app(target: str) -> App:
    """Import `module:app`; the current folder is looked in, too.

    Raises:
        AppImportError: says what was not found, and the nearest names that are there.
    """
    module_name, colon, name = target.partition(":")
    if not colon or not module_name or not name:
        raise AppImportError(problem=f"{target!r} names no app.", remedy=_USAGE)
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise _no_module(module_name, error) from error
    except Exception as error:
        raise AppImportError(
            problem=f"{module_name} cannot be imported: {type(error).__name__}: {error}.",
            remedy="Correct it; `python -c 'import …'` shows where.",
        ) from error
    found = module
    for part in name.split("."):
        if not hasattr(found, part):
            apps = [n for n, value in vars(module).items() if isinstance(value, App)]
            raise AppImportError(
                problem=f"{module_name} has no {name!r}.",
                remedy=_nearest(name, apps or list(vars(module))),
            )
        found = getattr(found, part)
    if not isinstance(found, App):
        raise AppImportError(
            problem=f"{target} is of type {type(found).__name__}, no App.", remedy=_USAGE
        )
    return found


def _no_module(name: str, error: ModuleNotFoundError) -> AppImportError:
    missing = error.name or name
    if missing != name and not name.startswith(f"{missing}."):
        return AppImportError(f"{name} needs {missing!r}, which is not installed.", "Install it.")
    there = [path.stem for path in Path.cwd().glob("*.py")]
    there += [path.parent.name for path in Path.cwd().glob("*/__init__.py")]
    return AppImportError(f"There is no module {name!r}.", _nearest(name, there))


def _nearest(name: str, there: list[str]) -> str:
    near = difflib.get_close_matches(name, there, n=3, cutoff=0.4)
    return f"Did you mean {' or '.join(near)}?" if near else _USAGE
