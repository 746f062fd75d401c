"""What a running request adds to itself: hooks, compensations, cleanups, listeners."""

from collections.abc import Callable
from typing import Any

from runtime.errors import HookPhaseClosedError, PolicySyntaxError
from runtime.facts import CompensationCancelled, CompensationRegistered, HookRegistered, Json
from runtime.lifecycle.asking import to_tree
from runtime.lifecycle.binding import HANDLER_NAMES, bind, describe
from runtime.lifecycle.handlers import Hook
from runtime.lifecycle.run import Callback, Lease, Run, Undo
from runtime.modules import StubMethod

EXTRA: dict[str, frozenset[str]] = {
    "before": frozenset(),
    "after": frozenset({"result"}),
    "catch": frozenset({"error"}),
    "error": frozenset({"error"}),
}
"""What a callback may ask for besides `req, res, lctx, gctx` (HO-4)."""


def new_hook(
    fn: Callable[..., Any],
    *,
    id: str,  # noqa: A002 - the field's name
    kind: str,
    level: str,
    timeout: float | None = 5.0,
    retries: int = 0,
) -> Hook:
    """Return *fn* as a hook.

    Args:
        fn: sync or async; asks for what it wants by name.
        id: of the hook.
        kind: before, after or catch.
        level: global, route or local.
        timeout: seconds; None: the request's deadline only.
        retries: attempts after the first.

    Raises:
        SignatureError: *fn* asks for something else.
        PolicySyntaxError: *timeout* or *retries* is out of range.
    """
    if timeout is not None and not timeout > 0:
        msg = f"Timeout {timeout!r} of hook {id} is not above 0."
        raise PolicySyntaxError(
            msg,
            "Give seconds, or None for the request's deadline only.",
        )
    if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
        msg = f"Retries {retries!r} of hook {id} is not a whole number from 0."
        raise PolicySyntaxError(msg, "Leave it out.")
    call = bind(fn, HANDLER_NAMES, EXTRA[kind])
    return Hook(id, kind, level, call, timeout, retries)


def hook(
    run: Run,
    lease: Lease,
    kind: str,
    fn: Callable[..., Any],
    *,
    timeout: float | None,
    retries: int,
    site: str | None,
) -> str:
    """Add a local hook; return its id."""
    if kind in run.frozen:
        msg = f"The local {kind} hooks have begun or are over."
        raise HookPhaseClosedError(msg, f"Add {kind} hooks earlier.")
    hooks = run.local.setdefault(kind, [])
    taken = {each.id for kinds in run.local.values() for each in kinds}
    new = new_hook(
        fn,
        id=run.local_id(site, taken),
        kind=kind,
        level="local",
        timeout=timeout,
        retries=retries,
    )
    run.record.add_for(lease, HookRegistered(kind), new.id, site)
    hooks.append(new)
    return new.id


def compensation(
    run: Run,
    lease: Lease,
    fn: Callable[..., Any],
    given: tuple[tuple[Any, ...], dict[str, Any]],
    site: str | None,
) -> str:
    """Add something to be undone if the request fails; return its id."""
    if run.stage != "success":
        msg = "The request's outcome is decided."
        raise HookPhaseClosedError(msg, "Register compensations before.")
    args, kwargs = to_tree(run, list(given[0])), to_tree(run, given[1])
    if isinstance(fn, StubMethod):
        args, kwargs = fn.recorded(args, kwargs)
    name = fn.__qualname__ if isinstance(fn, StubMethod) else describe(fn)
    undo = Undo(run.local_id(site, run.undos), name, fn, args, kwargs)
    shown: Json = {"args": args, "kwargs": kwargs} if kwargs else args
    fact = CompensationRegistered(name, shown, module=isinstance(fn, StubMethod))
    run.record.add_for(lease, fact, undo.id, site)
    run.undos[undo.id] = undo
    return undo.id


def cancel_compensation(run: Run, lease: Lease, undo: str, site: str | None) -> bool:
    """Drop a compensation; say whether it was there."""
    if undo not in run.record.state.compensations:
        return False
    run.record.add_for(lease, CompensationCancelled(), undo, site)
    return True


def callback(run: Run, kind: str, fn: Callable[..., Any], site: str | None) -> str:
    """Add a cleanup or a listener; return its id."""
    if run.stage == "over":
        msg = "The request has ended."
        raise HookPhaseClosedError(msg, f"Add a {kind} callback earlier.")
    call: Callable[..., Any] = fn
    if kind != "phase":
        call = bind(fn, HANDLER_NAMES, EXTRA.get(kind, frozenset()))
    callbacks = run.callbacks.setdefault(kind, [])
    taken = {each.id for kinds in run.callbacks.values() for each in kinds}
    new = Callback(run.local_id(site, taken), call)
    callbacks.append(new)
    return new.id
