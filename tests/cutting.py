"""A way to a server that can be cut at a chosen moment."""

import socket
import threading
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
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, when: Cut, word: bytes) -> None:
        """Cut the next connection that sends *word*: before it arrives, or after it was done."""
        self._word = word
        self._armed = when

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
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
            if self._armed and self._word in data:
                when, self._armed = self._armed, None
                self.cuts += 1
                if when == "before":
                    break
                doomed.set()
            try:
                server.sendall(data)
            except OSError:
                break
        _close(client, server)

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
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        connection.close()
