"""`timescape serve`: run an app and record what it is asked."""

import argparse

from debugger.cli.command import Command, Stores
from debugger.cli.demo import port
from debugger.cli.exits import Exit
from debugger.cli.keyrings import add_keyring, keyring_file
from debugger.cli.opening import check_url, without_password
from debugger.cli.output import Output

LEVELS = ("fsync", "bounded", "process", "volatile")
TRIPPING = ("off", "warn", "raise")


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("app", metavar="MODULE:APP", help="such as shop:app")
    parser.add_argument("--host", default="127.0.0.1", help="address (default: 127.0.0.1)")
    parser.add_argument("--port", type=port, default=8000, metavar="N", help="(default: 8000)")
    parser.add_argument(
        "--durability", choices=LEVELS, default="fsync", help="what an answer promises; see above"
    )
    parser.add_argument(
        "--tripwire", choices=TRIPPING, default="off", help="for what is not recorded; see above"
    )
    add_keyring(parser)


def serve(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Serve an app until SIGTERM or ctrl+c."""
    check_url(arguments.store)
    # Here, not above: the other commands need no web server.
    from runtime.app import load_app  # noqa: PLC0415
    from runtime.app import serve as run  # noqa: PLC0415

    app = load_app(arguments.app)
    address = f"http://{arguments.host}:{arguments.port}"

    def ready() -> None:
        store = without_password(arguments.store)
        output.say(f"{arguments.app} listens on {address} and records to {store}.")
        output.flush()

    clean = run(
        app,
        arguments.store,
        host=arguments.host,
        port=arguments.port,
        durability=arguments.durability,
        tripwire=arguments.tripwire,
        keyring=keyring_file(arguments),
        ready=ready,
    )
    if not clean:
        output.say("Stopped; some requests were cut short, which is recorded.")
        return Exit.PARTIAL
    output.say("Stopped; every request came to its end.")
    return Exit.OK


COMMAND = Command(
    "serve",
    "run an app over HTTP and record every request",
    """Run an app on granian and record every request, until SIGTERM or ctrl+c: then running
requests end, and all they recorded is in the store.

What an answer promises about its record, by --durability:
  fsync     it survives a power cut (the answer is sent after the sync)
  bounded   a power cut may take the last 50 ms
  process   it survives the end of the process
  volatile  nothing; for tests

Handlers that read a clock, chance, files or the network past lctx and gctx cannot be run
again as they ran. --tripwire says what becomes of them: off, warn (a line in the log) or
raise (the request fails). Looking makes handlers slower.

examples:
  timescape serve shop:app
  timescape serve shop:app --port 8377 --store sqlite:///shop.db
  timescape serve shop:app --store postgresql://shop@localhost/shop
  timescape serve shop:app --keyring /etc/shop/master.key
""",
    _declare,
    serve,
    (Exit.WRITE_REFUSED, Exit.PARTIAL),
)
