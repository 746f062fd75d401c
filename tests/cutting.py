"""A way to a server that can be cut at a chosen moment."""

import socket
import threading
from contextlib import suppress
from typing import Literal, Self

Cut = Literal["before", "after"]


class Road:
    """Passes on what goes to a port of this machine and back, until it is told to cut.

    Args:
        port: of the server.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._armed: Cut | None = None
        self._word = b""
        self._passing = self._later = 0
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, url: str) -> str:
        """Return the address *url* by this way."""
        return url.replace(f":{self._port}/", f":{self.port}/")

    def cut(self, when: Cut, word: bytes, *, passing: int = 0, later: int = 0) -> None:
        """Cut the connection that sends *word*.

        Args:
            when: before that arrives, or after it was done and before its answer is back.
            word: in what a client sends.
            passing: let so many messages with it pass.
            later: cut not there, but at so many messages after it.
        """
        self._word = word
        self._passing = passing
        self._later = later
        self._armed = when

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        _close(self._listener)  # a mere close would leave the thread waiting
        for pair in self._pairs:
            _close(*pair)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._port))
            self._pairs.append((client, server))
            doomed = threading.Event()
            threading.Thread(target=self._there, args=(client, server, doomed), daemon=True).start()
            threading.Thread(target=self._back, args=(client, server, doomed), daemon=True).start()

    def _there(self, client: socket.socket, server: socket.socket, doomed: threading.Event) -> None:
        while data := _receive(client):
            when = self._due(data)
            if when == "before":
                break
            if when == "after":
                doomed.set()
            try:
                server.sendall(data)
            except OSError:
                break
        _close(client, server)

    def _due(self, data: bytes) -> Cut | None:
        when = self._armed
        if when is None or self._word not in data:
            return None
        if self._passing:
            self._passing -= 1
            return None
        if self._later:
            self._word = b""
            self._later -= 1
            return None
        self._armed = None
        self.cuts += 1
        return when

    def _back(self, client: socket.socket, server: socket.socket, doomed: threading.Event) -> None:
        while data := _receive(server):
            if doomed.is_set():
                break
            try:
                client.sendall(data)
            except OSError:
                break
        _close(client, server)


def _receive(connection: socket.socket) -> bytes:
    try:
        return connection.recv(1 << 16)
    except OSError:
        return b""


def _close(*connections: socket.socket) -> None:
    for connection in connections:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()
