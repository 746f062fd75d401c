"""What Kubernetes is told: whole, closed to the outside, and words that `timescape` takes."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from debugger.cli import build_parser
from debugger.cli.exits import Exit
from debugger.cli.opening import named_store
from debugger.errors import BadInputError
from runtime.codegen import kubernetes
from tests.faces.command_line import run

APP = "debugger.demo.shop:app"
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def made(title: str, image: str | None = None) -> dict[str, Any]:
    rendered = kubernetes("shop:app", title=title, tool="1.0", image=image)
    (text,) = rendered.files.values()
    return {item["kind"]: item for item in msgspec.json.decode(text)["items"]}


@pytest.mark.proves("SO-7")
@given(title=st.text(min_size=1, max_size=128))
def test_any_app_has_manifests_that_belong_together(title: str) -> None:
    items = made(title)
    deployment = items["Deployment"]["spec"]
    labels = deployment["template"]["metadata"]["labels"]

    assert all(_NAME.fullmatch(item["metadata"]["name"]) for item in items.values())
    assert deployment["selector"]["matchLabels"] == labels
    assert items["Service"]["spec"]["selector"] == labels
    assert items["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert items["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels


@pytest.mark.proves("SO-7")
def test_a_pod_is_probed_drained_and_closed_to_the_outside() -> None:
    items = made("My Shop", "registry.example/shop:7")
    pod = items["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    served = build_parser().parse_args(container["command"][1:])
    policy = items["NetworkPolicy"]["spec"]

    assert container["image"] == "registry.example/shop:7"
    assert (served.app, served.admin_host, served.drain_delay) == ("shop:app", "127.0.0.1", 5)
    for probe, path in {"readinessProbe": "/readyz", "livenessProbe": "/healthz"}.items():
        asked = container[probe]["exec"]["command"][-1]
        compile(asked, "probe", "exec")
        assert f"http://127.0.0.1:{served.admin_port}{path}" in asked
    assert served.drain_delay + 10 < pod["terminationGracePeriodSeconds"]
    assert container["env"] == [
        {"name": "TIMESCAPE_STORE_FILE", "value": "/etc/timescape/secrets/store"}
    ]
    assert pod["volumes"][0]["secret"]["secretName"] == "my-shop-secrets"
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    opened = [port["port"] for rule in policy["egress"] for port in rule["ports"]]
    assert opened == [53, 53, 5432]
    assert container["securityContext"]["readOnlyRootFilesystem"]


@pytest.mark.proves("SO-7", "CG-15")
def test_the_command_writes_them_once(tmp_path: Path) -> None:
    words = ["generate", "kubernetes", APP, "--out", str(tmp_path), "--image", "shop:1"]
    first, again = run(*words), run(*words)
    behind = run(*words[:-1], "shop:2", "--check")
    unserved = run("generate", "kubernetes", "shop.json", "--out", str(tmp_path))

    assert (first.status, again.status, behind.status) == (Exit.OK, Exit.OK, Exit.STALE)
    assert msgspec.json.decode((tmp_path / "kubernetes.json").read_bytes())["kind"] == "List"
    assert "up to date" in again.err
    assert "shop:2" in behind.err
    assert unserved.status == Exit.BAD_INPUT


def test_the_address_of_a_store_may_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "store"
    file.write_text("postgresql://shop:secret@db/shop\n", "utf-8")

    assert named_store({"TIMESCAPE_STORE_FILE": str(file)}) == "postgresql://shop:secret@db/shop"
    assert named_store({"TIMESCAPE_STORE_FILE": str(file), "TIMESCAPE_STORE": "a"}) == "a"
    assert named_store({}) is None
    with pytest.raises(BadInputError):
        named_store({"TIMESCAPE_STORE_FILE": str(tmp_path / "nothing")})
