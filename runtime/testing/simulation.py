"""An app among its clients and modules for hours of virtual time (SI-1).

It is the real runtime, as in `Harness`: only clock, order of tasks, and what lies between
the app, its clients and its modules are simulated. Hours cost the work that is done in them.
"""

import asyncio
import random
import re
from collections.abc import Callable, Mapping
from typing import Any, Self, TypeAlias

from eventstore import Store
from runtime.app import App
from runtime.control import Versions, control_stream
from runtime.secrets import Provider
from runtime.testing.asking import Asking
from runtime.testing.counting import Counters, Load, count, count_log, requests_of
from runtime.testing.harness import Harness
from runtime.testing.links import Carrier, Link, Way
from runtime.testing.results import Result
from runtime.timescape.health import Verdict

Make: TypeAlias = Callable[[Asking, random.Random], Asking]
"""Fills in a request that begins with its route."""
_CLIENT = "client"
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd])", re.ASCII)


class Simulation:
    """An app that is looked at in virtual time. Use it on a `VirtualLoop`, by `async with`.

    Args:
        app: not started.
        seed: of ids, chance and links: equal seeds and requests write equal logs.
        modules: doubles, or other objects, in place of the app's modules.
        links: to modules or to methods of them, by their names.
        client: between the clients and the app.
        config: in place of the app's; None: the app's.
        secrets: that there are; None: none.
        store: another log; None: one in memory.

    Raises:
        ValueError: a link to a module that is not there.
    """

    def __init__(  # noqa: PLR0913 - what a simulation may replace
        self,
        app: App,
        *,
        seed: int = 0,
        modules: Mapping[str, object] | None = None,
        links: Mapping[str, Link] | None = None,
        client: Link | None = None,
        config: Mapping[str, Any] | None = None,
        secrets: Mapping[str, str] | Provider | None = None,
        store: Store | None = None,
    ) -> None:
        _refuse_unknown("links", links or {}, {*app.parts.modules.names(), *(modules or {})})
        self.harness = Harness(
            app, seed=seed, modules=modules, config=config, secrets=secrets, store=store,
            replayed=False,
        )  # fmt: skip
        carrier = Carrier(links or {}, seed, self.harness.clock.block)
        self.harness.carried = carrier.around
        self._client = Way(client or Link(), f"{seed}:{_CLIENT}")
        self._chance = random.Random(seed)  # noqa: S311 - repeatable by intent

    async def __aenter__(self) -> Self:
        await self.harness.__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        await self.harness.__aexit__(kind, *rest)

    # --- what there is ---

    @property
    def store(self) -> Store:
        """The log, which the debugger opens and replays."""
        return self.harness.store

    @property
    def counters(self) -> Counters:
        """What the log says of all requests so far."""
        return count_log(self.store)

    @property
    def now_us(self) -> int:
        """Virtual time, µs since 1970."""
        return self.harness.now_us

    # --- what happens ---

    async def send(self, asking: Asking) -> Result:
        """Send a request over the client's link.

        Raises:
            ConnectionError: it was lost, or its answer was.
        """
        return await self._client.carry(_CLIENT, lambda: self.harness.carry(asking))

    def request(self, method: str, path: str) -> Asking:
        """Put a request together; `send` sends it."""
        return self.harness.request(method, path)

    async def load(self, *, rate: float, seconds: float, mix: Mapping[str, float | Make]) -> Load:
        """Send requests at chance times, for so long, and wait for their answers.

        Args:
            rate: requests a second, on average.
            seconds: for how long they are sent.
            mix: by route, such as `GET /items`, how often it is asked for among the others, or
                what fills its requests in; that counts as 1.

        Raises:
            ValueError: no such route, or nothing to send.
        """
        routes = {each.template.text for each in self.harness.app.parts.declared}
        _refuse_unknown("mix", mix, routes)
        weights = [each if isinstance(each, int | float) else 1.0 for each in mix.values()]
        if not (rate > 0 and seconds >= 0 and min(weights, default=0) >= 0 < sum(weights)):
            msg = f"rate={rate}, seconds={seconds}, mix={dict(mix)}: there is nothing to send."
            raise ValueError(msg)
        before, latencies = self.store.end(), list[float]()
        loop = asyncio.get_running_loop()
        until, sent = loop.time() + seconds, list[asyncio.Task[None]]()
        while loop.time() + (pause := self._chance.expovariate(rate)) <= until:
            await asyncio.sleep(pause)
            (route,) = self._chance.choices(list(mix), weights)
            sent.append(loop.create_task(self._one(self._made(route, mix[route]), latencies)))
        await asyncio.gather(*sent)
        new = [each for each in requests_of(self.store) if each.position > before]
        return Load(count(new), sorted(latencies), len(sent) - len(latencies))

    def _made(self, route: str, made: float | Make) -> Asking:
        asking = self.request(*route.split(" ", 1))
        return made(asking, self._chance) if callable(made) else asking

    async def _one(self, asking: Asking, latencies: list[float]) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            await self.send(asking)
        except ConnectionError:
            return
        latencies.append(round(loop.time() - began, 6))  # µs, as facts have them

    async def advance(self, duration: float | str) -> None:
        """Let virtual time pass: seconds, or `30s`, `5m`, `2h`, `30d`.

        Raises:
            ValueError: it is none.
        """
        await asyncio.sleep(_seconds(duration))

    async def deploy(self, app: App) -> None:
        """Let other code of the app go on from here, as after a restart.

        Raises:
            ValueError: it has another name.
            BreakingDeployError: its policy refuses a version.
        """
        if app.name != self.harness.app.name:
            msg = f"{app.name!r} is another app than {self.harness.app.name!r}."
            raise ValueError(msg)
        await self.harness.restart(app)

    @property
    def versions(self) -> Versions:
        """What tags, shares out, deprecates and deactivates versions."""
        stream = control_stream(self.harness.app.name)
        return Versions(
            self.store, stream, clock=self.harness.clock, ids=self.harness.ids,
            board=self.harness.app.edge.board, by="simulation",
        )  # fmt: skip

    def tag(self, tag: str, version: str) -> bool:
        """Let a tag point to a version id; see `Versions.tag`."""
        return bool(self.versions.tag(tag, version))

    def set_health(self, version: str, verdict: Verdict | None) -> None:
        """Let a version be `healthy`, `degraded` or `unhealthy`; see `App.say_health`.

        Args:
            version: its id.
            verdict: None: what its answers say, from now on.

        Raises:
            VersionNotFound: there is no such version.
        """
        self.harness.app.say_health(version, verdict)


def _refuse_unknown(what: str, named: Mapping[str, object], known: set[str]) -> None:
    unknown = [name for name in named if name not in known and name.split(".")[0] not in known]
    if unknown:
        msg = f"{what} names {', '.join(unknown)}. There are: {', '.join(sorted(known)) or 'none'}."
        raise ValueError(msg)


def _seconds(duration: float | str) -> float:
    if not isinstance(duration, str):
        found = float(duration)
    elif (parsed := _DURATION.fullmatch(duration)) is not None:
        found = float(parsed[1]) * _UNITS[parsed[2]]
    else:
        msg = f"{duration!r:.40} is no duration: write 30s, 5m, 2h or 30d."
        raise ValueError(msg)
    if found < 0:
        msg = f"{duration!r:.40}: time does not go back."
        raise ValueError(msg)
    return found
