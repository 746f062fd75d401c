"""`timescape demo`: a shop, its visitors, and the recording of both."""

import argparse
import sys

import msgspec

from debugger.cli.command import Command, Stores
from debugger.cli.debug import open_screen
from debugger.cli.exits import Exit
from debugger.cli.opening import check_url
from debugger.cli.output import Output
from debugger.cli.requests import positive


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--headless", action="store_true", help="do not open the debugger")
    parser.add_argument(
        "--requests", type=positive, default=200, metavar="N", help="visits (default: 200)"
    )
    parser.add_argument(
        "--port", type=port, default=0, metavar="N", help="on loopback (default: a free one)"
    )
    parser.add_argument("--seed", type=int, default=7, metavar="N", help="chooses the visits")


def port(text: str, least: int = 0) -> int:
    """Read a port; 0 is any free one."""
    if not text.isascii() or not text.isdecimal() or not least <= int(text) <= 65_535:
        message = f"{text!r} is not a port from {least} to 65535"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def demo(arguments: argparse.Namespace, output: Output, stores: Stores) -> int:
    """Serve the shop, send it visitors, say what was recorded, open the debugger on it."""
    from debugger.demo.recording import run  # noqa: PLC0415 - loads a web server and a client

    check_url(arguments.store)
    report = run(
        requests=arguments.requests,
        store_url=arguments.store,
        port=arguments.port,
        seed=arguments.seed,
        progress=lambda done, total: output.progress("visits", done, total),
    )
    headless = arguments.headless or output.as_json or not has_terminal()
    if output.as_json or not sys.stdout.isatty():
        output.record("demo", msgspec.to_builtins(report))
    elif headless:
        _print(report, output)
        output.say(f"Look at it: timescape debug --store {report.store}")
    if report.complaint:
        output.say(f"A customer says that the total of {report.complaint} is wrong.")
    if not headless:
        with stores.session(arguments.store, writable=True) as session:
            return open_screen(session, url=arguments.store, read_only=False)
    return Exit.OK


def has_terminal() -> bool:
    """Say whether somebody can see the debugger and press keys."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _print(report: "msgspec.Struct", output: Output) -> None:
    for name, value in msgspec.to_builtins(report).items():
        if name == "failed":
            output.line(f"{'failed':<10} {len(value)}")
            for failure in value:
                output.line(f"  {failure['request']}  {failure['status']} {failure['code']}")
        elif isinstance(value, dict):
            told = "  ".join(f"{key}: {count}" for key, count in value.items())
            output.line(f"{name:<10} {told}")
        else:
            output.line(f"{name:<10} {value}")


COMMAND = Command(
    "demo",
    "record a small shop and open the debugger on it",
    """Serve a demo shop on loopback, send it real HTTP requests (good, invalid, failing, timing
out, concurrent), record all of it, and open the debugger on the recording. Without a terminal it
does the same work and prints what it recorded.

examples:
  timescape demo
  timescape demo --headless --requests 200 --store sqlite:///shop.db --json
""",
    _declare,
    demo,
    default_store="sqlite:///shop.db",
)
