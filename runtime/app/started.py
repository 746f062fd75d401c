"""What an app offers once it was started, and what says that it was not."""

from collections.abc import Collection, Mapping
from pathlib import Path

from eventstore import Clock, Store
from runtime.app.company import Company
from runtime.app.health import Health, look
from runtime.app.health_watch import HealthWatch
from runtime.app.messaging import Messaging
from runtime.app.promoting import Promoting
from runtime.app.reloading import Announcing
from runtime.app.retirement import Retirement
from runtime.control import Board, Versions, control_stream
from runtime.delivery import Fabric
from runtime.errors import NotStartedError, PolicySyntaxError, VersionNotFound
from runtime.ingress import Edge
from runtime.isolation import GrantDesk
from runtime.lifecycle.controller import Controller
from runtime.lifecycle.handlers import HandlerVersion
from runtime.timescape.health import Verdict


class Started(Messaging):
    """Holds what `start` made.

    Args:
        name: of the app, for what is said.
        root: the app's folder; None: where we run.
    """

    def __init__(self, name: str, root: Path | None) -> None:
        super().__init__(root)
        self.name = name
        self._edge: Edge | None = None
        self._controller: Controller | None = None
        self._desk: Versions | None = None
        self._grants: GrantDesk | None = None
        self.company: Company | None = None
        """The other processes that serve from its log; None: it is served by this one alone."""
        self._announcing: Announcing | None = None
        self._retirement: Retirement | None = None
        self._versions: tuple[str, ...] = ()
        self._watch: HealthWatch | None = None

    def _meet(
        self, store: Store, edge: Edge, clock: Clock, controller: Controller, fabric: Fabric
    ) -> None:
        """Learn whether other processes serve from the log."""
        self.company = Company.of(
            store, edge, clock, controller, self._modules, fabric, control_stream(self.name)
        )

    def _follow(self, store: Store, board: Board, watch: HealthWatch, clock: Clock) -> None:
        """Count what other processes tell of themselves, from now on."""
        if self.company is None or store.nodes is None or self._desk is None:
            return
        me, following = store.nodes.me, self.company.following
        following.listen(lambda team: watch.elsewhere(team.unhealthy(but=me)))
        following.settle = Promoting(board, self._desk, self._versions, clock).look

    async def _begin_beside(
        self, controller: Controller, takers: Mapping[str, HandlerVersion]
    ) -> None:
        """Deliver messages, and look after those other processes from now on."""
        await self.queues.begin(controller, takers)
        if self.company is not None:
            self.company.begin()

    async def _part(self) -> None:
        """Look after them no more."""
        if self.company is not None:
            await self.company.stop()
            self.company = None

    @property
    def edge(self) -> Edge:
        """What answers requests.

        Raises:
            NotStartedError: `start` was not called.
        """
        if self._edge is None:
            raise NotStartedError(
                problem=f"App {self.name!r} was not started.",
                remedy="Serve it with `timescape serve`, or call app.start(store) first.",
            )
        if self._life.is_pending:
            raise NotStartedError(
                problem=f"App {self.name!r} has startup hooks which did not run.",
                remedy="Serve it with `timescape serve`, or await app.begin() first.",
            )
        return self._edge

    @property
    def controller(self) -> Controller:
        """What runs requests.

        Raises:
            NotStartedError: `start` was not called.
        """
        if self._controller is None:
            _ = self.edge
        assert self._controller is not None  # noqa: S101 - set together
        return self._controller

    async def health(self) -> Health:
        """Run the health checks, and say how the app is; once it was started."""
        controller = self.controller
        assert self._watch is not None  # noqa: S101 - set together
        verdicts = {each: self._watch.state(each) for each in self._versions}
        return await look(self._checks, controller.surroundings.gctx, verdicts)

    @property
    def versions_here(self) -> Collection[str]:
        """Ids of the versions that this process has the code of."""
        return self._versions

    @property
    def versions(self) -> Versions:
        """The versions in the log, to look at and to change: tags, traffic, retirement.

        Raises:
            NotStartedError: `start` was not called.
        """
        _ = self.edge
        assert self._desk is not None  # noqa: S101 - set together
        return self._desk

    def say_health(self, version: str, verdict: Verdict | None) -> None:
        """Say how a version stands in this process, whatever its answers say; it is a fact.

        Requests are kept from one that is unhealthy, as from one that fails. It holds until the
        next call, or until the app stops; a version that lacks a module is unhealthy all the same.
        On the event loop that serves.

        Args:
            version: its id.
            verdict: healthy, degraded or unhealthy; None: what its answers say, from now on.

        Raises:
            NotStartedError: `start` was not called.
            VersionNotFound: this process has no such version.
            PolicySyntaxError: a version cannot stand so.
        """
        _ = self.edge
        assert self._watch is not None  # noqa: S101 - set together
        if version not in self._versions:
            msg = f"There is no version {version!r:.80}."
            raise VersionNotFound(msg, f"There are: {', '.join(sorted(self._versions))}.")
        if verdict not in {None, "healthy", "degraded", "unhealthy"}:
            msg = f"{verdict!r:.80} is no state of a version."
            raise PolicySyntaxError(msg, "Say healthy, degraded, unhealthy, or None.")
        self._watch.say(version, verdict)

    @property
    def retirement(self) -> Retirement:
        """What takes versions out of service that nobody uses. `timescape serve` starts it.

        Raises:
            NotStartedError: `start` was not called.
        """
        _ = self.controller
        assert self._retirement is not None  # noqa: S101 - set together
        return self._retirement

    @property
    def grants(self) -> GrantDesk:
        """What modules may use now, to look at and to change.

        Raises:
            NotStartedError: `start` was not called.
        """
        _ = self.edge
        assert self._grants is not None  # noqa: S101 - set together
        return self._grants

    @property
    def module_restarts(self) -> Mapping[tuple[str, str], int]:
        """How often its modules took calls again, by name and by why they had not."""
        return self._hosting.restarts

    def release_key(self, request: str, *, by: str, reason: str) -> None:
        """Give the idempotency key free that a request holds whose outcome is not known (IK-4).

        Args:
            request: its id, as `Original-Request-Id` named it.
            by: who does it.
            reason: why; both are recorded.

        Raises:
            NoSuchKeyError: it holds none, or still runs.
        """
        self.edge.release_key(request, by=by, reason=reason)
