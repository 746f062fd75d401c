"""`timescape serve`: run an app and record what it is asked."""

import argparse
import math
import os
import sys
from functools import partial

from debugger.cli.command import Command, Stores
from debugger.cli.demo import port
from debugger.cli.exits import Exit
from debugger.cli.keyrings import add_keyring, keyring_file
from debugger.cli.opening import check_url, without_password
from debugger.cli.output import Output
from debugger.cli.restarting import restarting

LEVELS = ("fsync", "bounded", "process", "volatile")
LINES = ("plain", "json")
TRIPPING = ("off", "warn", "raise")


def seconds(text: str) -> float:
    """Read a time."""
    return _number(text, 3_600, "a number of seconds")


def ratio(text: str) -> float:
    """Read a part of 1."""
    return _number(text, 1, "a number")


def _number(text: str, highest: float, what: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 <= found <= highest:
        message = f"{text!r} is not {what} from 0 to {highest:g}"
        raise argparse.ArgumentTypeError(message)
    return found


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("app", metavar="MODULE:APP", help="such as shop:app")
    parser.add_argument("--host", default="127.0.0.1", help="address (default: 127.0.0.1)")
    parser.add_argument(
        "--port", type=partial(port, least=1), default=8000, metavar="N", help="(default: 8000)"
    )
    parser.add_argument(
        "--durability", choices=LEVELS, default="fsync", help="what an answer promises; see above"
    )
    parser.add_argument(
        "--tripwire", choices=TRIPPING, default="off", help="for what is not recorded; see above"
    )
    parser.add_argument("--dev", action="store_true", help="record every refusal; see above")
    parser.add_argument(
        "--admin-port", type=port, metavar="N", help="for /healthz, /readyz, /metrics; 0: any"
    )
    parser.add_argument(
        "--admin-host", default="127.0.0.1", metavar="HOST", help="its address; see above"
    )
    parser.add_argument(
        "--gates", action="store_true", help="let debuggers hold requests; see above"
    )
    parser.add_argument("--otlp", metavar="URL", help="send traces to this collector; see above")
    parser.add_argument(
        "--trace-ratio", type=ratio, default=1.0, metavar="R", help="of traces (default: 1)"
    )
    parser.add_argument(
        "--nats", metavar="URL", help="share topics with other stores by this server; see above"
    )
    parser.add_argument("--log", choices=LINES, default="plain", help="log lines; see above")
    parser.add_argument(
        "--drain-delay",
        type=seconds,
        default=0.0,
        metavar="S",
        help="wait before draining (default: 0)",
    )
    parser.add_argument(
        "--reload",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="start anew when source files change; see above",
    )
    add_keyring(parser)


def serve(arguments: argparse.Namespace, output: Output, stores: Stores) -> int:
    """Serve an app until SIGTERM or ctrl+c."""
    check_url(arguments.store)
    if arguments.reload:
        return restarting(sys.argv[1:])
    # Here, not above: the other commands need no web server.
    from debugger.session.conditions import read_condition  # noqa: PLC0415
    from runtime.app import AdminAt, TracesTo, load_app, read_tokens  # noqa: PLC0415
    from runtime.app import serve as run  # noqa: PLC0415

    app = load_app(arguments.app)
    address = f"http://{arguments.host}:{arguments.port}"

    def ready() -> None:
        store = without_password(arguments.store)
        output.say(f"{arguments.app} listens on {address} and records to {store}.")
        output.flush()

    def admin_ready(number: int) -> None:
        output.say(f"/healthz, /readyz and /metrics are on http://{arguments.admin_host}:{number}.")
        if arguments.gates:
            output.say("It takes gates: those who debug may hold requests.")
        output.flush()

    admin = None
    if arguments.admin_port is not None or arguments.gates:
        admin = AdminAt(
            arguments.admin_port or 0, arguments.admin_host, read_tokens(os.environ), admin_ready,
            read_condition if arguments.gates else None,
        )  # fmt: skip
    clean = run(
        app,
        arguments.store,
        host=arguments.host,
        port=arguments.port,
        durability=arguments.durability,
        tripwire=arguments.tripwire,
        keyring=keyring_file(arguments),
        ready=ready,
        admin=admin,
        traces=None if arguments.otlp is None else TracesTo(arguments.otlp, arguments.trace_ratio),
        log=arguments.log,
        drain_delay_s=arguments.drain_delay,
        record_refusals="all" if arguments.dev else "counted",
        nats=arguments.nats,
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

Of requests that are refused before any handler, such as for paths that nobody serves, the
first 20 a minute of each kind are recorded, and of the rest how many there were, so that
strangers cannot fill the store. With --dev each of them is recorded.

Handlers that read a clock, chance, files or the network past lctx and gctx cannot be run
again as they ran. --tripwire says what becomes of them: off, warn (a line in the log) or
raise (the request fails). Looking makes handlers slower.

With --admin-port there is a second listener, for machines that look after this one: /healthz
(it turns), /readyz (requests may be sent here) and /metrics (figures for Prometheus). On
another address than loopback it needs a token, TIMESCAPE_ADMIN_TOKEN, which callers show as
"Authorization: Bearer ..."; TIMESCAPE_ADMIN_TOKENS=ann=TOKEN,eve=TOKEN gives them names, by which
is recorded who did what. On a signal /readyz says no at once, and --drain-delay seconds later new
requests are refused. --otlp sends the trace of each request to a collector, such
as http://127.0.0.1:4318/v1/traces (OTLP over HTTP), made of what was recorded. --log json
makes each line on stderr a JSON object.

--nats nats://127.0.0.1:4222 carries topics that are declared shared=True to and from apps that
record to other stores, by JetStream (pip install 'timescape[nats]').
With --gates those who debug may hold requests, look at them, edit and release them: see
`timescape gate`. They ask by the admin listener, which is on any free port of loopback unless
--admin-port says otherwise; its address stands in the store. Tokens may have names,
TIMESCAPE_ADMIN_TOKENS=ann=TOKEN,eve=TOKEN: facts then say whose token it was.

With --reload another process serves: whenever a .py or .wasm file below this folder changes, it
ends its requests and a fresh one starts. That is for the desk, not for production.

examples:
  timescape serve shop:app
  timescape serve shop:app --port 8377 --store sqlite:///shop.db
  timescape serve shop:app --store postgresql://shop@localhost/shop
  timescape serve shop:app --admin-port 9090 --log json
  timescape serve shop:app --gates
  timescape serve shop:app --reload
  timescape serve shop:app --keyring /etc/shop/master.key
""",
    _declare,
    serve,
    (Exit.WRITE_REFUSED, Exit.PARTIAL),
)
