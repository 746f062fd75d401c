"""What Kubernetes is told to run several processes of an app: a plain Deployment (SO-7).

JSON, which `kubectl apply -f` takes as it takes YAML. Nothing may leave a pod but to names,
to PostgreSQL, and to what is added by hand; secrets are files; who is asked whether a pod is
ready is the admin listener, which only the pod itself reaches.
"""

import re
from typing import Any, Final

import msgspec

from runtime.codegen.rendering import MARK, Rendered
from runtime.errors import GenerateError

FILE: Final = "kubernetes.json"
SECRETS: Final = "/etc/timescape/secrets"
STORE: Final = f"{SECRETS}/store"
"""The file that holds the address of the store, with its password."""
PORT: Final = 8_000
ADMIN_PORT: Final = 9_090
REPLICAS: Final = 2
DRAIN_DELAY_S: Final = 5
"""Balancers need so long to notice that a pod is not ready."""
GRACE_S: Final = 30
"""From SIGTERM on: the delay, what running requests have, and some."""
USER: Final = 10_001
Json = dict[str, Any]
_LABEL: Final = re.compile(r"[^a-z0-9]+")
_APP: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


def kubernetes(target: str, *, title: str, tool: str, image: str | None) -> Rendered:
    """Generate the manifests of an app.

    Args:
        target: `module:app`, as `timescape serve` takes it.
        title: name of the app.
        tool: version of this program.
        image: that has the app and `timescape`; None: of the app's name.

    Raises:
        GenerateError: *target* is no `module:app`.
    """
    if _APP.fullmatch(target) is None:
        raise GenerateError(
            problem=f"{target!r:.80} cannot be served.", remedy="Name it as module:app."
        )
    name = _LABEL.sub("-", title.lower()).strip("-")[:50].rstrip("-") or "app"
    mark = f"{MARK} {tool} (kubernetes). Changes made by hand are lost."
    items = [
        _account(name, mark),
        _deployment(name, target, image or f"{name}:latest"),
        _service(name),
        _budget(name),
        _policy(name),
    ]
    listed = {"apiVersion": "v1", "kind": "List", "items": items}
    text = msgspec.json.format(msgspec.json.encode(listed), indent=2).decode() + "\n"
    return Rendered({FILE: text}, "(kubernetes)", {})


def _labels(name: str) -> Json:
    return {"app.kubernetes.io/name": name}


def _thing(name: str, version: str, kind: str, **more: Any) -> Json:
    metadata = {"name": name, "labels": _labels(name)}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}


def _account(name: str, mark: str) -> Json:
    made = _thing(name, "v1", "ServiceAccount", automountServiceAccountToken=False)
    made["metadata"]["annotations"] = {"timescape/generated": mark}
    return made


def _deployment(name: str, target: str, image: str) -> Json:
    pod = {
        "serviceAccountName": name,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": GRACE_S,
        "securityContext": {
            "runAsNonRoot": True, "runAsUser": USER, "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(name, target, image)],
        "volumes": [
            {"name": "secrets", "secret": {"secretName": f"{name}-secrets", "defaultMode": 0o440}},
            {"name": "tmp", "emptyDir": {}},
        ],
    }  # fmt: skip
    # One more at a time, and none less: who has old code serves until the new one is ready.
    rolling = {"maxSurge": 1, "maxUnavailable": 0}
    spec = {
        "replicas": REPLICAS,
        "selector": {"matchLabels": _labels(name)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling},
        "template": {"metadata": {"labels": _labels(name)}, "spec": pod},
    }
    return _thing(name, "apps/v1", "Deployment", spec=spec)


def _container(name: str, target: str, image: str) -> Json:
    # The drain hook: on SIGTERM /readyz says no, and requests are taken until balancers know.
    words = [
        "timescape", "serve", target, "--host", "0.0.0.0", "--port", str(PORT),  # noqa: S104
        "--admin-port", str(ADMIN_PORT), "--drain-delay", str(DRAIN_DELAY_S), "--log", "json",
    ]  # fmt: skip
    return {
        "name": name,
        "image": image,
        "command": words,
        "env": [{"name": "TIMESCAPE_STORE_FILE", "value": STORE}],
        "ports": [{"name": "http", "containerPort": PORT}],
        "startupProbe": _probe("/healthz", every_s=1, failures=60),
        "readinessProbe": _probe("/readyz", every_s=2, failures=1),
        "livenessProbe": _probe("/healthz", every_s=10, failures=3),
        "resources": {"requests": {"cpu": "500m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "secrets", "mountPath": SECRETS, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the container's
        ],
    }


def _probe(path: str, *, every_s: int, failures: int) -> Json:
    """Ask the admin listener from within the pod: it needs no token there."""
    ask = f"import urllib.request as u; u.urlopen('http://127.0.0.1:{ADMIN_PORT}{path}', timeout=4)"
    return {
        "exec": {"command": ["python", "-c", ask]},
        "periodSeconds": every_s,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }


def _service(name: str) -> Json:
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    return _thing(name, "v1", "Service", spec={"selector": _labels(name), "ports": ports})


def _budget(name: str) -> Json:
    spec = {"minAvailable": 1, "selector": {"matchLabels": _labels(name)}}
    return _thing(name, "policy/v1", "PodDisruptionBudget", spec=spec)


def _policy(name: str) -> Json:
    names = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
    spec = {
        "podSelector": {"matchLabels": _labels(name)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"ports": [{"protocol": "TCP", "port": PORT}]}],
        "egress": [{"ports": names}, {"ports": [{"protocol": "TCP", "port": 5432}]}],
    }
    return _thing(name, "networking.k8s.io/v1", "NetworkPolicy", spec=spec)
