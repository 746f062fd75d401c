"""The part of an app that registers topics and subscribers (QF-1, QF-5)."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from runtime.app.declarations import Declared, caller, is_handler_id, place_of
from runtime.app.declaring import Wanted
from runtime.app.equipment import Equipment
from runtime.delivery import Fabric
from runtime.errors import MessageTypeError, NotStartedError, TopicError
from runtime.gtype import check
from runtime.messages import Received, ValidationFailed
from runtime.queue import (
    METHOD,
    Message,
    Options,
    Subscriber,
    Topic,
    WhenFull,
    check_pattern,
    check_priority,
    check_topic_name,
    check_ttl,
)
from runtime.routing import Segment, Template

F = TypeVar("F", bound=Callable[..., Any])
_FULL = ("reject", "wait", "drop_oldest")
_MIB = 1024 * 1024
_AT_ONCE = 256
_MOST_BATCH = 100
_SHORT_TTL_S = 60.0
"""Of messages that are not durable, where nothing else is said."""


class Messaging(Equipment):
    """Registers topics and subscribers, and publishes outside of requests.

    Args:
        root: the app's folder; None: where we run.
    """

    def __init__(self, root: Path | None) -> None:
        super().__init__(root)
        self._topics: dict[str, Topic] = {}
        self._subscribers: dict[str, Subscriber] = {}
        self._fabric: Fabric | None = None

    def _declare(self, wanted: Wanted) -> Declared:
        """Declare a version of a handler; see `App.handler`."""
        raise NotImplementedError

    def topic(  # noqa: PLR0913 - each is one thing a user may say of a topic
        self,
        name: str,
        of: Any,
        *,
        depth: int = 10_000,
        size: int = 64 * _MIB,
        ttl: float | None = None,
        attempts: int = 3,
        priority: int = 5,
        full: WhenFull = "reject",
        durable: bool = True,
        shared: bool = False,
    ) -> Topic:
        """Declare a topic: `app.topic("orders.placed", OrderPlaced)`.

        Args:
            name: dotted segments of a-z, 0-9 and _.
            of: type of its payloads, checked when they are published.
            depth: messages of it that a subscriber may have before it.
            size: of those, in bytes.
            ttl: seconds after which a message is not delivered any more; None: never, or 60
                if it is not durable.
            attempts: how often a subscriber tries a message before it is a dead letter.
            priority: 0 to 10, higher first, where the publisher says nothing.
            full: what a publication meets that finds no room: `reject`, `wait` for up to 5 s,
                or `drop_oldest`, if the topic is not durable.
            durable: whether messages outlive the process.
            shared: whether apps that record to other logs get them, too, and this one theirs,
                where they are served with `--nats`.

        Raises:
            TopicNameError: no name for a topic.
            TopicError: it is declared already, its type holds what is not recorded, or a
                limit cannot be.
        """
        self._refuse_started()
        check_topic_name(name)
        if name in self._topics:
            _refuse(f"The topic {name!r} is declared already.", "Declare it once.")
        _check_limits(name, {"depth": depth, "size": size, "attempts": attempts})
        if full not in _FULL or (full == "drop_oldest" and durable):
            _refuse(f"{name}: full={full!r} cannot be.", f"One of {', '.join(_FULL)}; the last"
                    " only with durable=False.")  # fmt: skip
        if shared and not durable:
            _refuse(f"{name}: what is shared has to be durable.", "Leave durable=False out.")
        ttl = _SHORT_TTL_S if ttl is None and not durable else ttl
        _check_defaults(name, priority, ttl)
        new = Topic(
            name, _encoder(name, of), depth, size, ttl, attempts, priority, full, durable, shared
        )
        self._topics[name] = new
        return new

    def subscriber(  # noqa: PLR0913 - each is one thing a user may say of a subscriber
        self,
        topic: str | Topic,
        *,
        name: str,
        key: Callable[[Any], Any] | None = None,
        concurrency: int = 16,
        depth: int | None = None,
        size: int | None = None,
        batch: int = 1,
        timeout: float = 30.0,
        before: Iterable[Any] = (),
        after: Iterable[Any] = (),
        catch: Iterable[Any] = (),
        modules: Iterable[str] | None = None,
    ) -> Callable[[F], F]:
        """Take messages: the function is called like a handler, its `req.body` is the payload.

        Each delivery is a request of its own, with hooks, compensations and a record. What
        it raises has the message tried again, later; `raise Reject(reason)` ends that.

        Args:
            topic: a topic, its name, or a pattern with `*` and a final `**`.
            name: under which it goes on after a restart; 1 to 64 letters, digits, - and _.
            key: of a payload; messages of one key are taken one at a time, in order. None:
                the key that the publisher gave, if it gave one.
            concurrency: how many it works on at a time.
            depth: messages of all its topics it may have before it; None: the topics' own.
            size: of those, in bytes.
            batch: how many it is handed at a time, at most 100; more than 1: `req.body` is a list
                of payloads, acknowledged together. If it fails each is tried again alone.
            timeout: seconds an attempt may take.
            before: hooks of it, in order; see `handler`. So *after* and *catch*.
            after: see *before*.
            catch: see *before*.
            modules: what it may use of `gctx.modules`; None: all.

        Raises:
            TopicNameError: *topic* is no topic and no pattern.
            TopicError: the name is taken or none, or a limit cannot be.
            RegistrationError: as for `handler`.
        """
        self._refuse_started()
        pattern = check_pattern(topic.name if isinstance(topic, Topic) else topic)
        if not is_handler_id(name):
            _refuse(f"{name!r:.80} is no name of a subscriber.", "Use letters, digits, - and _.")
        if name in self._subscribers:
            _refuse(f"The subscriber {name!r} is declared already.", "Give it another name.")
        limits = {"concurrency": concurrency, "depth": depth, "size": size, "batch": batch}
        _check_limits(name, {what: n for what, n in limits.items() if n is not None})
        if batch > _MOST_BATCH:
            _refuse(f"{name}: batch={batch} is too many.", f"Up to {_MOST_BATCH} at a time.")
        frame = caller(1)
        place, names = place_of(frame), {} if frame is None else dict(frame.f_locals)
        template = Template(f"{METHOD} /{name}", METHOD, (Segment(name),))

        def register(function: F) -> F:
            self._refuse_started()
            wanted = Wanted(
                template.text, function, place, names, None, name, timeout, tuple(before),
                tuple(after), tuple(catch), None, _MIB, "finish", modules, template=template,
            )  # fmt: skip
            lane_of = _laner(key, self._declare(wanted), is_list=batch > 1)
            self._subscribers[name] = Subscriber(
                name, pattern, lane_of, concurrency, depth, size, batch
            )
            return function

        return register

    @property
    def queues(self) -> Fabric:
        """The queues of the running app: depths, `scale`.

        Raises:
            NotStartedError: `start` was not called.
        """
        if self._fabric is None:
            raise NotStartedError(
                problem="The app was not started: it has no queues.",
                remedy="Serve it with `timescape serve`, or call app.start(store) first.",
            )
        return self._fabric

    async def publish(
        self,
        topic: str,
        payload: object,
        *,
        key: str | None = None,
        priority: int | None = None,
        ttl: float | None = None,
    ) -> str:
        """Publish outside of a request, durably, and return the message's id.

        In handlers and hooks use `gctx.publish`: then it belongs to the request.

        Args:
            topic: as declared.
            payload: of its type.
            key: messages of one key are taken one after the other.
            priority: 0 to 10, higher first; None: the topic's.
            ttl: seconds after which it is not delivered any more; None: the topic's.

        Raises:
            NotStartedError: `start` was not called.
            UnknownTopicError: there is no such topic.
            MessageTypeError: *payload* is not of the topic's type, or an option cannot be.
            QueueFullError: there is no room.
        """
        return await self.queues.publish(topic, payload, Options(key, priority, ttl))

    async def publish_all(
        self,
        topic: str,
        payloads: Iterable[object],
        *,
        key: str | None = None,
        priority: int | None = None,
        ttl: float | None = None,
    ) -> list[str]:
        """Publish several at once, 256 in a commit: much cheaper than one by one. See `publish`.

        Raises:
            QueueFullError: there is no room for 256 of them; those before are published.
        """
        found: list[str] = []
        every, options = list(payloads), Options(key, priority, ttl)
        for at in range(0, len(every), _AT_ONCE):
            found += await self.queues.publish_all(topic, every[at : at + _AT_ONCE], options)
        return found


def _refuse(problem: str, remedy: str) -> NoReturn:
    raise TopicError(problem, remedy)


def _check_limits(name: str, limits: dict[str, int]) -> None:
    for what, limit in limits.items():
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
            _refuse(f"{name}: {what}={limit!r:.80} is no bound.", "Write a whole number above 0.")


def _check_defaults(name: str, priority: int, ttl: float | None) -> None:
    try:
        check_priority(priority)
        if ttl is not None:
            check_ttl(ttl)
    except MessageTypeError as error:
        msg = f"{name}: {error.problem}"
        raise TopicError(msg, error.remedy) from None


def _encoder(name: str, of: Any) -> Callable[[object], bytes]:
    """Return what writes payloads of a topic.

    Raises:
        TopicError: they would hold what is not recorded in clear.
    """
    checker = check(of)
    if checker.redact.paths:
        hidden = ", ".join(map(str, checker.redact.paths))
        _refuse(
            f"Messages of {name} would hold what is never recorded: {hidden}.",
            "Send an id, and let the subscriber fetch the rest.",
        )

    def encode(payload: object) -> bytes:
        try:
            return checker.encode(payload)
        except ValidationFailed as refused:
            where = "; ".join(issue.message for issue in refused.issues[:3])
            msg = f"The payload is not of the type of {name}: {where}"
            raise MessageTypeError(msg, f"Publish {of!r:.80}.") from None

    return encode


def _laner(
    key: Callable[[Any], Any] | None, declared: Declared, *, is_list: bool
) -> Callable[[Message], str | None]:
    """Return what says which messages a subscriber takes one after the other."""
    if key is None:
        return lambda message: message.key
    parse = declared.contract.parse

    def lane_of(message: Message) -> str | None:
        body = b"[%b]" % message.payload if is_list else message.payload
        asked = Received(None, METHOD, f"/{message.topic}", 0, body=body)
        try:
            parsed = parse(asked).body
            found = key(parsed[0] if is_list else parsed)
        except Exception:  # noqa: BLE001 - the delivery will fail at it, and say so
            return message.key
        return None if found is None else str(found)

    return lane_of
