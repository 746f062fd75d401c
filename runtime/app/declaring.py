"""Turns what a user wrote in `app.handler(…)` into a declared version, or tells all its faults."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any

import msgspec

from runtime.app.contracts import read_contract
from runtime.app.dating import read_since
from runtime.app.declarations import (
    Declared,
    check_rules,
    check_run,
    check_tags,
    check_timeout,
    make_hooks,
)
from runtime.app.granting import check_publishes, check_secrets, refuse_ungranted
from runtime.app.guard_rules import OPEN, Asking, read_rules
from runtime.app.manifesting import check_modules, findings_of, refuse_undeclared
from runtime.app.promising import check_promises, needing
from runtime.app.sources import Sources
from runtime.errors import (
    DuplicateHandlerError,
    HandlerIdClashError,
    PolicySyntaxError,
    RegistrationError,
    RegistrationWarning,
    RouteConflictError,
    TimescapeError,
)
from runtime.lifecycle.binding import bind
from runtime.routing import Template, parse
from runtime.timescape import check_edition
from runtime.timescape.schemas import check_schema


class Wanted(msgspec.Struct, frozen=True):
    """A handler as it was written."""

    route: str
    function: Callable[..., Any]
    place: str
    """`file:line` of the decorator."""
    names: Mapping[str, Any]
    """What its hints may name besides globals."""
    version: str | None
    name: str | None
    timeout: object
    before: Sequence[Any]
    after: Sequence[Any]
    catch: Sequence[Any]
    query: Any
    max_body: object
    on_disconnect: object
    modules: object
    tags: Iterable[str] = ()
    secrets: object = None
    publishes: object = None
    asking: Asking = Asking()
    """Of who may call it."""
    auth_required: bool = False
    """Whether a handler that says nothing of that needs a principal."""
    run: object = "newest"
    acknowledge: Iterable[str] = ()
    promises: object = None
    schema: str | None = None
    effective_at: object = None
    backfill: object = False
    template: Template | None = None
    """Of what no route leads to; None: read from *route*."""


class Faults:
    """Keeps what a `with` block refuses, so that all of it is told at once (MG-8)."""

    def __init__(self) -> None:
        self._errors: list[TimescapeError] = []

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        """Note an error of ours; others pass."""
        if isinstance(error, TimescapeError):
            self._errors.append(error)
            return True
        return False

    def tell(self, what: str) -> None:
        """Raise what was noted: one error as it is, several as one that lists them.

        Raises:
            RegistrationError: nothing is registered.
        """
        if not self._errors:
            return
        if len(self._errors) == 1:
            raise self._errors[0]
        lines = [f"[{error.code}] {error.problem} {error.remedy}" for error in self._errors]
        several = RegistrationError(
            problem="\n- ".join([f"{what} has {len(lines)} faults:", *lines]),
            remedy="\nNothing was registered.",
        )
        several.errors = tuple(self._errors)
        raise several


def declare(
    wanted: Wanted, others: Sequence[Declared], taken: Counter[str], sources: Sources
) -> Declared:
    """Make a declared version of what was written.

    Args:
        wanted: what was written.
        others: what is declared already.
        taken: how often each name of a hook is.
        sources: reads what functions are written as.

    Raises:
        RegistrationError: what is wrong, all of it.
    """
    faults, taken = Faults(), Counter(taken)
    with faults:
        template = wanted.template or parse(wanted.route)
        handler = _handler_id(template, wanted.name, wanted.place, others)
    with faults:
        edition = check_edition(wanted.version)
    with faults:
        timeout_s = check_timeout(wanted.timeout)
    with faults:
        max_body = check_size(wanted.max_body)
    with faults:
        cancel = _check_disconnect(wanted.on_disconnect)
    with faults:
        modules = check_modules(wanted.modules)
    with faults:
        secrets = check_secrets(wanted.secrets)
    with faults:
        publishes = check_publishes(wanted.publishes)
    with faults:
        tags = check_tags(wanted.tags)
    with faults:
        run = check_run(wanted.run)
    with faults:
        schema = None if wanted.schema is None else check_schema(wanted.schema)
    since = None
    with faults:
        since = read_since(wanted.effective_at, wanted.backfill)
    with faults:
        acknowledged = check_rules(wanted.acknowledge)
    rules = OPEN
    with faults:
        rules = read_rules(wanted.asking, required=wanted.auth_required)
    with faults:
        promises = check_promises(wanted.promises)
    with faults:
        call = bind(wanted.function)
    with faults:
        contract = read_contract(
            wanted.function,
            # Of a route that cannot be read the contract is, as far as possible.
            method=wanted.route.partition(" ")[0],
            path=_parameters(wanted.route),
            query=wanted.query,
            names=wanted.names,
            max_answer=rules.max_answer,
            record_untyped=rules.record_untyped,
        )
    hooks = {}
    for kind in ("before", "after", "catch"):
        with faults:
            hooks[kind] = make_hooks(getattr(wanted, kind), kind, taken)
    faults.tell(f"{wanted.route!s:.200} ({wanted.place})")
    _refuse_duplicate(template, edition, wanted.place, others)
    declared = Declared(
        template=template,
        handler=handler,
        edition=edition,
        call=call,
        contract=needing(contract, promises),
        place=wanted.place,
        timeout_s=timeout_s,
        max_body=max_body,
        cancel_on_disconnect=cancel,
        modules=modules,
        secrets=secrets,
        publishes=publishes,
        tags=tags,
        run=run,
        schema=schema,
        since=since,
        acknowledged=acknowledged,
        rules=rules,
        promises=promises,
        before=hooks["before"],
        after=hooks["after"],
        catch=hooks["catch"],
    )
    unused = [*refuse_undeclared(declared, sources), *refuse_ungranted(declared, sources)]
    own = [*declared.before, *declared.after, *declared.catch]
    for line in [*contract.warnings, *unused, *findings_of(declared, own, sources)]:
        # Past this function, `register` and the user's decorated function, to their line.
        warnings.warn(line, RegistrationWarning, stacklevel=3)
    return declared


def _parameters(route: str) -> Mapping[str, Any]:
    try:
        return parse(route).parameters
    except TimescapeError:
        return {}


def _handler_id(
    template: Template, name: str | None, place: str, others: Sequence[Declared]
) -> str:
    first = next((each for each in others if each.template.shape == template.shape), None)
    if first is not None and first.template.text != template.text:
        raise RouteConflictError(
            problem=f"{template.text} ({place}) and {first.template.text} ({first.place}) "
            "match the same paths.",
            remedy="Name their parameters alike, and use version= for versions of it.",
        )
    handler = name or (template.handler if first is None else first.handler)
    if name is not None and not _is_handler_id(name):
        raise RegistrationError(
            problem=f"name={name!r} is no handler id.",
            remedy="Use 1 to 64 letters, digits, - and _.",
        )
    for other in others:
        same = other.template.shape == template.shape
        if same != (other.handler == handler):
            raise HandlerIdClashError(
                problem=f"{template.text} ({place}) would be {handler!r}, and "
                f"{other.template.text} ({other.place}) is {other.handler!r}.",
                remedy="Give each route one name=, and no two the same.",
            )
    return handler


def _refuse_duplicate(
    template: Template, edition: str | None, place: str, others: Sequence[Declared]
) -> None:
    for other in others:
        if other.template.shape == template.shape and other.edition == edition:
            which = f"version={edition!r}" if edition else "no version"
            raise DuplicateHandlerError(
                problem=f"{template.text} with {which} is declared at {other.place} "
                f"and again at {place}.",
                remedy="Give one of them another version=.",
            )


def check_size(size: object) -> int:
    """Return a size in bytes.

    Raises:
        PolicySyntaxError: it is none.
    """
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise PolicySyntaxError(
            problem=f"max_body={size!r} is no size.", remedy="Write a number of bytes."
        )
    return size


def _check_disconnect(text: object) -> bool:
    if text not in {"finish", "cancel"}:
        raise PolicySyntaxError(
            problem=f"on_disconnect={text!r} is not known.", remedy='Write "finish" or "cancel".'
        )
    return text == "cancel"


def _is_handler_id(name: str) -> bool:
    return 0 < len(name) <= 64 and all(c.isascii() and (c.isalnum() or c in "-_") for c in name)
