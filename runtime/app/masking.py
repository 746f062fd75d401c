"""Tells the log that a secret was kept out of something (SE-8)."""

import logging
import threading

from eventstore import EventStoreError
from runtime.app.life import ControlLog
from runtime.service_facts import SecretMasked

_PLACES = 1_000
_log = logging.getLogger("timescape")


class Masking:
    """Writes `secret.masked` for each secret and each kind of place once. Thread-safe.

    Args:
        control: of the app.
    """

    def __init__(self, control: ControlLog) -> None:
        self._control = control
        self._told: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def __call__(self, name: str, where: str) -> None:
        """Note that secret *name* was found in *where*."""
        with self._lock:
            if (name, where) in self._told or len(self._told) >= _PLACES:
                return
            self._told.add((name, where))
        _log.warning("secret masked: name=%s where=%s", name, where)
        try:
            self._control.tell(SecretMasked(where), name)
        except EventStoreError as error:
            _log.warning("secret.masked not written: code=%s", error.code)
