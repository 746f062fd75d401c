"""Run a corpus: one request after the other, or in several processes (RP-3).

Each process reads the store and imports the app by itself; nothing is shared but the
requests' ids. Rows come in the order of the selection, whoever is done first.
"""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

import msgspec

from debugger.corpus.verdicts import Row, run_one
from debugger.errors import UnavailableError
from debugger.session import Session
from eventstore import StreamId
from runtime.app import load_app
from runtime.replay import Library, Options

Open = Callable[[], AbstractContextManager[Session]]
"""Opens the store; of several processes each, so it can be sent to them."""


class Corpus(msgspec.Struct, frozen=True):
    """What runs on what."""

    app: str
    """`module:app`."""
    open: Open
    options: Options
    streams: Sequence[StreamId]


def run_all(corpus: Corpus, *, jobs: int = 1) -> Iterator[Row]:
    """Give a row for each request, in the order of the selection.

    Whoever stops asking stops the processes, too.

    Args:
        corpus: the requests, and what runs.
        jobs: how many processes; 1: this one.

    Raises:
        AppImportError: the app cannot be imported.
        UnavailableError: a process ended before its work.
    """
    jobs = min(jobs, len(corpus.streams))
    return _in_processes(corpus, jobs) if jobs > 1 else _here(corpus)


def _here(corpus: Corpus) -> Iterator[Row]:
    with corpus.open() as session:
        library = Library(load_app(corpus.app), session.store)
        for stream in corpus.streams:
            yield run_one(session, library, stream, corpus.options)


def _in_processes(corpus: Corpus, jobs: int) -> Iterator[Row]:
    load_app(corpus.app)  # what is wrong with it is told once, and here
    context = multiprocessing.get_context("spawn")
    processes: list[SpawnProcess] = []
    ours: list[Connection] = []
    try:
        for job in range(jobs):
            here, there = context.Pipe(duplex=False)
            share = msgspec.structs.replace(corpus, streams=corpus.streams[job::jobs])
            process = context.Process(target=_work, args=(share, there), daemon=True)
            process.start()
            there.close()
            processes.append(process)
            ours.append(here)
        yield from _in_order(len(corpus.streams), ours)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()
        for connection in ours:
            connection.close()


def _in_order(total: int, ours: Sequence[Connection]) -> Iterator[Row]:
    """Give what the processes send, request *n* of each from process *n* modulo their number."""
    come: dict[int, Row] = {}
    sent = [0] * len(ours)
    open_ones = dict(enumerate(ours))
    due = 0
    while due < total:
        while due not in come:
            for connection in wait(list(open_ones.values())):
                job = next(job for job, each in open_ones.items() if each is connection)
                come[job + sent[job] * len(ours)] = _received(open_ones[job])
                sent[job] += 1
                if job + sent[job] * len(ours) >= total:
                    del open_ones[job]
        yield come.pop(due)
        due += 1


def _received(connection: Connection) -> Row:
    try:
        # Data, not a pickle: the process runs code that is not ours.
        return msgspec.msgpack.decode(connection.recv_bytes(), type=Row)
    except EOFError as error:
        problem = "A process that runs requests again ended before its work."
        raise UnavailableError(
            problem, "Run with --jobs 1 to see which request ends it."
        ) from error


def _work(corpus: Corpus, there: Connection) -> None:
    """Be one of the processes."""
    for row in _here(corpus):
        there.send_bytes(msgspec.msgpack.encode(row))
    there.close()
