"""What an app has beside its handlers: hooks, modules, transformers, startup hooks, checks."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, overload

from eventstore import Clock, Store
from runtime.app.declarations import caller, make_hook, place_of
from runtime.app.life import Life, Priority
from runtime.app.schemas import Schema, Schemas, SchemaStep
from runtime.app.sources import Sources
from runtime.app.transformers import Transformer, declare_transformer
from runtime.control import control_stream
from runtime.errors import RegistrationError, SchemaError
from runtime.isolation import Hosting
from runtime.lifecycle.binding import Bound, bind
from runtime.lifecycle.handlers import Hook
from runtime.lifecycle.registering import HookLimits
from runtime.manifests.capabilities import Grant
from runtime.manifests.module import start_order
from runtime.module_facts import ModuleRegistered
from runtime.modules import Module, ModuleRegistry
from runtime.supervision import Backoff
from runtime.timescape.schemas import check_schema

F = TypeVar("F", bound=Callable[..., Any])


class Equipment:
    """The part of an app that registers them.

    Args:
        root: the app's folder; None: where we run.
    """

    def __init__(self, root: Path | None) -> None:
        self._modules = ModuleRegistry()
        self._hosting = Hosting()
        self._life = Life(root)
        self._checks: dict[str, Bound] = {}
        self._sources = Sources()
        self._transformers: list[Transformer] = []
        self._hooks: dict[str, list[Hook]] = {"before": [], "after": [], "catch": []}
        self._hook_names: Counter[str] = Counter()
        self._schemas: dict[str, Schema] = {}

    name: str

    def _refuse_started(self) -> None:
        """Raise `AlreadyStartedError` while the app runs."""
        raise NotImplementedError

    @overload
    def before(self, fn: F) -> F: ...
    @overload
    def before(
        self, *, timeout: float | None = 5.0, retries: int = 0, backoff: Backoff | None = None
    ) -> Callable[[F], F]: ...
    def before(
        self,
        fn: Any = None,
        *,
        timeout: float | None = 5.0,
        retries: int = 0,
        backoff: Backoff | None = None,
    ) -> Any:
        """Run a hook before every handler, in order of registration.

        Args:
            fn: the hook, where the decorator stands without brackets.
            timeout: seconds an attempt may take; None: until the request's deadline.
            retries: further attempts after a failed one.
            backoff: what is waited between attempts; None: nothing.
        """
        return self._hook("before", fn, (timeout, retries, backoff))

    @overload
    def after(self, fn: F) -> F: ...
    @overload
    def after(
        self, *, timeout: float | None = 5.0, retries: int = 0, backoff: Backoff | None = None
    ) -> Callable[[F], F]: ...
    def after(
        self,
        fn: Any = None,
        *,
        timeout: float | None = 5.0,
        retries: int = 0,
        backoff: Backoff | None = None,
    ) -> Any:
        """Run a hook after every handler, the last registered first; see `before`."""
        return self._hook("after", fn, (timeout, retries, backoff))

    @overload
    def catch(self, fn: F) -> F: ...
    @overload
    def catch(
        self, *, timeout: float | None = 5.0, retries: int = 0, backoff: Backoff | None = None
    ) -> Callable[[F], F]: ...
    def catch(
        self,
        fn: Any = None,
        *,
        timeout: float | None = 5.0,
        retries: int = 0,
        backoff: Backoff | None = None,
    ) -> Any:
        """Run a hook for every request that fails, the last registered first; see `before`."""
        return self._hook("catch", fn, (timeout, retries, backoff))

    def _hook(self, kind: str, fn: Any, limits: HookLimits) -> Any:
        def register(function: F) -> F:
            self._refuse_started()
            new = make_hook(function, kind, "global", self._hook_names, limits)
            self._hooks[kind].append(new)
            return function

        return register if fn is None else register(fn)

    @overload
    def module(self, name: Module, *, grants: Iterable[Grant] | None = None) -> None: ...
    @overload
    def module(
        self,
        name: str,
        module: object,
        methods: Iterable[str] | None = None,
        *,
        write_ahead: Iterable[str] = (),
        start: Callable[..., Any] | None = None,
        stop: Callable[..., Any] | None = None,
    ) -> None: ...
    def module(
        self,
        name: str | Module,
        module: object = None,
        methods: Iterable[str] | None = None,
        *,
        grants: Iterable[Grant] | None = None,
        write_ahead: Iterable[str] = (),
        start: Callable[..., Any] | None = None,
        stop: Callable[..., Any] | None = None,
    ) -> None:
        """Make *module* reachable as `gctx.modules.<name>`.

        Args:
            name: an identifier; or a `Module`, which knows all the rest but *grants*.
            module: any object, or a Python module.
            methods: what may be called; None: all its public functions.
            write_ahead: those of them which the log has to know of, durably, before they
                are called; a crash then leaves no call that nobody knows of.
            start: called before the first request and before the startup hooks.
            stop: called after the last, if it was started.
            grants: what a `Module` may use at most; None: what it declares.

        Raises:
            DuplicateModuleError: the name is taken.
            ModuleManifestError, ModuleRefusedError: a `Module` that cannot be, or needs what
                it does not get; all reasons are told, and nothing is registered.
            RegistrationError: a bad name, or a method that is not there.
            SignatureError: *start* or *stop* asks for more than `gctx`.
        """
        self._refuse_started()
        if isinstance(name, Module):
            self._host(name, grants)
            return
        self._modules.register(name, module, methods, write_ahead)
        self._life.add_module(name, start, stop)

    def capability(self, kind: str) -> None:
        """Add a kind of capability, `mail.send`, for modules that are registered after it.

        They declare it as others, `grant("mail.send", "billing.*")`, with names as patterns, and
        ask for each use: `context.use("mail.send", "billing.invoices")`.

        Raises:
            CapabilityError: it is no two words with a dot between, is one of Timescape's own, or
                was added before.
        """
        self._refuse_started()
        self._hosting.know(kind)

    def _host(self, module: Module, grants: Iterable[Grant] | None) -> None:
        name = module.name
        self._modules.refuse_taken(name)
        self._modules.adopt(name, self._hosting.add(module, grants))
        start = None if module.lazy else partial(self._hosting.start, name)
        self._life.add_module(name, start, partial(self._hosting.stop, name))

    @property
    def registered_modules(self) -> Mapping[str, ModuleRegistered]:
        """The modules as the log is told of them, by name."""
        return registrations(self._modules, self._hosting)

    @property
    def hosted_modules(self) -> Mapping[str, Module]:
        """The registered `Module`s, by name."""
        return {name: each.module for name, each in self._hosting.hosted.items()}

    def _order_modules(self) -> None:
        """See that modules start after those they depend on.

        Raises:
            DependencyError: that cannot be.
        """
        hosted = self._hosting.hosted
        depends_on = {
            name: hosted[name].module.depends_on if name in hosted else ()
            for name in self._modules.names()
        }
        self._life.order_modules(start_order(depends_on))

    @overload
    def startup(self, fn: F) -> F: ...
    @overload
    def startup(
        self, *, priority: int = Priority.NORMAL, shutdown: Callable[..., Any] | None = None
    ) -> Callable[[F], F]: ...
    def startup(
        self,
        fn: Any = None,
        *,
        priority: int = Priority.NORMAL,
        shutdown: Callable[..., Any] | None = None,
    ) -> Any:
        """Run a function before the first request; the higher priority first.

        If it fails, nothing is served: what had started is shut down, and its error raised.

        Args:
            fn: sync or async, asks for `gctx` or nothing.
            priority: of equal ones the first registered comes first.
            shutdown: run after the last request if *fn* ran, in the reverse order, for 10 s.

        Raises:
            SignatureError: one asks for something else.
        """

        def register(function: F) -> F:
            self._refuse_started()
            self._life.add_hook(function, shutdown, priority)
            return function

        return register if fn is None else register(fn)

    def transformer(  # noqa: PLR0913 - each is one thing a user may say of it
        self,
        handler: str,
        older: str | None,
        newer: str | None,
        *,
        request_up: Callable[..., Any] | None = None,
        response_down: Callable[..., Any] | None = None,
        request_down: Callable[..., Any] | None = None,
        response_up: Callable[..., Any] | None = None,
        timeout: float = 5.0,
        blocking: bool = False,
        replace: bool = False,
        lossless: bool = False,
    ) -> None:
        """Join two neighbouring versions: callers of the older are served by the newer's code.

        The functions ask for `parts`, a `runtime.Parts` of their own, and give it back,
        changed. They are pure: sync or async, without contexts.

        Args:
            handler: its id or its route.
            older: an edition or a version id; None: the version without edition.
            newer: the next one.
            request_up: makes a request of the older version one of the newer.
            response_down: makes an answer of the newer version one of the older.
            request_down: makes a request of the newer version one of the older, which serves it
                while the newer is unhealthy.
            response_up: makes an answer of the older version one of the newer.
            timeout: seconds each may take.
            blocking: run a sync function in a thread, because it takes long.
            replace: take the place of other code that joined the two.
            lossless: what goes up and down again is what it was; `check_versions` holds it to
                that. It needs both functions of a side.

        Raises:
            TransformerError: it has no function, or no two to be lossless with.
            SignatureError: a function asks for something else than `parts`.
            VersionFormatError: a version is neither an edition nor an id.
            PolicySyntaxError: the timeout cannot be.
        """
        self._refuse_started()
        self._transformers.append(
            declare_transformer(
                handler,
                (older, newer),
                {
                    "request_up": request_up,
                    "response_down": response_down,
                    "request_down": request_down,
                    "response_up": response_up,
                },
                timeout=timeout,
                blocking=blocking,
                replace=replace,
                lossless=lossless,
                place=place_of(caller(1)),
                sources=self._sources,
            )
        )

    def schema(
        self,
        name: str,
        steps: Iterable[SchemaStep],
        *,
        compatible_with: Iterable[str] = (),
    ) -> None:
        """Register a version of a database's schema, for handlers that say `schema=name`.

        The first start that needs it goes the steps, one after the other, 30 s each; if one
        raises, returns False or is late, those before are undone and the app does not start.

        Args:
            name: `database@version`, such as `orders@2`.
            steps: from the schema before to this one; `alembic_steps` gives those of Alembic.
            compatible_with: schemas of the same database whose code works on this one as well.

        Raises:
            SchemaError: the name cannot be, or is taken, or there are no steps.
        """
        self._refuse_started()
        made = Schema(
            check_schema(name), tuple(steps), frozenset(map(check_schema, compatible_with))
        )
        names = [step.name for step in made.steps]
        if name in self._schemas or not names or len(set(names)) < len(names):
            raise SchemaError(
                problem=f"The schema {name} is known already, or two of its steps are named alike.",
                remedy="Register it once, with steps of different names.",
            )
        self._schemas[name] = made

    def schemas_in(self, store: Store, clock: Clock, by: str = "timescape") -> Schemas:
        """Return what changes the schemas of the app, as the log in *store* has them."""
        return Schemas(store, control_stream(self.name), clock, self._schemas, by)

    def health_check(self, name: str) -> Callable[[F], F]:
        """Register a health check, sync or async; it may ask for `gctx`.

        It returns `pass`, `warn` or `fail`, with a reason as the second of two if it likes;
        None and True are `pass`. One that raises or takes longer than 5 s fails.

        Raises:
            RegistrationError: the name is taken.
            SignatureError: it asks for something else.
        """

        def register(function: F) -> F:
            self._refuse_started()
            if name in self._checks:
                msg = f"A health check {name!r} is registered."
                raise RegistrationError(msg, "Choose another name.")
            self._checks[name] = bind(function, frozenset({"gctx"}))
            return function

        return register


def registrations(modules: ModuleRegistry, hosting: Hosting) -> dict[str, ModuleRegistered]:
    """Say what the log is to be told of each module."""
    return {
        name: hosting.hosted[name].registered
        if name in hosting.hosted
        else ModuleRegistered(tuple(modules.methods(name)))
        for name in modules.names()
    }
