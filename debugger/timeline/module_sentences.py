"""What happens to modules, in sentences."""

from collections.abc import Callable, Mapping
from typing import Any

from debugger.timeline.printable import printable
from eventstore import Event
from runtime import module_facts as facts
from runtime.facts import CapabilityDenied

_REASONS = {
    "start": "did not start",
    "crash": "crashed",
    "timeout": "took too long and was ended",
    "frame": "said what cannot be read and was ended",
    "health": "was not well and was ended",
    "circuit": "failed too often and is not called for a while",
}


def _registered(fact: facts.ModuleRegistered, key: str) -> str:
    version = f", version {printable(fact.version)}," if fact.version else ""
    may = f"; it may {_pairs(fact.grants)}" if fact.grants else ""
    not_ = f"; it may not {_pairs(fact.denied)}" if fact.denied else ""
    return f"The module {key}{version} was registered{may}{not_}."


def _pairs(pairs: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"{printable(kind)} {printable(pattern)}" for kind, pattern in pairs)


def _started(fact: facts.ModuleStarted, key: str) -> str:
    within = f" within {printable(', '.join(fact.enforced))}" if fact.enforced else ""
    return f"The module {key} started{within}."


def _stopped(fact: facts.ModuleStopped, key: str) -> str:
    told = "was killed, as it did not stop" if fact.killed else "stopped"
    return f"The module {key}{_which(fact)} {told}."


def _which(fact: facts.ModuleStopped | facts.ModuleFailed) -> str:
    return f", generation {fact.generation}," if fact.generation > 1 else ""


def _failed(fact: facts.ModuleFailed, key: str) -> str:
    how = f", exit code {fact.exit_code}" if fact.exit_code is not None else ""
    how += f", by {printable(fact.signal)}" if fact.signal else ""
    last = f'; it said last: "{printable(fact.output[-1])}"' if fact.output else ""
    return f"The module {key}{_which(fact)} {_REASONS.get(fact.reason, 'failed')}{how}{last}."


def _restarted(fact: facts.ModuleRestarted, key: str) -> str:
    if fact.reason == "reload":
        return f"The module {key} takes new calls as generation {fact.generation}."
    return f"The module {key} takes calls again."


def _resized(fact: facts.ModuleResized, key: str) -> str:
    why = _SIZES.get(fact.reason, "")
    return f"The module {key} has {fact.workers} processes, not {fact.was}{why}."


_SIZES = {
    "waiting": ", as a call found none free",
    "busy": ", as most worked for long",
    "idle": ", as few of them worked",
}


def _granted(fact: facts.CapabilityGranted, key: str) -> str:
    return f"The module {key} may {_pair(fact)} from now on{_by(fact.by)}."


def _revoked(fact: facts.CapabilityRevoked, key: str) -> str:
    return f"The module {key} may {_pair(fact)} no more{_by(fact.by)}."


def _used(fact: facts.CapabilityUsed, key: str) -> str:
    told = (f"{printable(kind)} {printable(pattern)}{_times(n)}" for kind, pattern, n in fact.uses)
    return f"The module {key} used {', '.join(told)}."


def _times(count: int) -> str:
    return f" {count} times" if count > 1 else ""


def _pair(fact: facts.CapabilityGranted | facts.CapabilityRevoked) -> str:
    return _pairs(((fact.capability, fact.pattern),))


def _by(who: str) -> str:
    return f", says {printable(who)}" if who else ""


def _denied(fact: CapabilityDenied, key: str) -> str:
    if fact.capability == "module.call":
        return f"{key} was denied: the handler does not declare it."
    module, kind = printable(fact.module), printable(fact.capability)
    return f"The module {module} was denied {kind} of {printable(fact.operation)}."


MODULE_TELLERS: Mapping[type, Callable[[Any, str], str]] = {
    facts.ModuleRegistered: _registered,
    facts.ModuleStarted: _started,
    facts.ModuleStopped: _stopped,
    facts.ModuleFailed: _failed,
    facts.ModuleRestarted: _restarted,
    facts.ModuleResized: _resized,
    facts.CapabilityGranted: _granted,
    facts.CapabilityRevoked: _revoked,
    facts.CapabilityUsed: _used,
    CapabilityDenied: _denied,
}


def module_of(event: Event) -> str | None:
    """Return the name of the module that *event* tells of; None: it tells of none."""
    if isinstance(event.data, CapabilityDenied):
        return event.data.module
    return (event.key or "") if type(event.data) in MODULE_TELLERS else None


def module_sentence(event: Event) -> str:
    """Tell a fact about a module in one printable sentence.

    Raises:
        KeyError: it is about something else.
    """
    return MODULE_TELLERS[type(event.data)](event.data, printable(event.key or ""))
