"""What a user writes in `app.transformer(…)`, checked as far as it can be before the start."""

import ast
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from runtime.app.declarations import Declared
from runtime.app.sources import Sources
from runtime.errors import PolicySyntaxError, TransformerError
from runtime.lifecycle.binding import Bound, bind
from runtime.lifecycle.handlers import Joint
from runtime.timescape import check_edition
from runtime.transform_facts import TransformerRegistered

Function = Callable[..., Any]
_GIVES = frozenset({"parts"})
MAX_TIMEOUT_S = 3_600.0
THERE_AND_BACK = (("request_up", "request_down"), ("response_up", "response_down"))
"""Functions that undo one another, where a transformer is lossless (TX-8)."""


class Transformer(msgspec.Struct, frozen=True):
    """A transformer as declared."""

    handler: str
    """As written: a handler id, or its route."""
    older: str
    """An edition, a version id, or `` for the version without edition."""
    newer: str
    functions: Mapping[str, Bound]
    """`request_up`, `response_down`, `request_down`, `response_up`: those there are."""
    timeout_s: float
    blocking: bool
    replace: bool
    place: str
    """`file:line`."""
    fingerprint: str
    lossless: bool = False
    """Whether what goes up and down again is what it was."""

    def fact(self) -> TransformerRegistered:
        """Return what the log is told."""
        names = tuple(sorted(self.functions))
        return TransformerRegistered(self.older, self.newer, self.fingerprint, names)

    def joint(self) -> Joint:
        """Return it as it runs."""
        return Joint(
            self.fingerprint, **self.functions, timeout_s=self.timeout_s, blocking=self.blocking
        )


def declare_transformer(  # noqa: PLR0913 - what is said of one
    handler: str,
    versions: tuple[str | None, str | None],
    functions: Mapping[str, Function | None],
    *,
    timeout: object,
    blocking: bool,
    replace: bool,
    lossless: bool = False,
    place: str,
    sources: Sources,
) -> Transformer:
    """Read what was written.

    Raises:
        TransformerError: it has no function, none to be lossless with, or an unfinished one.
        SignatureError: a function asks for more than `parts`.
        VersionFormatError: what should be an edition or an id is none.
        PolicySyntaxError: a time that cannot be.
    """
    given = {name: function for name, function in functions.items() if function is not None}
    if not given:
        raise TransformerError(
            problem=f"The transformer of {handler!r} ({place}) has no function.",
            remedy="Give request_up, response_down or both, or those of the way back.",
        )
    if lossless and not any(up in given and down in given for up, down in THERE_AND_BACK):
        raise TransformerError(
            problem=f"The transformer of {handler!r} ({place}) goes one way only, and is lossless.",
            remedy="Give request_up and request_down, or response_up and response_down.",
        )
    _refuse_unfinished(given, sources)
    older, newer = (_version(each) for each in versions)
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not (
        0 < timeout <= MAX_TIMEOUT_S
    ):  # fmt: skip
        raise PolicySyntaxError(
            problem=f"timeout={timeout!r} is no time limit.",
            remedy=f"Write seconds, above 0 and at most {MAX_TIMEOUT_S:g}.",
        )
    return Transformer(
        handler,
        older,
        newer,
        {name: bind(function, _GIVES) for name, function in given.items()},
        float(timeout),
        blocking,
        replace,
        place,
        _fingerprint(given, sources),
        lossless,
    )


def _refuse_unfinished(functions: Mapping[str, Function], sources: Sources) -> None:
    """See that nothing is left of what `timescape generate transformer` began (CG-13).

    Raises:
        TransformerError: names the places.
    """
    left = [
        f"{name} ({written.file}:{node.lineno})"
        for name, function in functions.items()
        for written in sources.reached(function)[:1]
        for node in ast.walk(written.tree or ast.Pass())
        if isinstance(node, ast.Raise) and _says_unfinished(node.exc)
    ]
    if left:
        raise TransformerError(
            problem=f"A transformer is not finished: {', '.join(left)}.",
            remedy="Write what stands in place of each `raise NotImplementedError`.",
        )


def _says_unfinished(raised: ast.expr | None) -> bool:
    named = raised.func if isinstance(raised, ast.Call) else raised
    return isinstance(named, ast.Name) and named.id == "NotImplementedError"


def _version(named: str | None) -> str:
    if named is not None and named.startswith("tsv:"):
        return named
    return check_edition(named) or ""


def _fingerprint(functions: Mapping[str, Function], sources: Sources) -> str:
    digest = hashlib.sha256()
    for name in sorted(functions):
        digest.update(f"\0{name}\0".encode())
        for written in sources.reached(functions[name]):
            digest.update(written.form.encode() + b"\0")
    return f"sha256:{digest.hexdigest()}"


def by_handler(
    transformers: Sequence[Transformer], declared: Sequence[Declared]
) -> dict[str, list[Transformer]]:
    """Sort them by the id of their handler.

    Raises:
        TransformerError: one names no handler of the app.
    """
    known = {each.handler: each.handler for each in declared}
    known |= {each.template.text: each.handler for each in declared}
    found: dict[str, list[Transformer]] = {}
    for each in transformers:
        handler = known.get(each.handler)
        if handler is None:
            raise TransformerError(
                problem=f"The transformer at {each.place} is of {each.handler!r}, "
                "which is no handler.",
                remedy=f"There are: {', '.join(sorted(set(known.values()))) or 'none'}.",
            )
        found.setdefault(handler, []).append(each)
    return found
