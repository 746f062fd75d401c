"""Which commands there are, told without loading them.

Each start of `timescape` reads this and then loads the one command that is asked for: what the
others need, such as the server or the generators of code, would cost it half a second.
"""

import importlib
from collections.abc import Sequence

import msgspec

from debugger.cli.command import Command


class Entry(msgspec.Struct, frozen=True):
    """A command, by name."""

    name: str
    room: str
    """The module of this package that has it."""
    summary: str
    """The command's own, which a test holds equal: the list of all shows it unloaded."""
    constant: str = "COMMAND"
    """What it is called there."""

    def load(self) -> Command:
        """Return the command itself."""
        found = getattr(importlib.import_module(f"debugger.cli.{self.room}"), self.constant)
        if not isinstance(found, Command):
            raise TypeError(found)
        return found


INDEX: Sequence[Entry] = (
    Entry("demo", "demo", "record a small shop and open the debugger on it"),
    Entry("new", "new", "write a new app with a test"),
    Entry("doctor", "doctor", "check this installation"),
    Entry("serve", "serve", "run an app over HTTP and record every request"),
    Entry("debug", "debug", "walk through the recording, forwards and backwards"),
    Entry("dap", "dap", "debug a recording in an editor, forwards and backwards"),
    Entry("requests", "requests", "list recorded requests, newest first"),
    Entry("log", "log", "print the facts of one request"),
    Entry("state", "state", "print a request's state at any moment"),
    Entry("diff", "diff", "print what changed between two moments"),
    Entry("blame", "blame", "say which line wrote a value"),
    Entry("search", "search", "find facts in the whole log"),
    Entry("replay", "replay", "run a recorded request again, by today's code or another version"),
    Entry("bisect", "bisect", "find the first version that answers a request otherwise"),
    Entry("compare", "compare", "print what differs between two requests"),
    Entry("fork", "fork", "run a request on from a moment, with something changed"),
    Entry("snapshots", "snapshots", "list the moments that a request named"),
    Entry("restore", "restore", "make a fork whose state is that of an earlier moment"),
    Entry("redact", "redact", "take a recorded value out of the log, for good"),
    Entry("erase", "erase", "destroy a person's key: what is sealed for them is forgotten"),
    Entry("rewrap", "rewrap", "change the master that persons' keys are wrapped by"),
    Entry("routes", "routes", "list the routes, now or at an earlier time"),
    Entry("versions", "versions", "list versions of handlers, retire them, bring them back"),
    Entry("modules", "modules", "say what became of modules and what they use; reload one"),
    Entry("resolve", "resolve", "say which version a request would get, or got, and why"),
    Entry("tag", "tag", "let a name point to a version"),
    Entry("untag", "tag", "take a tag away", "UNTAG"),
    Entry("pin", "pin", "choose a version for a caller who names none"),
    Entry("unpin", "pin", "let a caller have what all have again", "UNPIN"),
    Entry("traffic", "traffic", "share callers who name no version among versions"),
    Entry("queue", "queue", "look at queues and dead letters, and change them"),
    Entry("gate", "gate", "hold live requests, look at them, edit them, let them go"),
    Entry("keys", "keys", "idempotency keys whose outcome nobody knows"),
    Entry("manifest", "manifest", "print, keep and compare what an app declares"),
    Entry(
        "generate",
        "generate",
        "write a client, types, an OpenAPI document, or what Kubernetes runs",
    ),
    Entry("verify", "verify", "check that nothing recorded was altered"),
    Entry(
        "archive", "archive", "move requests that have ended out of the store's file, or drop them"
    ),
    Entry(
        "export",
        "export",
        "write requests to one file: to verify, to read, to step through, to test",
    ),
    Entry("import", "bring_in", "check an export, and bring it into a store"),
    Entry("db", "db", "look after the tables of a store"),
)
"""All commands, in the order in which they are listed."""
