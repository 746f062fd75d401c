"""What is deployed: a fold of the `handler.deployed` facts (TS-3, TS-4)."""

from collections.abc import Iterable

import msgspec

from runtime.timescape.version_ids import VersionId


class Deployment(msgspec.Struct, frozen=True):
    """One version of a handler, as the log knows it."""

    id: VersionId
    edition: str | None
    fingerprint: str


class Deployments(msgspec.Struct, frozen=True):
    """All deployments of all handlers, oldest first."""

    by_handler: dict[str, tuple[Deployment, ...]] = {}

    @classmethod
    def of(cls, facts: Iterable[tuple[str, Deployment]]) -> "Deployments":
        """Fold handler ids and their deployments, in the order of the log."""
        found: dict[str, list[Deployment]] = {}
        for handler, deployment in facts:
            found.setdefault(handler, []).append(deployment)
        return cls({handler: tuple(all_) for handler, all_ in found.items()})

    def last(self, handler: str, edition: str | None) -> Deployment | None:
        """Give what was deployed last of *edition*."""
        for deployment in reversed(self.by_handler.get(handler, ())):
            if deployment.edition == edition:
                return deployment
        return None

    def needed(self, handler: str, edition: str | None, fingerprint: str) -> bool:
        """Say whether code with *fingerprint* is new for its handler and edition (TS-3)."""
        last = self.last(handler, edition)
        return last is None or last.fingerprint != fingerprint

    def next_id(self, handler: str, now_us: int) -> VersionId:
        """Name the next version of *handler*: later and higher than every one before."""
        before = self.by_handler.get(handler, ())
        seconds = max([now_us // 1_000_000, *(d.id.seconds for d in before)])
        sequence = max((d.id.sequence for d in before), default=0) + 1
        return VersionId(seconds=seconds, sequence=sequence, handler=handler)

    def plus(self, handler: str, deployment: Deployment) -> "Deployments":
        """Return this and *deployment*."""
        now = (*self.by_handler.get(handler, ()), deployment)
        return Deployments({**self.by_handler, handler: now})
