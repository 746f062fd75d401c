"""What a running request adds to itself: hooks, compensations, cleanups, listeners."""

from collections.abc import Callable
from typing import Any, TypeAlias

from runtime.errors import HookPhaseClosedError, PolicySyntaxError
from runtime.facts import CompensationCancelled, CompensationRegistered, HookRegistered, Json
from runtime.lifecycle.asking import to_tree
from runtime.lifecycle.binding import HANDLER_NAMES, bind, describe
from runtime.lifecycle.handlers import Hook
from runtime.lifecycle.retrying import Retrying, as_plain, check_retries
from runtime.lifecycle.run import Callback, Lease, Run, Undo
from runtime.modules import StubMethod
from runtime.supervision import Backoff

EXTRA: dict[str, frozenset[str]] = {
    "before": frozenset(),
    "after": frozenset({"result"}),
    "catch": frozenset({"error"}),
    "error": frozenset({"error"}),
}
"""What a callback may ask for besides `req, res, lctx, gctx` (HO-4)."""
HookLimits: TypeAlias = tuple[float | None, int, Backoff | None]
"""Timeout, retries, and what is waited between attempts."""


def new_hook(
    fn: Callable[..., Any],
    *,
    id: str,  # noqa: A002 - the field's name
    kind: str,
    level: str,
    timeout: float | None = 5.0,
    retries: int = 0,
    backoff: Backoff | None = None,
) -> Hook:
    """Return *fn* as a hook.

    Args:
        fn: sync or async; asks for what it wants by name.
        id: of the hook.
        kind: before, after or catch.
        level: global, route or local.
        timeout: seconds; None: the request's deadline only.
        retries: attempts after the first.
        backoff: what is waited between them; None: nothing.

    Raises:
        SignatureError: *fn* asks for something else.
        PolicySyntaxError: *timeout*, *retries* or *backoff* cannot be.
    """
    if timeout is not None and not timeout > 0:
        msg = f"Timeout {timeout!r} of hook {id} is not above 0."
        raise PolicySyntaxError(
            msg,
            "Give seconds, or None for the request's deadline only.",
        )
    check_retries(retries, backoff)
    call = bind(fn, HANDLER_NAMES, EXTRA[kind])
    return Hook(id, kind, level, call, timeout, retries, backoff)


def hook(
    run: Run,
    lease: Lease,
    kind: str,
    fn: Callable[..., Any],
    limits: HookLimits,
    site: str | None,
) -> str:
    """Add a local hook; return its id."""
    if kind in run.frozen:
        msg = f"The local {kind} hooks have begun or are over."
        raise HookPhaseClosedError(msg, f"Add {kind} hooks earlier.")
    hooks = run.local.setdefault(kind, [])
    taken = {each.id for kinds in run.local.values() for each in kinds}
    timeout, retries, backoff = limits
    new = new_hook(
        fn,
        id=run.local_id(site, taken),
        kind=kind,
        level="local",
        timeout=timeout,
        retries=retries,
        backoff=backoff,
    )
    run.record.add_for(lease, HookRegistered(kind), new.id, site)
    hooks.append(new)
    return new.id


def compensation(
    run: Run,
    lease: Lease,
    fn: Callable[..., Any] | Retrying,
    given: tuple[tuple[Any, ...], dict[str, Any]],
    site: str | None,
) -> str:
    """Add something to be undone if the request fails; return its id."""
    if run.stage != "success":
        msg = "The request's outcome is decided."
        raise HookPhaseClosedError(msg, "Register compensations before.")
    tries = fn if isinstance(fn, Retrying) else Retrying(fn, 0)
    fn = tries.fn
    args, kwargs = to_tree(run, list(given[0])), to_tree(run, given[1])
    if isinstance(fn, StubMethod):
        args, kwargs = fn.recorded(args, kwargs)
    name = fn.__qualname__ if isinstance(fn, StubMethod) else describe(fn)
    undo = Undo(run.local_id(site, run.undos), name, fn, args, kwargs, tries.retries, tries.backoff)
    shown: Json = {"args": args, "kwargs": kwargs} if kwargs else args
    waits = as_plain(tries.backoff)
    fact = CompensationRegistered(name, shown, isinstance(fn, StubMethod), tries.retries, waits)
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
