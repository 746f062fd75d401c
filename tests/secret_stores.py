"""Secret stores of others, as far as their public API is asked here: real bytes, real sockets."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "hvs.a-token"  # noqa: S105 - of the servers below


class Kept:
    """What a store has: versions of each name, the newest last; None is a deleted one."""

    def __init__(self) -> None:
        self.secrets: dict[str, list[Any]] = {}
        self.sealed = False
        self.heard: list[Mapping[str, str]] = []
        """Headers of the requests."""

    def put(self, name: str, value: Any) -> None:
        self.secrets.setdefault(name, []).append(value)


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer is one write: its second half would wait for the first's ACK
    kept: Kept

    def log_message(self, *_: object) -> None: ...

    def answer(self, status: int, body: object, kind: str = "application/json") -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


class _Vault(_Answering):
    """https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2."""

    def do_GET(self) -> None:
        self.kept.heard.append(dict(self.headers))
        if self.kept.sealed:
            return self.answer(503, {"errors": ["Vault is sealed"]})
        if self.headers["x-vault-token"] != TOKEN:
            return self.answer(403, {"errors": ["permission denied"]})
        versions = self.kept.secrets.get(self.path.removeprefix("/v1/secret/data/"))
        if versions is None:
            return self.answer(404, {"errors": []})
        gone = versions[-1] is None
        metadata = {
            "created_time": "2026-01-02T03:04:05.6Z",
            "deletion_time": "2026-01-02T03:04:06.7Z" if gone else "",
            "destroyed": False,
            "version": len(versions),
        }
        data = {"data": None if gone else {"value": versions[-1]}, "metadata": metadata}
        whole = {"request_id": "1", "lease_id": "", "renewable": False, "data": data}
        return self.answer(404 if gone else 200, whole)


class _Aws(_Answering):
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html."""

    def do_POST(self) -> None:
        self.kept.heard.append(dict(self.headers))
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        assert self.headers["x-amz-target"] == "secretsmanager.GetSecretValue"
        if self.kept.sealed:
            return self._refuse(400, "AccessDeniedException", "not authorized")
        versions = self.kept.secrets.get(asked["SecretId"])
        if versions is None:
            return self._refuse(400, "ResourceNotFoundException", "can't find the secret")
        if versions[-1] is None:
            return self._refuse(400, "InvalidRequestException", "marked for deletion")
        body = {
            "ARN": "arn:aws:secretsmanager:eu-central-1:1:secret:x",
            "CreatedDate": 1.7e9,
            "Name": asked["SecretId"],
            "SecretString": versions[-1],
            "VersionId": f"{len(versions):032}",
            "VersionStages": ["AWSCURRENT"],
        }
        return self.answer(200, body, "application/x-amz-json-1.1")

    def _refuse(self, status: int, code: str, message: str) -> None:
        body = {"__type": code, "Message": message}
        self.answer(status, body, "application/x-amz-json-1.1")


@contextmanager
def _serving(handler: type[_Answering]) -> Iterator[tuple[str, Kept]]:
    kept = Kept()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Its", (handler,), {"kept": kept}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", kept
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def vault() -> Any:
    """Serve a Vault that lets `TOKEN` in, on a free port."""
    return _serving(_Vault)


def aws() -> Any:
    """Serve a Secrets Manager, on a free port."""
    return _serving(_Aws)
