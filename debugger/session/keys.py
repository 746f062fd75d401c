"""Idempotency keys of a store that wait for an operator, and giving them free."""

from debugger.errors import BadInputError
from debugger.session.session import Session
from runtime.ingress.held_keys import HeldKey, held_keys, release
from runtime.request_ids import same_request


def waiting(session: Session) -> list[HeldKey]:
    """Give the keys whose outcome is not known, the newest first."""
    return list(held_keys(session.store, session.sources[0]()))


def give_free(session: Session, request: str, *, by: str, reason: str, gone: bool) -> None:
    """Give the key free that *request* holds.

    Args:
        session: which store.
        request: id of who holds it.
        by: who does it.
        reason: why; both are recorded.
        gone: the operator knows that the process has gone, where the log does not say.

    Raises:
        BadInputError: it may still run.
        NoSuchKeyError: it holds none.
        WriteRefusedError: the session is read-only.
    """
    held = next((e for e in waiting(session) if same_request(e.claim.request, request)), None)
    if held is not None and held.why == "unfinished" and not gone:
        msg = f"{request} may still run: the log does not say that it ended."
        raise BadInputError(msg, "Once its process has gone, say so with --gone.")
    with session.writing() as store:
        release(store, request, by=by, reason=reason, now_us=session.sources[0]())
