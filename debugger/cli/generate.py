"""`timescape generate`: clients, types and OpenAPI documents of an app (CG-1, CG-3, CG-15)."""

import argparse
import importlib.metadata
from pathlib import Path

import msgspec

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.generate_others import begin_transformer, check_bundle
from debugger.cli.generate_sources import Gathered, gather
from debugger.cli.output import Output
from debugger.cli.watching import watch
from debugger.errors import BadInputError
from runtime.codegen import Rendered, Written, difference, kubernetes, render, write

TARGETS = (
    "sdk",
    "openapi",
    "types",
    "validators",
    "bundle",
    "bundle-check",
    "transformer",
    "kubernetes",
)
LANGUAGES = ("python", "typescript")


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="WHAT", choices=TARGETS, help=", ".join(TARGETS))
    parser.add_argument("app", metavar="APP", help="module:app, a file, or an app of the store")
    parser.add_argument(
        "more", nargs="*", default=[], metavar="HANDLER FROM TO", help="of a transformer"
    )
    parser.add_argument("--out", metavar="FOLDER", help="where files are written")
    parser.add_argument("--lang", choices=LANGUAGES, default="python", help="(default: python)")
    parser.add_argument("--at", metavar="VERSION", help="no newer versions (default: the newest)")
    parser.add_argument("--image", metavar="NAME", help="of a container; see above")
    parser.add_argument("--check", action="store_true", help="write nothing; say what differs")
    parser.add_argument("--watch", action="store_true", help="again at every change, until ctrl+c")
    parser.add_argument("--force", action="store_true", help="overwrite what somebody else wrote")


def generate(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Generate code from what an app declares."""
    _refuse_odd(arguments)
    if arguments.target == "bundle-check":
        return check_bundle(arguments, output)
    if arguments.watch:
        if arguments.check:
            problem = "--watch writes, and --check does not."
            raise BadInputError(problem, "Choose one of them.")
        return watch(words_again(arguments), output)
    gathered = gather(arguments, output, stores)
    if gathered is None:
        return Exit.APP_ERROR
    if arguments.target == "transformer":
        return begin_transformer(gathered.declared, arguments.more, Path(arguments.out), output)
    rendered = _rendered(arguments, gathered)
    for wanted, name in rendered.changed.items():
        output.say(f"{wanted} is called {name}.")
    if arguments.check:
        return _check(Path(arguments.out), rendered, output)
    return _told(write(Path(arguments.out), rendered, force=arguments.force), arguments, output)


def _rendered(arguments: argparse.Namespace, gathered: Gathered) -> Rendered:
    tool, declared = importlib.metadata.version("timescape"), gathered.declared
    if arguments.target == "kubernetes":
        return kubernetes(arguments.app, title=declared.app, tool=tool, image=arguments.image)
    return render(arguments.target, arguments.lang, declared=declared, tool=tool, at=gathered.at)


def _refuse_odd(arguments: argparse.Namespace) -> None:
    """Refuse words that the target does not take.

    Raises:
        BadInputError: names what is missing, or too much.
    """
    target = arguments.target
    if arguments.more and target != "transformer":
        problem = f"{target} takes an app alone, not {arguments.more[0][:80]!r}."
        raise BadInputError(problem, "`timescape generate --help` shows examples.")
    if arguments.out is None and target != "bundle-check":
        problem = f"{target} needs --out FOLDER."
        raise BadInputError(problem, "Name where files are written.")
    if (arguments.watch or arguments.check) and target in {"transformer", "bundle-check"}:
        problem = f"{target} is done once: --watch and --check are not for it."
        raise BadInputError(problem, "Leave them out.")


def words_again(arguments: argparse.Namespace) -> list[str]:
    """Give the words of the same command, run once."""
    words = ["generate", arguments.target, arguments.app, "--out", arguments.out]
    words += ["--lang", arguments.lang]
    words += ["--at", arguments.at] if arguments.at else []
    words += ["--image", arguments.image] if arguments.image else []
    words += ["--store", arguments.store] if ":" not in arguments.app else []
    words += ["--force"] if arguments.force else []
    return [*words, "--json"] if arguments.json else words


def _check(folder: Path, rendered: Rendered, output: Output) -> Exit:
    lines = difference(folder, rendered)
    if output.as_json:
        output.record("check", {"stale": bool(lines), "diff": lines})
    for line in () if output.as_json else lines:
        output.say(line)
    output.say(f"{folder} is {'behind' if lines else 'up to date'}.")
    return Exit.STALE if lines else Exit.OK


def _told(done: Written, arguments: argparse.Namespace, output: Output) -> Exit:
    folder = Path(arguments.out)
    if output.as_json:
        output.record("generated", {**msgspec.to_builtins(done), "out": str(folder)})
    for name in (*done.changed, *(f"{name} (removed)" for name in done.removed)):
        output.say(f"{folder / name}")
    for name in done.refused:
        output.say(f"{folder / name} was written by somebody else and stays; --force replaces it.")
    if done.refused:
        return Exit.PARTIAL if done.changed else Exit.WRITE_REFUSED
    if not done.changed and not done.removed:
        output.say(f"{folder} is up to date.")
    return Exit.OK


COMMAND = Command(
    "generate",
    "write a client, types, an OpenAPI document, or what Kubernetes runs",
    """Write code for those who call an app, from its manifests alone; the app is imported and not
started. The same manifests give the same bytes.

  sdk      a client: for Python a typed package on httpx and msgspec, for TypeScript one module
           that needs nothing but fetch. Each calls the versions it was made from
  openapi  openapi.json, OpenAPI 3.1
  types    types alone: msgspec Structs and TypedDicts, or interfaces
  validators
           a package with a function for each type: plain JSON data in, its value or all faults
           out, as the server finds them; it needs msgspec and google-re2
  bundle   bundle.json: all versions, types, modules and transformers in one canonical file
  bundle-check FILE
           say all that is wrong with such a file
  transformer APP HANDLER FROM TO
           the beginning of a transformer between two neighbours, with what their types show;
           what is left to you raises, and is not taken by an app
  kubernetes
           kubernetes.json for `kubectl apply -f`: two processes of MODULE:APP in --image, that
           share a log in PostgreSQL; its address is in file `store` of the secret APP-secrets

APP is module:app, a bundle or what `timescape manifest --out` wrote, or the name of an app that
the store tells of. Of each handler one version is taken: the newest, or with --at the last that
is not newer; of a store --at may be a tag, an id or an instant, too.
A file that this command did not write is left alone, unless --force.

examples:
  timescape generate sdk shop:app --out shop_client
  timescape generate sdk shop:app --out web/src/shop --lang typescript
  timescape generate openapi shop:app --out docs --at 2026-10-01
  timescape generate sdk manifests/app.json --out shop_client --check
  timescape generate sdk shop --store sqlite:///shop.db --at stable --out shop_client
  timescape generate transformer shop:app post-orders 2026-03-01 2026-10-01 --out transforms
  timescape generate types shop:app --out web/src --lang typescript --watch
  timescape generate kubernetes shop:app --out deploy --image registry.example/shop:7
""",
    _declare,
    generate,
    (Exit.STALE, Exit.NOTHING_SELECTED, Exit.WRITE_REFUSED, Exit.PARTIAL, Exit.APP_ERROR,
     Exit.INTERRUPTED),
)  # fmt: skip
