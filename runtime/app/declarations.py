"""What a user declared, before it has a version id: handlers, hooks, their places (RM-1, HW-1)."""

import inspect
import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec

from runtime.app.contracts import Contract
from runtime.app.dating import Since
from runtime.app.guard_rules import OPEN, GuardRules
from runtime.errors import PolicySyntaxError
from runtime.lifecycle.binding import Bound, bind
from runtime.lifecycle.handlers import Hook
from runtime.lifecycle.retrying import check_retries
from runtime.manifests import HandlerManifest
from runtime.manifests.promises import Promises
from runtime.routing import Template
from runtime.supervision import Backoff
from runtime.timescape.tags import check_tag

MAX_TIMEOUT_S = 3_600.0
_RULE = re.compile(r"BR-[1-9][0-9]?", re.ASCII)
EXTRA = {"before": frozenset[str](), "after": frozenset({"result"}), "catch": frozenset({"error"})}
"""What hooks of a kind may ask for besides `req, res, lctx, gctx` (HO-4)."""


class Declared(msgspec.Struct, frozen=True):
    """A version of a handler as declared."""

    template: Template
    handler: str
    edition: str | None
    call: Bound
    contract: Contract
    place: str
    """`file:line` of the decorator."""
    timeout_s: float
    max_body: int
    before: tuple[Hook, ...] = ()
    after: tuple[Hook, ...] = ()
    catch: tuple[Hook, ...] = ()
    cancel_on_disconnect: bool = False
    modules: tuple[str, ...] | None = None
    """What it may use of modules, `stock.left` or `stock.*`; None: whatever it does use."""
    secrets: tuple[str, ...] | None = None
    """Names of the secrets it may read; None: whatever it does read."""
    publishes: tuple[str, ...] | None = None
    """Topics it may publish on; None: whatever it does publish on."""
    tags: tuple[str, ...] = ()
    """That shall point to it when it is deployed."""
    run: str = "newest"
    """newest, or own: its callers get this code, whatever transformers there are."""
    acknowledged: tuple[str, ...] = ()
    """Rules by which it may differ from what was before, where the app refuses that."""
    schema: str | None = None
    """The database schema that it needs, `orders@2`."""
    since: Since | None = None
    """From when on it is to be seen; None: from its deployment."""
    rules: GuardRules = OPEN
    """Who may call it, and how often."""
    promises: Promises | None = None
    """What callers may rely on besides its types."""
    manifest: HandlerManifest | None = None
    """As the app declares it; None: not asked for yet."""

    @property
    def fingerprint(self) -> str:
        """Of contract and code; a new one is a new version."""
        return "" if self.manifest is None else self.manifest.fingerprint


class HookOptions(msgspec.Struct, frozen=True):
    """A hook for one route with its own limits; made by `runtime.hook`."""

    fn: Callable[..., Any]
    timeout: float | None
    retries: int
    backoff: Backoff | None = None


def hook(
    fn: Callable[..., Any],
    *,
    timeout: float | None = 5.0,
    retries: int = 0,
    backoff: Backoff | None = None,
) -> HookOptions:
    """Give a route's hook limits of its own: `before=[hook(check, timeout=1.0)]`.

    Raises:
        PolicySyntaxError: a limit that cannot be.
    """
    check_hook_limits(timeout, retries, backoff)
    return HookOptions(fn, timeout, retries, backoff)


def make_hook(fn: Any, kind: str, level: str, taken: Counter[str], limits: Any = None) -> Hook:
    """Make a hook of what was declared.

    Raises:
        SignatureError: it asks for what is not handed out.
        PolicySyntaxError: a limit that cannot be.
    """
    timeout, retries, backoff = limits or (5.0, 0, None)
    if isinstance(fn, HookOptions):
        fn, timeout, retries, backoff = fn.fn, fn.timeout, fn.retries, fn.backoff
    check_hook_limits(timeout, retries, backoff)
    # As a manifest is read back: 3 would be other bytes than 3.0, and another digest.
    timeout_s = None if timeout is None else float(timeout)
    call = bind(fn, extra=EXTRA[kind])
    taken[call.name] += 1
    n = taken[call.name]
    return Hook(
        id=call.name if n == 1 else f"{call.name}#{n}",
        kind=kind,
        level=level,
        call=call,
        timeout_s=timeout_s,
        retries=retries,
        backoff=backoff,
    )


def make_hooks(fns: Iterable[Any], kind: str, taken: Counter[str]) -> tuple[Hook, ...]:
    """Make the hooks of one kind of a route, in order."""
    return tuple(make_hook(fn, kind, "route", taken) for fn in fns)


def check_timeout(timeout: object) -> float:
    """Return a handler's timeout in seconds.

    Raises:
        PolicySyntaxError: not above 0, or above an hour.
    """
    if isinstance(timeout, bool) or not isinstance(timeout, int | float):
        return _no_timeout(timeout)
    return float(timeout) if 0 < timeout <= MAX_TIMEOUT_S else _no_timeout(timeout)


def _no_timeout(timeout: object) -> float:
    raise PolicySyntaxError(
        problem=f"timeout={timeout!r} is no time limit.",
        remedy=f"Write seconds, above 0 and at most {MAX_TIMEOUT_S:g}.",
    )


def check_hook_limits(timeout: object, retries: object, backoff: object) -> None:
    """Refuse limits that cannot be.

    Raises:
        PolicySyntaxError: names the value.
    """
    if timeout is not None:
        check_timeout(timeout)
    check_retries(retries, backoff)


def check_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return the tags of a deployment.

    Raises:
        TagNameError: no name for a tag, or two that differ by case alone.
    """
    wanted: list[str] = []
    for tag in tags:
        check_tag(tag, wanted)
        wanted.append(tag)
    return tuple(dict.fromkeys(wanted))


def check_run(run: object) -> str:
    """Return whose code callers of a version get.

    Raises:
        PolicySyntaxError: neither `newest` nor `own`.
    """
    if run not in {"newest", "own"}:
        raise PolicySyntaxError(
            problem=f"run={run!r} is not known.", remedy='Write "newest" or "own".'
        )
    return str(run)


def check_rules(rules: Iterable[str]) -> tuple[str, ...]:
    """Return ids of rules, as `BR-12`.

    Raises:
        PolicySyntaxError: one has not that form.
    """
    listed = [rules] if isinstance(rules, str) else list(rules)
    for rule in listed:
        if not isinstance(rule, str) or _RULE.fullmatch(rule) is None:
            raise PolicySyntaxError(
                problem=f"acknowledge={rule!r:.80} is no rule.", remedy='Write ["BR-12"].'
            )
    return tuple(dict.fromkeys(listed))


def place_of(frame: FrameType | None) -> str:
    """Say where a frame stands: `file:line`, relative to where we run."""
    if frame is None:
        return "?"
    path = Path(frame.f_code.co_filename)
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return f"{path}:{frame.f_lineno}"


def caller(depth: int) -> FrameType | None:
    """Return the frame *depth* calls above the one that asks."""
    frame = inspect.currentframe()
    for _ in range(depth + 1):
        frame = None if frame is None else frame.f_back
    return frame


def is_handler_id(name: str) -> bool:
    """Say whether *name* may be a handler id (MG-3)."""
    return 0 < len(name) <= 64 and all(c.isascii() and (c.isalnum() or c in "-_") for c in name)
