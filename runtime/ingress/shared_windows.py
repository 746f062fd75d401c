"""The windows of rate limits where several processes serve: rows that they share (RL-5)."""

import hashlib
from collections.abc import Sequence

from eventstore import Nodes
from runtime.effects import Workers
from runtime.ingress.windows import Counted, charged_of
from runtime.policies import Limit, Window, charge

_AT_ONCE = 4
"""Requests that ask at one time; the others wait for their turn."""


class SharedWindows:
    """Windows by handler and caller, of all nodes.

    Args:
        app: its name; two apps on one log do not share windows.
        nodes: what has the rows.
    """

    def __init__(self, app: str, nodes: Nodes) -> None:
        self._app = app
        self._nodes = nodes
        self._workers = Workers("timescape-windows", _AT_ONCE)

    def close(self) -> None:
        """Let go of the threads."""
        self._workers.close()

    async def charge(
        self, handler: str, caller: str, limits: Sequence[Limit], now_us: int, *, charging: bool
    ) -> Counted:
        """Say what each limit says of one more request, and let it in if all do.

        Raises:
            EventStoreError: the rows cannot be asked.
        """
        key = self._key(handler, caller)
        wanted = [(limit.count, limit.window_us) for limit in limits]
        answer = await self._workers.run(
            lambda: self._nodes.charge(key, now_us, wanted, charging=charging)
        )
        outcomes = tuple(
            charge(_window(before), now_us, limit.count, limit.window_us)
            for before, limit in zip(answer.before, limits, strict=True)
        )
        return Counted(outcomes, charged_of(limits, outcomes) if answer.charged else None)

    def _key(self, handler: str, caller: str) -> str:
        """Return the name of the rows: ids of callers may be long, and hold anything."""
        digest = hashlib.sha256()
        for part in (self._app, handler, caller):
            digest.update(f"{len(part)}:{part}".encode(errors="surrogatepass"))
        return digest.hexdigest()


def _window(before: tuple[int, int]) -> Window | None:
    start_us, used = before
    return Window(start_us, used) if used else None
