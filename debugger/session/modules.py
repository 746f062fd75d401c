"""What the log says of modules: registered, started, failed, granted, denied."""

from debugger.session.control import control_streams
from debugger.session.session import Session
from debugger.timeline.module_sentences import module_of
from eventstore import Event


def module_events(session: Session, name: str | None = None) -> list[Event]:
    """Give the facts about modules, in the order of the log.

    Args:
        session: on the store.
        name: of a module; None: all.
    """
    found = [
        event
        for stream in control_streams(session)
        for event in session.store.read(stream)
        if (module := module_of(event)) is not None and name in {None, module}
    ]
    return sorted(found, key=lambda event: event.position)
