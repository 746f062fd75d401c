"""Serves an app by uvicorn, at a port that is free: `python -m tests.faces.uvicorn_server`.

Arguments: APP STORE PARSER, where the parser is `h11` or `httptools`. It prints its port.
"""

import os
import socket
import sys

import uvicorn

from runtime.app import load_app


def main() -> None:
    target, store_url, parser = sys.argv[1:4]
    os.environ["TIMESCAPE_STORE"] = store_url
    config = uvicorn.Config(
        load_app(target),
        http="h11" if parser == "h11" else "httptools",
        lifespan="on",
        log_level="critical",
        h11_max_incomplete_event_size=128 * 1024,
    )
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
