"""Watches how the versions of a running app do, and keeps requests from those that do badly.

Nothing is done for a request that goes well. One that fails has its version looked at, and
looked at again each second until none of the last minute has failed: by the clock alone, so that
what is idle comes back without a request (AD-4). Whoever comes back is judged by new answers.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from eventstore import EventStoreError, Ids, Nodes
from runtime.app.declarations import Declared
from runtime.app.life import ControlLog
from runtime.health_facts import VersionHealthChanged
from runtime.lifecycle.outcomes import Outcomes, verdict_of
from runtime.timescape.health import NEW, Standing, Verdict, judged

EACH_S = 1.0
_log = logging.getLogger("timescape")


class HealthWatch:
    """Keeps the health of an app's versions in this process. Used on its event loop only.

    Args:
        outcomes: of the versions.
        needs: the modules that each version says it needs, by version id.
        tell: writes a fact down, under a version id.
        avoid: told of all that are unhealthy here, and of those that are elsewhere, whenever that
            changes.
        name: makes a name for this process, once there is something to tell.
    """

    def __init__(
        self,
        outcomes: Outcomes,
        needs: Mapping[str, frozenset[str]],
        tell: Callable[[VersionHealthChanged, str], None],
        avoid: Callable[[frozenset[str], frozenset[str]], None],
        name: Callable[[], str],
    ) -> None:
        self._outcomes = outcomes
        self._needs = needs
        self._tell = tell
        self._avoid = avoid
        self._name = name
        self._instance = ""
        self._standing: dict[str, Standing] = {}
        self._told: dict[str, Verdict] = {}
        self._watched: set[str] = set()
        self._down: frozenset[str] = frozenset()
        """Modules that have failed."""
        self._elsewhere: frozenset[str] = frozenset()
        self._said: dict[str, Verdict] = {}
        """What somebody says of versions, whatever their answers say."""
        self._timer: asyncio.TimerHandle | None = None
        outcomes.failed = self.look

    def state(self, version: str) -> Verdict:
        """Say how *version* stands."""
        if self._lacks(version):
            return "unhealthy"
        said = self._said.get(version)
        return said or self._standing.get(version, NEW).state

    def close(self) -> None:
        """Watch no more."""
        self._outcomes.failed = None
        if self._timer is not None:
            self._timer.cancel()

    def modules(self, failed: frozenset[str]) -> None:
        """Take notice that the modules *failed* do not work, and all others do.

        Who needs one is unhealthy meanwhile, and no longer: a module is started again by
        itself, which is seen at once.
        """
        if failed != self._down:
            changed = failed ^ self._down
            self._down = failed
            for version, needs in self._needs.items():
                if needs & changed:
                    self._settle(version)

    def say(self, version: str, verdict: Verdict | None) -> None:
        """Let *version* stand so from now on; None: as its answers say again."""
        if verdict is None:
            self._said.pop(version, None)
        else:
            self._said[version] = verdict
        self._settle(version)

    def look(self, version: str) -> None:
        """Look how *version* does, now and from now on until nothing is to be seen any more."""
        loop = asyncio.get_running_loop()
        self._judge(version, loop.time())
        self._watched.add(version)
        if self._timer is None:
            self._timer = loop.call_later(EACH_S, self._again)

    def _again(self) -> None:
        loop = asyncio.get_running_loop()
        self._watched = {each for each in self._watched if self._judge(each, loop.time())}
        self._timer = loop.call_later(EACH_S, self._again) if self._watched else None

    def _judge(self, version: str, now_s: float) -> bool:
        """Judge *version*; say whether time alone may change that."""
        counts = self._outcomes.counts(version, now_s)
        before = self._standing.get(version, NEW)
        after = self._standing[version] = judged(before, verdict_of(*counts), now_s)
        if after.state == "unhealthy" != before.state:
            self._outcomes.forget(version)
        self._settle(version, counts)
        return counts[1] > 0 or after.state != "healthy"

    def _settle(self, version: str, counts: tuple[int, int] = (0, 0)) -> None:
        """Tell how *version* stands, if that is new."""
        former, state = self._told.get(version, "healthy"), self.state(version)
        if former == state:
            return
        self._told[version] = state
        self._instance = self._instance or self._name()
        lacks = ", ".join(sorted(self._lacks(version)))
        reason = "answers" if counts[0] else "recovered"
        reason = f"module {lacks}" if lacks else "said" if version in self._said else reason
        fact = VersionHealthChanged(former, state, *counts, reason, self._instance)
        self._tell(fact, version)
        if "unhealthy" in {former, state}:
            self._keep_off()

    def elsewhere(self, unhealthy: frozenset[str]) -> None:
        """Take notice of the versions that are unhealthy in other processes."""
        if unhealthy != self._elsewhere:
            self._elsewhere = unhealthy
            self._keep_off()

    def _keep_off(self) -> None:
        here = frozenset(each for each, at in self._told.items() if at == "unhealthy")
        self._avoid(here, self._elsewhere)

    def _lacks(self, version: str) -> frozenset[str]:
        return self._needs.get(version, frozenset()) & self._down


def needs_of(declared: Sequence[Declared], ids: Sequence[str]) -> dict[str, frozenset[str]]:
    """Return the modules that versions say they need, by version id."""
    return {
        version_id: frozenset(each.partition(".")[0] for each in version.modules)
        for version, version_id in zip(declared, ids, strict=True)
        if version.modules
    }


def telling(control: ControlLog) -> Callable[[VersionHealthChanged, str], None]:
    """Return what writes to *control*; requests go on if that takes nothing any more."""

    def tell(fact: VersionHealthChanged, version: str) -> None:
        try:
            control.tell(fact, version)
        except EventStoreError as error:
            _log.error("health not recorded: version=%s code=%s", version, error.code)

    return tell


def named_by(ids: Ids, nodes: Nodes | None) -> Callable[[], str]:
    """Return what names this process: as the others know it, where there may be others."""
    return (lambda: ids.token(4).hex()) if nodes is None else (lambda: nodes.me)
