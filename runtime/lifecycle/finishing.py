"""The end of a request: its facts go to the log, then its answer may leave (RS-4)."""

import logging

from eventstore import Clock, EventStoreError, StreamId
from runtime.facts import RequestReceived
from runtime.lifecycle.problems import URN, problem, rebased
from runtime.lifecycle.record import Recorder
from runtime.messages import Answer, Received
from runtime.telemetry import RequestMetrics
from runtime.telemetry.requests import Ended

_NOBODY = 499
"""Status of an answer that nobody waited for; it is sent to nobody."""
_NOT_THE_LOGS = frozenset(
    {
        "commit-id-reused", "invalid-event", "store-busy", "stream-closed", "stream-mismatch",
        "stream-too-long", "too-large", "wrong-revision",
    }
)  # fmt: skip
"""Codes of what the log refuses of one request, or for a moment: it takes the next one."""
_log = logging.getLogger("timescape")


class Finishing:
    """Hands the last facts of requests to the log.

    Args:
        clock: of the measurements.
        problem_base: of the types of problem documents.
    """

    def __init__(self, clock: Clock, problem_base: str = URN) -> None:
        self._clock = clock
        self._base = problem_base
        self.measured: RequestMetrics | None = None
        """What requests are measured with; None: they are not."""
        self.refused: str | None = None
        """Code of the error with which the log refused facts last; None: it took them."""
        self.pending: dict[StreamId, int] = {}
        """Requests whose last facts the log was handed and does not have, and since when, in
        this order."""

    async def finish(self, record: Recorder, received: Received, answer: Answer) -> Answer:
        """Return *answer* once the log has all facts; another if it will not take them."""
        if self.measured is not None:
            return await self._measure(self.measured, record, received, answer)
        return await self._write(record, received, answer)

    def pass_over(
        self, first: RequestReceived, received: Received, answer: Answer, code: str | None
    ) -> Answer:
        """Return *answer* to a request that leaves no stream; it is measured all the same."""
        if self.measured is not None:
            now_us, size = self._clock(), len(answer.body)
            ended = Ended(received.received_us, now_us)
            ended.status, ended.size = answer.status, size
            self.measured.passed_over(ended, first, code or "")
        return answer

    async def _write(self, record: Recorder, received: Received, answer: Answer) -> Answer:
        record.commit(close=True)
        pending = self.pending
        pending[record.stream] = record.events[-1].at_us
        try:
            await record.durable()
        except EventStoreError as error:
            if error.code not in _NOT_THE_LOGS:
                self.refused = error.code
            _log.error("log unavailable: request=%s code=%s", received.stream.hex, error.code)
            instance = f"{record.events[0].data.prefix}-{received.stream.hex}"
            return rebased(problem(503, "log-unavailable", instance=instance), self._base)
        finally:
            pending.pop(record.stream, None)
        return answer

    async def _measure(
        self, measured: RequestMetrics, record: Recorder, received: Received, answer: Answer
    ) -> Answer:
        ended = measured.begin(received.received_us, self._clock())
        ended.status = _NOBODY
        try:
            answer = await self._write(record, received, answer)
            ended.status, ended.size = answer.status, len(answer.body)
        finally:
            ended.ended_us = self._clock()
            measured.end(ended, record.events)
        return answer
