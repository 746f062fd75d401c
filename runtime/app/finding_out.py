"""Tells the log what an app does that it should not: secrets let out, codes not declared."""

import logging

from eventstore import EventStoreError
from runtime.app.life import ControlLog
from runtime.app.masking import Masking
from runtime.lifecycle.run import Surroundings
from runtime.problem_facts import ProblemUndeclared

_log = logging.getLogger("timescape")


def find_out(surroundings: Surroundings, control: ControlLog) -> None:
    """Let what requests of an app do wrong be told to *control*, from now on."""
    surroundings.gctx.secrets.cache.scrubber.tell = Masking(control)

    def undeclared(fact: ProblemUndeclared, version: str) -> None:
        _log.warning(
            "undeclared problem: version=%s code=%s status=%d", version, fact.code, fact.status
        )
        try:
            control.tell(fact, version)
        except EventStoreError as error:
            _log.warning("problem.undeclared not written: code=%s", error.code)

    surroundings.undeclared.tell = undeclared
