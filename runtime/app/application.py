"""The app: what a user registers, and its life from start to stop."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from eventstore import Clock, Ids, Store
from eventstore.values import Tree
from runtime.app.assembly import assemble, classes_of, config_of, subscribing
from runtime.app.deciding import OnBreaking, OnRisky, check_policy
from runtime.app.declarations import Declared, caller, place_of
from runtime.app.declaring import Wanted, check_size, declare
from runtime.app.equipment import registrations
from runtime.app.finding_out import find_out
from runtime.app.granting import refuse_unknown_topics
from runtime.app.guard_rules import Asking, check_places
from runtime.app.guards import Authenticating, believed, counted_in, guard_of, origins_allowed
from runtime.app.health_watch import HealthWatch, named_by, needs_of, telling
from runtime.app.life import ControlLog
from runtime.app.log_probe import watched
from runtime.app.manifesting import refuse_unknown
from runtime.app.needs import refuse_without_keyring
from runtime.app.parts import Instead, Parts
from runtime.app.reloading import Announcing
from runtime.app.reloads import Reloads
from runtime.app.retirement import Retirement
from runtime.app.startup import announce
from runtime.app.sticking import Sticky, check_sticky, stick
from runtime.control import Board, Versions, control_stream
from runtime.control.usage import BY
from runtime.delivery import Fabric
from runtime.effects import SystemIds, Tripping, system_clock
from runtime.errors import AlreadyStartedError, RegistrationError
from runtime.ingress import Edge, Limits
from runtime.ingress.answers import Send
from runtime.ingress.bodies import WHOLE_S, Receive
from runtime.ingress.counting import Recorded
from runtime.ingress.proxies import ForwardedBy
from runtime.ingress.shapes import MAX_ITEMS, MAX_MEMBERS
from runtime.lifecycle.arrival import headers_to_record
from runtime.lifecycle.controller import Controller
from runtime.lifecycle.global_context import GlobalContext
from runtime.lifecycle.handlers import MAX_ANSWER, HandlerVersion
from runtime.lifecycle.problems import URN, check_base
from runtime.manifests.promises import Promises
from runtime.request_ids import PREFIX, check_prefix
from runtime.secrets import Provider, in_order

F = TypeVar("F", bound=Callable[..., Any])


class App(Reloads):
    """An application: handlers, hooks and modules, and what runs them.

    It is an ASGI application, too: `timescape serve module:app` or any ASGI server runs it.

    Args:
        name: names its control stream in the log.
        config: plain data for `gctx.config`; copied. It is recorded: keep secrets out.
        max_body: bytes a request's body may have, where a handler does not say otherwise.
        allowed_hosts: what `Host` may be, exact or `*.` and one label; None: anything.
        root: folder to which recorded source places are relative; None: where we run.
        secrets: where `gctx.secrets` come from, in this order; None: `SECRET_…` of the
            environment.
        on_breaking: what becomes of a new version that breaks callers of the one before, where
            no transformer takes care of them: `hold`: it serves who asks for it, the rest stay;
            `activate`: all who name nothing move to it; `refuse`: the app does not start.
        risky: what becomes of one that may: `report`, or `refuse`.
        auth: authenticators, of `runtime.authentication` or your own; each request's credentials
            go to the one that claims them.
        auth_default: `open` or `required`, for handlers that say nothing of who may call them.
        max_in_flight: how many requests run at once; 100 more wait, half a second each.
        trusted_proxies: networks, `10.0.0.0/8`, of those believed where a request comes from.
        forwarded_by: the field in which they say it, `x-forwarded-for` or `forwarded`.
        max_members: how many an object in a body may have; a handler may say otherwise.
        max_items: how many an array in a body may have, likewise.
        body_timeout: seconds that a body may take to come, likewise; one that comes more slowly
            than 1 KiB/s is given up after 5.
        decompress: whether bodies compressed with gzip or deflate are taken, likewise.
        cors: origins of pages that may call it, `https://shop.example`, or `*`.
        cors_credentials: whether cookies may come with that.
        record_headers: names of headers whose values are recorded, besides those that say what is
            sent and wanted; of all others only the name is. None may hold a credential.
        max_answer: bytes that an answer may have; a handler may say otherwise.
        problem_base: what the `type` of problem documents begins with, before the code.
        record_untyped: whether bodies and answers without declared fields are recorded; of the
            others there is only size and digest, and code that reads such a body is not replayed.
        sticky: what tells unproven callers apart while traffic is split: `address` or `cookie`.
        request_prefix: what ids of requests begin with, `req` and a dash: 1 to 12 letters.
    """

    def __init__(  # noqa: PLR0913 - each is one thing a user may say of an app
        self,
        name: str,
        config: Mapping[str, Any] | None = None,
        *,
        max_body: int = 1024 * 1024,
        allowed_hosts: Iterable[str] | None = None,
        root: Path | None = None,
        secrets: Provider | Iterable[Provider] | None = None,
        on_breaking: OnBreaking = "hold",
        risky: OnRisky = "report",
        auth: Iterable[Any] = (),
        auth_default: str = "open",
        max_in_flight: int = 1_000,
        trusted_proxies: Iterable[str] = (),
        forwarded_by: ForwardedBy = "x-forwarded-for",
        max_members: int = MAX_MEMBERS,
        max_items: int = MAX_ITEMS,
        body_timeout: float = WHOLE_S,
        decompress: bool = False,
        cors: Iterable[str] = (),
        cors_credentials: bool = False,
        record_headers: Iterable[str] = (),
        max_answer: int = MAX_ANSWER,
        problem_base: str = URN,
        record_untyped: bool = True,
        sticky: Sticky = "address",
        request_prefix: str = PREFIX,
    ) -> None:
        if not name or not name.isprintable() or len(name) > 128:
            raise RegistrationError(
                problem=f"App name {name[:128]!r} is no name.", remedy="Use 1 to 128 characters."
            )
        super().__init__(name, root)
        self._config_source = dict(config or {})
        self._config: tuple[str, Tree] = config_of(config)
        self._limits = Limits(
            check_size(max_body),
            None if allowed_hosts is None else tuple(allowed_hosts),
            check_places(max_in_flight) or 1,
            believed(trusted_proxies, forwarded_by),
            origins_allowed(cors, credentials=cors_credentials),
        )
        self._asking = Asking(
            max_members=max_members, max_items=max_items, body_timeout=body_timeout,
            decompress=decompress, max_answer=max_answer, record_untyped=record_untyped,
        ).checked()  # fmt: skip
        self._problem_base = check_base(problem_base)
        self._by_cookie = check_sticky(sticky)
        self._prefix = check_prefix(request_prefix)
        self._more_headers = headers_to_record(record_headers)
        self._root = root
        self._secrets = None if secrets is None else in_order(secrets)
        self._policy = check_policy(on_breaking, risky)
        self._authenticating = Authenticating(name, auth, auth_default)
        self._control: ControlLog | None = None
        self._takers: dict[str, HandlerVersion] = {}

    # --- registering ---

    def handler(  # noqa: PLR0913 - each is one thing a user may say of a handler
        self,
        route: str,
        *,
        version: str | None = None,
        name: str | None = None,
        timeout: float = 30.0,
        before: Iterable[Any] = (),
        after: Iterable[Any] = (),
        catch: Iterable[Any] = (),
        query: Any = None,
        max_body: int | None = None,
        on_disconnect: str = "finish",
        modules: Iterable[str] | None = None,
        tags: Iterable[str] = (),
        secrets: Iterable[str] | None = None,
        publishes: Iterable[str] | None = None,
        run: str = "newest",
        schema: str | None = None,
        effective_at: str | datetime | None = None,
        backfill: bool = False,
        acknowledge: Iterable[str] = (),
        auth: str | None = None,
        roles: Iterable[str] | None = None,
        scopes: Iterable[str] | None = None,
        limits: str | Iterable[str] | None = None,
        idempotency: str | None = None,
        max_concurrency: int | None = None,
        promises: Promises | None = None,
        max_members: int | None = None,
        max_items: int | None = None,
        body_timeout: float | None = None,
        decompress: bool | None = None,
        max_answer: int | None = None,
    ) -> Callable[[F], F]:
        """Register a version of a handler; the function itself stays as it is.

        Args:
            route: `METHOD /static/{name:type}`.
            version: its edition, `YYYY-MM-DD`; None: the one without edition.
            name: handler id; None: from the route.
            timeout: seconds from the request's arrival until 504.
            before: hooks of this route, in order; see `runtime.hook` for their limits.
            after: see *before*; they run from the last to the first.
            catch: see *after*.
            query: a Struct, dataclass or TypedDict to read the query into; None: text.
            max_body: in bytes; None: the app's.
            on_disconnect: `finish`, or `cancel` when nobody waits any more.
            modules: what it may use of `gctx.modules`, as `stock` or `stock.left`; all else is
                refused. None: whatever it uses.
            secrets: names of those it may read; all else is refused. None: whatever it reads.
            publishes: topics, likewise; while one of them is full no request is begun.
            tags: that point to it from its deployment on, whatever they pointed to before.
            run: `newest`: later code serves its callers where transformers lead there; `own`.
            schema: the database schema that it needs, `orders@2`, of `app.schema`; the app starts
                only once it is there.
            effective_at: from when on it is seen, `2026-12-01T08:00:00Z`; when that has passed as
                it is deployed: from then on.
            backfill: count it from `effective_at` on all the same; wants `App.backfill` first.
            acknowledge: rules such as `BR-12` by which it may differ from the version before,
                where the app refuses that.
            auth: `required`: callers have to prove who they are; `open`: not; None: the app's.
            roles: of which a caller needs one; none listed: any principal.
            scopes: of which a caller needs all.
            limits: how often a caller may, `100/minute`, or several such.
            idempotency: `off`, `optional` or `required`; None: optional for POST and PATCH.
            max_concurrency: how many of its requests run at once; None: as many as the app takes.
            promises: problem codes, headers and more that callers rely on; see `runtime.promise`.
            max_members: how many an object in a body may have; None: the app's number.
            max_items: how many an array in a body may have; None: the app's number.
            body_timeout: seconds that a body may take to come; None: the app's number.
            decompress: whether a compressed body is taken; None: as the app does.
            max_answer: bytes that an answer may have, 500 beyond; None: the app's number.

        Raises:
            RegistrationError: it, its route, hints, hooks or limits cannot be; all that is
                wrong is told, and nothing is registered.

        Warns:
            RegistrationWarning: it would not happen again as it is recorded, or a type of it
                comes near a limit.
        """
        frame = caller(1)
        place, names = place_of(frame), {} if frame is None else dict(frame.f_locals)
        limit = self._limits.max_body if max_body is None else max_body
        hooks = tuple(before), tuple(after), tuple(catch)

        def register(function: F) -> F:
            self._refuse_started()
            wanted = Wanted(
                route, function, place, names, version, name, timeout, *hooks, query, limit,
                on_disconnect, modules, tags, secrets, publishes,
                self._asking.of(
                    auth=auth, roles=roles, scopes=scopes, limits=limits, idempotency=idempotency,
                    max_concurrency=max_concurrency, max_members=max_members,
                    max_items=max_items, body_timeout=body_timeout, decompress=decompress,
                    max_answer=max_answer,
                ),
                self._authenticating.required, run, acknowledge, promises, schema,
                effective_at, backfill,
            )  # fmt: skip
            self._declare(wanted)
            return function

        return register

    def _declare(self, wanted: Wanted) -> Declared:
        new = declare(wanted, self._declared, self._hook_names, self._sources)
        self._declared.append(new)
        return new

    # --- running ---

    @property
    def parts(self) -> Parts:
        """What was registered, whether it runs or not."""
        return Parts(
            self.name,
            self.handlers,
            before=tuple(self._hooks["before"]),
            after=tuple(self._hooks["after"]),
            catch=tuple(self._hooks["catch"]),
            modules=self._modules,
            config=self._config_source,
            registered=tuple(self._classes),
            root=self._root,
            topics=self._topics,
            transformers=tuple(self._transformers),
            policy=self._policy,
            problem_base=self._problem_base,
        )

    def start(
        self,
        store: Store,
        *,
        clock: Clock | None = None,
        ids: Ids | None = None,
        tripwire: Tripping = "off",
        instead: Instead | None = None,
        record_refusals: Recorded = "counted",
    ) -> None:
        """Tell the log what is deployed, and take requests from now on.

        Args:
            store: the log; whoever opened it closes it, after `stop`.
            clock: gives all times; None: the machine's.
            ids: gives all ids and chance; None: the operating system's.
            tripwire: what becomes of a handler or hook that reads a clock, chance, files or
                the network past its contexts: `off`, `warn` or `raise`.
            instead: modules, config and secrets for a test; None: the app's own.
            record_refusals: `all`; `counted`: of those that strangers can bring about, the
                first 20 a minute of each code and handler, and the number of the rest.

        Raises:
            AlreadyStartedError: it runs.
            BackfillError: a version is to count from before now, and nobody called `backfill`.
            UnknownModuleError: a handler declares a module that is not there.
            DependencyError: modules depend on what is not there, or in a circle.
            DuplicateModuleError: a module changed and kept its version.
            EventStoreError: the log cannot be written; `keyring-missing` if values are to
                be hashed or sealed and *store* was opened without a keyring.
        """
        if self._edge is not None:
            raise AlreadyStartedError(
                problem=f"App {self.name!r} runs.", remedy="Stop it first, or make another App."
            )
        given = instead or Instead(self._modules, self._config_source, self._secrets)
        modules = given.modules
        if not store.has_keyring:
            refuse_without_keyring(self._declared, modules, self._classes)
        clock = clock or system_clock
        ids = ids or SystemIds()
        refuse_unknown(self._declared, modules)
        refuse_unknown_topics(self._declared, self._topics)
        self._order_modules()
        self._authenticating.refuse_unreachable(self._declared)
        declared = self.handlers
        config = self._config if instead is None else config_of(given.config)
        self.schemas_in(store, clock).prepare(
            [each.schema for each in declared if each.schema is not None]
        )
        deployed = announce(
            store, self.name, declared, modules=registrations(modules, self._hosting),
            config=config, clock=clock,
            transformers=self._transformers, policy=self._policy, nodes=store.nodes,
        )  # fmt: skip
        fabric = Fabric(store, self._topics, self._subscribers, clock, ids)
        gctx = GlobalContext(
            modules, given.config, secrets=given.secrets,
            topics=self._topics, desk=fabric.desk, problem_base=self._problem_base,
        )  # fmt: skip
        controller = Controller(
            store, clock=clock, ids=ids, gctx=gctx,
            before=self._hooks["before"], after=self._hooks["after"], catch=self._hooks["catch"],
            classes=classes_of(self._declared, self._classes, has_keyring=store.has_keyring),
            root=self._root, config=config[0], tripwire=tripwire,
            more_headers=self._more_headers, request_prefix=self._prefix,
        )  # fmt: skip
        board = Board(store, control_stream(self.name), deployed.table)
        self._desk = Versions(store, control_stream(self.name), clock=clock, ids=ids, board=board)
        self._retirement = Retirement(
            store, partial(
                Versions, store, control_stream(self.name), clock=clock, ids=ids, board=board, by=BY
            ), clock, controller,
        )  # fmt: skip
        routes = assemble(declared, deployed, self._transformers)
        self._controller = controller
        self._control = ControlLog(store, control_stream(self.name), clock)
        guard = guard_of(self.name, self._authenticating, declared, store, clock)
        self._edge = Edge(
            routes, board, controller, clock, ids, guard, self._limits,
            counted=counted_in(store, self.name, clock, record_refusals),
            log=watched(controller.finishing, self._control, self.name), queues=fabric.room,
        )  # fmt: skip
        self._meet(store, self._edge, clock, controller, fabric)
        self._fabric, self._takers = fabric, subscribing(declared, deployed)
        self._versions = tuple(map(str, deployed.ids))
        self._announcing = Announcing(store, self.name, clock)
        self._watch = HealthWatch(
            controller.outcomes, needs_of(declared, self._versions), telling(self._control),
            self._edge.chooser.avoid, named_by(ids, store.nodes),
        )  # fmt: skip
        self._follow(store, board, self._watch, clock)
        self._hosting.changed = self._watch.modules
        self._grants = self._hosting.equip(
            store, self.name, modules, clock=clock, ids=ids, config=given.config,
            secrets=gctx.secrets.cache, generations=deployed.generations,
            is_running=controller.is_running,
        )  # fmt: skip
        self._life.left_out = frozenset(f"module:{name}" for name in given.replaced)
        find_out(controller.surroundings, self._control)

    async def begin(self) -> int:
        """End what a crash left open in the log, then run modules' starts and startup hooks.

        After `start`, in the event loop that will serve, and before the first request.

        Returns:
            How many requests a crash had left open.

        Raises:
            NotStartedError: `start` was not called.
            EventStoreError: the log cannot be written.
            BaseException: what a startup hook raised; nothing runs then.
        """
        controller = self.controller
        assert self._control is not None  # noqa: S101 - set together
        closed = await controller.recover(self._modules)
        gctx = controller.surroundings.gctx
        if self._by_cookie and self._edge is not None:
            await stick(self._edge.chooser, gctx.secrets.cache)
        await self._life.begin(gctx, self._control)
        await self._begin_beside(controller, self._takers)
        return closed

    async def stop(self, grace_s: float = 10.0) -> bool:
        """Refuse new requests, let running ones end; twice is once.

        Returns:
            Whether all came to their own end; what did not was stopped after *grace_s*.
        """
        edge, controller = self._edge, self._controller
        if edge is None or controller is None:
            return True
        queues = asyncio.create_task(self.queues.stop())
        clean = await edge.stop(grace_s)  # it refuses from here on, before anything is waited for
        await queues
        if self._edge is edge:
            await self._part()
            self._edge = self._controller = self._desk = self._fabric = None
            if self._watch is not None and self._retirement is not None:
                self._watch.close()
                self._hosting.changed = None
                await self._retirement.stop()
            if self._control is not None:
                await self._life.end(controller.surroundings.gctx, self._control)
                await self._hosting.durable()
            controller.close()
            edge.board.close()
            edge.guard.close()
        return clean

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer an ASGI server. Under `lifespan` the store is opened and closed, too."""
        if scope["type"] == "lifespan":
            from runtime.app.lifespan import run_lifespan  # noqa: PLC0415 - opens a store

            await run_lifespan(self, receive, send)
        else:
            await self.edge(scope, receive, send)
