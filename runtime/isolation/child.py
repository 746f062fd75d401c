"""A process of a module, as the runtime sees it: what is asked, answered, and how it ends."""

import asyncio
import contextvars
import itertools
import logging
import os
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from socket import send_fds
from typing import Any, TypeAlias

import msgspec

from runtime.isolation.deadlines import Deadlines
from runtime.isolation.failing import Ending
from runtime.isolation.spawning import Process
from runtime.isolation.wire import Wire
from runtime.modules import About
from runtime.supervision import (
    Answer,
    Call,
    Cancel,
    Frame,
    FrameFault,
    Ping,
    Refusal,
    pack,
)

LINES = 20
"""Of its output, which are kept."""
LINE_BYTES = 8 * 1024
CANCEL_S = 0.5
"""It has to end a call that was cancelled."""
_encode = msgspec.json.Encoder().encode
Reply: TypeAlias = Answer | Refusal
Serve: TypeAlias = Callable[[Call], Awaitable[tuple[Reply, int | None]]]
"""Does what the process asks for; gives a descriptor besides, to be handed over."""


class Gone(Exception):
    """The process has ended."""


class Child:
    """One process.

    Args:
        process: just started.
        name: of the module.
        serve: answers what it asks for.
        gone: told once, when it has ended.
        scrub: takes secrets out of a line of its output.
        frame: bytes of a frame.
    """

    def __init__(
        self,
        process: Process,
        name: str,
        *,
        serve: Serve,
        gone: Callable[["Child"], None],
        scrub: Callable[[str], str],
        frame: int,
    ) -> None:
        self.load = 0
        """Calls it works on."""
        self.reason: str = "crash"
        """Why it ends, should it."""
        self.closing = False
        """Whether it is to end: that is no failure."""
        self.ending: Ending | None = None
        """How it ended; None: it runs."""
        self.dropped = 0
        """Answers that nobody waited for."""
        self._process = process
        self._serve = serve
        self._gone = gone
        self._scrub = scrub
        self._frame = frame
        self._log = logging.getLogger(f"timescape.module.{name}")
        self._lines: deque[str] = deque(maxlen=LINES)
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._deadlines = Deadlines()
        self._abouts: dict[int, About] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._ended = asyncio.Event()
        self._wire = Wire(frame, self._take, self._lost)
        self._lines_read: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def open(self) -> None:
        """Begin to listen to it."""
        loop = asyncio.get_running_loop()
        output, closer = await asyncio.open_connection(sock=self._process.output)
        self._lines_read = self._spawn(self._read_output(output, closer))
        await loop.create_connection(lambda: self._wire, sock=self._process.calls)

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        # Of no request: what asked for the process to be started may be long over.
        loop = asyncio.get_running_loop()
        task = loop.create_task(work, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # --- asking it ---

    def about(self, number: int) -> About | None:
        """Say for whom a call is; None: it is over, or for nobody."""
        return self._abouts.get(number)

    def send(self, method: str, args: bytes, about: About | None = None) -> int:
        """Send a call, and return its number, to be waited for.

        Raises:
            FrameFault: it is too long; nothing was sent.
            Gone: there is nobody to send it to.
        """
        number = next(self._numbers)
        frame = Call(number, method, args, b"null" if about is None else _encode(about))
        self._write(pack(frame, limit=self._frame))
        self._waiting[number] = asyncio.get_running_loop().create_future()
        if about is not None:
            self._abouts[number] = about
        return number

    async def reply(self, number: int, within_s: float | None = None) -> Reply:
        """Wait for the answer of a call.

        Args:
            number: of the call.
            within_s: how long; None: for ever.

        Raises:
            TimeoutError: it did not come in time; it may still.
            Gone: the process ended before.
        """
        answer = self._waiting[number]
        if within_s is not None:
            self._deadlines.watch(answer, within_s)
        try:
            return await answer
        except (asyncio.CancelledError, TimeoutError):
            # Who waits went; the answer is still to come, and whoever ends the call waits for it.
            if number in self._waiting:
                self._waiting[number] = asyncio.get_running_loop().create_future()
            raise
        finally:
            if within_s is not None:
                self._deadlines.drop(answer)

    async def ask(self, method: str, args: bytes = b"[[],{}]") -> Reply:
        """Call one of the methods that every process has, such as `$health`.

        Raises:
            Gone: the process ended.
        """
        number = self.send(method, args)
        try:
            return await self.reply(number)
        finally:
            self.forget(number)

    async def end_call(self, number: int, reason: str) -> None:
        """Have a call cancelled; end the process if it does not obey.

        Returns when nothing of the call runs any more.
        """
        with suppress(Gone):
            self._write(pack(Cancel(number)))
            await asyncio.wait([self._waiting[number]], timeout=CANCEL_S)
        answer = self._waiting.get(number)
        if answer is not None and not answer.done():
            await self.kill(reason)
        self.forget(number)

    def forget(self, number: int) -> None:
        """Wait for the answer of a call no more."""
        self._abouts.pop(number, None)
        answer = self._waiting.pop(number, None)
        if answer is not None and not answer.done():
            answer.cancel()

    def _write(self, data: bytes) -> None:
        if self.ending is not None or not self._wire.is_open:
            raise Gone
        self._wire.write(data)

    # --- ending it ---

    async def kill(self, reason: str) -> None:
        """End it now."""
        self.reason = reason
        self._process.kill()
        await self._ended.wait()

    async def close(self, within_s: float) -> bool:
        """Let it stop and end; say whether it did so in time. Else it is ended."""
        self.closing = True
        stopped = True
        try:
            async with asyncio.timeout(within_s):
                await self.ask("$stop")
                self._wire.close()
                await self._ended.wait()
        except (TimeoutError, Gone):
            stopped = self.ending is not None
        finally:
            self._process.kill()
        await self._ended.wait()
        return stopped

    # --- listening to it ---

    def _lost(self, is_bad: bool) -> None:  # noqa: FBT001 - as it is called
        if is_bad:
            self.reason = "frame"
            # Now, while the socket is open: who sees its end first leaves by itself.
            self._process.kill()
        self._spawn(self._end())

    def _take(self, frame: Frame) -> None:
        match frame:
            case Answer(id=number) | Refusal(id=number):
                answer = self._waiting.get(number)
                if answer is None or answer.done():
                    self.dropped += 1
                else:
                    answer.set_result(frame)
            case Call():
                self._spawn(self._answer(frame))
            case Ping(id=number):
                self._write(pack(Answer(number)))
            case Cancel():
                self.dropped += 1

    async def _answer(self, call: Call) -> None:
        reply, descriptor = await self._serve(call)
        try:
            if descriptor is not None:
                send_fds(self._process.files, [b"f"], [descriptor])
            self._write(pack(reply, limit=self._frame))
        except (Gone, OSError, FrameFault):
            return
        finally:
            if descriptor is not None:
                os.close(descriptor)

    async def _read_output(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        rest = b""
        try:
            while data := await reader.read(65_536):
                *whole, rest = (rest + data).split(b"\n")
                for line in whole:
                    self._note(line)
                while len(rest) > LINE_BYTES:
                    self._note(rest[:LINE_BYTES])
                    rest = rest[LINE_BYTES:]
        except ConnectionError:
            pass
        finally:
            writer.close()  # also where the event loop ends before the process
        if rest:
            self._note(rest)

    def _note(self, line: bytes) -> None:
        text = self._scrub(line[:LINE_BYTES].decode(errors="backslashreplace"))
        self._lines.append(text)
        self._log.info("%s", text)

    async def _end(self) -> None:
        self._process.kill()
        try:
            ending = await asyncio.get_running_loop().run_in_executor(None, self._process.wait)
            # What it started has ended with it, so its output ends, too.
            if self._lines_read is not None:
                await self._lines_read
        finally:
            self._process.files.close()
        self.ending = ending._replace(output=tuple(self._lines))
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(Gone())
                # Seen: who still waits for it gets it all the same.
                answer.exception()
        self._ended.set()
        self._gone(self)
