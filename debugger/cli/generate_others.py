"""`timescape generate transformer`, a beginning, and `bundle-check`, a verdict (CG-13, CG-14)."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from debugger.cli.exits import Exit
from debugger.cli.output import Output
from debugger.errors import BadInputError
from runtime.codegen.bundle import Declarations, decode, problems
from runtime.codegen.transformer_stub import file_name, stub
from runtime.manifests import HandlerManifest


def begin_transformer(
    known: Declarations, names: Sequence[str], folder: Path, output: Output
) -> Exit:
    """Write the beginning of a transformer; what is there already stays."""
    old, new = _neighbours(known, names)
    text = stub(old, new)
    if text is None:
        output.say("Nothing has to be transformed between them.")
        return Exit.OK
    path = folder / file_name(old, new)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        output.say(f"{path} is there, and stays as it is.")
        return Exit.WRITE_REFUSED
    output.say(f"{path}")
    left = text.count("raise NotImplementedError(")
    output.say(f"{left} places are left to be written." if left else "It is whole.")
    return Exit.OK


def _neighbours(
    known: Declarations, names: Sequence[str]
) -> tuple[HandlerManifest, HandlerManifest]:
    """Find the two versions that a transformer is to join.

    Raises:
        BadInputError: there are no such, or they are no neighbours.
    """
    if len(names) != 3:
        problem = "transformer takes an app, a handler and two editions."
        raise BadInputError(problem, "generate transformer shop:app post-orders 2026-03-01 …")
    handler, *editions = names
    line = sorted(
        (each for each in known.manifests if handler in {each.handler, _route(each)}),
        key=lambda each: each.version or "",
    )
    named = [each.version or "first" for each in line]
    told = ", ".join(named) or "none"
    for edition in editions:
        if edition not in named:
            problem = f"{handler[:80]} has no version {edition[:80]}."
            raise BadInputError(problem, f"There are: {told}.")
    low, high = (named.index(edition) for edition in editions)
    if high != low + 1:
        problem = f"{editions[1]} does not come next after {editions[0]}."
        raise BadInputError(problem, f"Name two neighbours, the older first: {told}.")
    return line[low], line[high]


def _route(manifest: HandlerManifest) -> str:
    return f"{manifest.method} {manifest.path}"


def check_bundle(arguments: argparse.Namespace, output: Output) -> Exit:
    """Say all that is wrong with a bundle."""
    path = Path(arguments.app)
    try:
        text = path.read_bytes()
    except OSError as error:
        problem = f"{path} cannot be read: {error.strerror or error}."
        raise BadInputError(problem, "Give a file of `timescape generate bundle`.") from error
    bundle = decode(text)
    faults = problems(bundle)
    if output.as_json:
        output.record("bundle", {"digest": bundle.digest, "faults": faults})
    for fault in faults:
        output.say(f"{path}: {fault}")
    if not faults:
        output.say(f"{path} is whole: {bundle.digest}.")
    return Exit.BAD_INPUT if faults else Exit.OK
