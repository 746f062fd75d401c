"""NATS JetStream as what carries messages between logs; needs the extra `nats` (SO-6).

One stream keeps all shared topics of a system as long as a consumer has not acknowledged them.
Each app has a durable consumer for each topic that it subscribes to.
"""

import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from runtime.errors import ServeError
from runtime.relay.engine import Arrival
from runtime.relay.parcels import PREFIX, Parcel, subject_of, to_bytes

STREAM = "TIMESCAPE"
ACK_WAIT_S = 30.0
MAX_PENDING = 256
_REPLICAS = 3
_MOMENT_S = 0.5
_TIMEOUT_S = 5.0
_log = logging.getLogger("timescape")


def check_nats(url: str) -> str:
    """Return the address of a NATS server.

    Raises:
        ServeError: it is none, or the client is not installed.
    """
    there = urlsplit(url)
    if there.scheme not in {"nats", "tls"} or not there.hostname:
        raise ServeError(
            problem=f"{url[:80]!r} is no address of a NATS server.",
            remedy="Write nats://127.0.0.1:4222.",
        )
    try:
        import nats  # noqa: F401, PLC0415 - an extra
    except ImportError as error:
        raise ServeError(
            problem="Messages go by NATS with its client only.",
            remedy="Install it: pip install 'timescape[nats]'.",
        ) from error
    return url


class JetStream:
    """See `runtime.relay.engine.Engine`.

    Args:
        url: `nats://127.0.0.1:4222`.
    """

    def __init__(self, url: str) -> None:
        self._url = check_nats(url)
        self._client: Any = None
        self._js: Any = None
        self._pulls: dict[str, Any] = {}
        self._left: dict[str, list[Arrival]] = {}

    async def open(self, consumers: Sequence[tuple[str, str]]) -> None:
        import nats  # noqa: PLC0415 - an extra

        await self.close()
        with _translating():
            self._client = await nats.connect(
                self._url, max_reconnect_attempts=-1, reconnect_time_wait=1,
                connect_timeout=_TIMEOUT_S, error_cb=_tell,
            )  # fmt: skip
            self._js = self._client.jetstream(timeout=_TIMEOUT_S)
            await self._see_to_stream()
            for name, subject in consumers:
                self._pulls[name] = await self._consumer(name, subject)
                self._left[name] = await self._unacknowledged(name, subject)

    async def _see_to_stream(self) -> None:
        from nats.js.api import RetentionPolicy, StorageType, StreamConfig  # noqa: PLC0415
        from nats.js.errors import NotFoundError  # noqa: PLC0415

        try:
            await self._js.stream_info(STREAM)
        except NotFoundError:
            clustered = bool(self._client._server_info.get("cluster"))  # noqa: SLF001 - told nowhere else
            await self._js.add_stream(
                StreamConfig(
                    name=STREAM,
                    subjects=[f"{PREFIX}.>"],
                    retention=RetentionPolicy.INTEREST,
                    storage=StorageType.FILE,
                    num_replicas=_REPLICAS if clustered else 1,
                )
            )

    async def _consumer(self, name: str, subject: str) -> Any:
        from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy  # noqa: PLC0415

        config = ConsumerConfig(
            durable_name=name,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ACK_WAIT_S,
            deliver_policy=DeliverPolicy.NEW,
            filter_subject=subject,
            max_ack_pending=MAX_PENDING,
        )
        return await self._js.pull_subscribe(subject, durable=name, stream=STREAM, config=config)

    async def _unacknowledged(self, name: str, subject: str) -> list[Arrival]:
        """Return what was handed out to who was here before: it would come after what is new."""
        from nats.js.errors import NotFoundError  # noqa: PLC0415

        info = await self._js.consumer_info(STREAM, name)
        found: list[Arrival] = []
        number, last = info.ack_floor.stream_seq + 1, info.delivered.stream_seq
        while info.num_ack_pending and number <= last:
            try:
                message = await self._js.get_msg(STREAM, number, subject=subject, next=True)
            except NotFoundError:
                break
            if message.seq <= last:
                found.append(_Read(message.data or b""))
            number = message.seq + 1
        return found

    async def publish(self, parcels: Sequence[Parcel]) -> None:
        with _translating():
            answers = [
                await self._js.publish_async(
                    subject_of(each.topic), to_bytes(each), stream=STREAM,
                    headers={"Nats-Msg-Id": each.id},
                )
                for each in parcels
            ]  # fmt: skip
            for answer in answers:
                await answer

    async def fetch(self, consumer: str, most: int) -> Sequence[Arrival]:
        left, self._left[consumer] = self._left[consumer], []
        if left:
            return left
        with _translating():
            try:
                found = await self._pulls[consumer].fetch(most, _MOMENT_S)
            except TimeoutError:
                return ()
        return [_Handed(each) for each in found]

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None and not client.is_closed:
            await client.close()


class _Handed:
    def __init__(self, message: Any) -> None:
        self._message = message
        self.data: bytes = message.data

    async def done(self) -> None:
        with _translating():
            await self._message.ack()


class _Read:
    """One that was handed out before: it comes once more, and is acknowledged then."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    async def done(self) -> None: ...


class _translating:  # noqa: N801 - reads as what it does
    """Makes errors of the client `OSError`."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        import nats.errors  # noqa: PLC0415 - an extra

        if isinstance(error, nats.errors.Error | TimeoutError):
            msg = f"NATS: {type(error).__name__}: {error}"
            raise OSError(msg) from error


async def _tell(error: Exception) -> None:
    _log.warning("nats: error=%s", error)
