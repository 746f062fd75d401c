"""How the app is: its health checks and its handlers, in one verdict (GC-7, HW-7)."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

import msgspec

from runtime.app.life import called
from runtime.lifecycle.binding import Bound
from runtime.lifecycle.global_context import GlobalContext
from runtime.timescape.health import Verdict

CHECK_S = 5.0
Result: TypeAlias = Literal["pass", "warn", "fail"]
_OF_VERDICT: Mapping[Verdict, Result] = {
    "healthy": "pass",
    "degraded": "warn",
    "unhealthy": "fail",
}


class Check(msgspec.Struct, frozen=True):
    """What one check found."""

    name: str
    result: Result
    reason: str = ""
    """Why not `pass`."""


class Health(msgspec.Struct, frozen=True):
    """How the app is."""

    status: Verdict
    checks: tuple[Check, ...]


def verdict_of(results: Iterable[Result]) -> Verdict:
    """Return the worst of *results*."""
    found = set(results)
    if "fail" in found:
        return "unhealthy"
    return "degraded" if "warn" in found else "healthy"


async def look(
    checks: Mapping[str, Bound], gctx: GlobalContext, handlers: Mapping[str, Verdict]
) -> Health:
    """Run all checks at once, each for 5 s at most, and join them with the handlers'.

    Args:
        checks: by name.
        gctx: what a check may ask for.
        handlers: how each version of a handler does; without one, nothing can be served.
    """
    found = list(await asyncio.gather(*[_check(name, c, gctx) for name, c in checks.items()]))
    found += [
        Check(f"handler {version}", _OF_VERDICT[verdict], _reason(verdict))
        for version, verdict in handlers.items()
    ]
    if not handlers:
        found.append(Check("handlers", "fail", "there is none"))
    return Health(verdict_of(check.result for check in found), tuple(found))


def _reason(verdict: Verdict) -> str:
    return "" if verdict == "healthy" else "too many of its answers are 5xx"


async def _check(name: str, call: Bound, gctx: GlobalContext) -> Check:
    try:
        async with asyncio.timeout(CHECK_S):
            said = await called(call, gctx)
    except TimeoutError:
        return Check(name, "fail", f"it took longer than {CHECK_S:g} s")
    except Exception as error:  # noqa: BLE001 - a check that raises has failed
        return Check(name, "fail", type(error).__name__)
    return _read(name, said)


def _read(name: str, said: object) -> Check:
    """Read what a check returned: a result, with a reason if it likes; True, None; False."""
    result, reason = said if isinstance(said, tuple) and len(said) == 2 else (said, "")
    if result is None or result is True or result == "pass":
        return Check(name, "pass")
    if result in {"warn", "fail"}:
        return Check(name, "warn" if result == "warn" else "fail", str(reason))
    why = "it returned False" if result is False else f"it returned {type(result).__name__}"
    return Check(name, "fail", why)
