"""Why a value cannot be encoded, and where in it (VC-2)."""

from eventstore.errors import EventStoreError

MAX_DEPTH = 64
"""How deep a value may be nested."""


class Fault(Exception):
    """What cannot be encoded; each container on the way out adds itself."""

    def __init__(self, reason: str, cls: type, detail: str = "") -> None:
        self.reason = reason
        self.cls = cls
        self.detail = detail
        self.steps: list[tuple[object, int]] = []
        """Innermost first: the step taken and the id of what it was taken from."""


def unsupported(fault: Fault) -> EventStoreError:
    """Return what to raise for *fault* once all containers have added themselves."""
    steps = _until_cycle(fault)
    path = "".join(f"/{_token(step)}" for step in steps)
    detail = f" ({fault.detail})" if fault.detail else ""
    problem = (
        f"The value at {path[:200] or 'its root'!a} cannot be recorded: {fault.reason}{detail}, "
        f"class {fault.cls.__module__}.{fault.cls.__qualname__}."
    )
    fields: dict[str, object] = {
        "path": path,
        "type": f"{fault.cls.__module__}.{fault.cls.__qualname__}",
        "reason": fault.reason,
    }
    return EventStoreError("unsupported-value", problem, _REMEDIES[fault.reason], fields)


def _until_cycle(fault: Fault) -> list[object]:
    """Return the steps to the fault; where it lies too deep because of a cycle, to that."""
    steps: list[object] = []
    met: set[int] = set()
    for step, container in reversed(fault.steps):
        if container in met and fault.reason == "depth":
            fault.reason, fault.detail = "cycle", ""
            break
        met.add(container)
        steps.append(step)
    return steps


def _token(step: object) -> str:
    shown = step if isinstance(step, str) else repr(step)
    return shown[:80].replace("~", "~0").replace("/", "~1")


_REMEDIES = {
    "type": "Record plain data instead: numbers, text, lists, dicts, dates, Structs.",
    "subclass": "Convert it to the plain class it extends.",
    "unregistered": "Register the class with the application.",
    "cycle": "Refer to the other value by an id.",
    "depth": f"Nest at most {MAX_DEPTH} deep.",
    "size": "Keep large data elsewhere and its address here.",
    "tzinfo": "Use a ZoneInfo with a key, or a plain offset.",
    "attribute": "Set all declared fields and no others.",
}
