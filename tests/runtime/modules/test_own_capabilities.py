"""MM-4: an app adds kinds of capabilities; they are declared, checked and told of as others."""

import asyncio
import re
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime import App, GlobalContext, Module, ModuleContext, Request, grant
from runtime.errors import CapabilityDeniedError, CapabilityError, ModuleRefusedError
from runtime.isolation import module_stream
from runtime.manifests.capabilities import KINDS, Grant, allows, fault_of
from runtime.testing import FakeSecrets, Harness
from runtime.testing.module_contracts import check_module
from runtime.testing.module_hosts import HostedAlone
from tests.faces.asgi import memory_store

mailer = Module("mailer", capabilities=[grant("mail.send", "billing.*")], isolation="subprocess")
near = Module("near", capabilities=[grant("mail.send", "billing.*")])


calm = Module("calm", capabilities=[grant("mail.send", "billing.*")])


@calm.method
async def tell_ann(ctx: ModuleContext) -> None:
    await ctx.use("mail.send", "billing.ann")


@mailer.method
def send(ctx: ModuleContext, box: str) -> str:
    ctx.use("mail.send", box)
    return f"sent to {box}"


@near.method
async def send_near(ctx: ModuleContext, box: str) -> str:
    await ctx.use("mail.send", box)
    return f"sent to {box}"


words = st.text("ab1_-A", max_size=3)
kinds = st.one_of(
    st.sampled_from(sorted(KINDS)),
    st.lists(words, max_size=3).map(".".join),
    st.sampled_from(["mail.send", "Mail.send", "mail", "mail.send.now", "é.a", "a" * 63 + ".b"]),
)


def can_be(kind: str) -> bool:
    """Say, word by word, whether it is a kind that an app may add."""
    letters = set("abcdefghijklmnopqrstuvwxyz")
    own = letters | set("0123456789_")
    parts = kind.split(".")
    good = len(parts) == 2 and all(p and p[0] in letters and set(p) <= own for p in parts)
    return good and len(kind) <= 64 and kind not in KINDS


@pytest.mark.proves("MM-4", "P40")
@given(drawn=st.lists(kinds, min_size=1, max_size=4))
def test_a_kind_is_added_once_and_only_if_it_is_well_formed_and_nobodys(drawn: list[str]) -> None:
    """Seen to fail with names of Timescape's own let through."""
    app, added = App("a"), set[str]()
    for kind in drawn:
        good = can_be(kind) and kind not in added
        event(f"added: {good}")
        if good:
            app.capability(kind)
            added.add(kind)
        else:
            with pytest.raises(CapabilityError):
                app.capability(kind)
    for kind in drawn:
        assert (fault_of(Grant(kind, ("x.*",)), added) is None) == (
            kind in added or kind == "secret.read"
        )


@pytest.mark.proves("MM-4", "MM-6", "P19")
@given(
    pattern=st.lists(st.sampled_from(["a", "b", "*"]), min_size=1, max_size=3),
    asked=st.lists(st.sampled_from(["a", "b", "", "a b"]), min_size=1, max_size=3),
)
def test_names_of_an_own_kind_match_part_by_part(pattern: list[str], asked: list[str]) -> None:
    fits = len(pattern) == len(asked) and all(
        a in {"a", "b"} and p in {"*", a} for p, a in zip(pattern, asked, strict=True)
    )
    event(f"fits: {fits}")
    assert allows([grant("mail.send", ".".join(pattern))], "mail.send", ".".join(asked)) == fits
    assert not allows([grant("mail.read", ".".join(pattern))], "mail.send", ".".join(asked))


def post() -> App:
    app = App("post")
    app.capability("mail.send")
    app.module(near)

    @app.handler("POST /{box}")
    async def handle(req: Request[None], gctx: GlobalContext) -> str:
        answer: str = await gctx.modules.near.send_near(req.path.box)
        return answer

    return app


@pytest.mark.proves("MM-4", "IS-1", "CP-1")
def test_a_module_in_a_process_of_its_own_asks_for_each_use() -> None:
    async def scenario() -> list[Any]:
        alone = HostedAlone(mailer, None, FakeSecrets(), ["mail.send"])
        await alone.start()
        try:
            method = mailer.methods["send"].method
            sent = await alone.call(method, ("billing.ann",), {})
            with pytest.raises(CapabilityDeniedError):
                await alone.call(method, ("sales.ann",), {})
            return [sent, *alone.denied]
        finally:
            await alone.stop()

    assert asyncio.run(scenario()) == ["sent to billing.ann", ("mail.send", "sales.ann")]


@pytest.mark.proves("MM-4", "MM-7", "CP-1")
def test_each_use_is_checked_by_the_log_and_each_denial_is_told() -> None:
    app = post()
    store = memory_store()
    with Harness(app, store=store) as h:
        good = h.post("/billing.ann")
        denied = [h.post("/sales.ann")]
        app.grants.revoke("near", "mail.send", "billing.*", by="ann")
        denied.append(h.post("/billing.ann"))
        app.grants.grant("near", grant("mail.send", "billing.ann"))
        again = h.post("/billing.ann")
        told = list(store.read(module_stream("post")))

    assert [good.json, again.json] == ["sent to billing.ann"] * 2
    assert [each.code for each in denied] == ["capability-denied"] * 2
    facts = [each for each in told if each.type == "capability.denied"]
    assert [(f.data.capability, f.data.operation, f.data.request) for f in facts] == [
        ("mail.send", "sales.ann", f"req-{denied[0].facts[0].stream.hex}"),
        ("mail.send", "billing.ann", f"req-{denied[1].facts[0].stream.hex}"),
    ]
    assert app.registered_modules["near"].grants == (("mail.send", "billing.*"),)
    manifest = app.registered_modules["near"].manifest
    assert manifest is not None
    assert manifest["capabilities"][0]["kind"] == "mail.send"


@pytest.mark.proves("MM-4", "MM-5", "P40")
def test_a_kind_that_nobody_added_and_a_use_that_nobody_declared_are_refused() -> None:
    with pytest.raises(ModuleRefusedError, match=re.escape("no capability 'mail.send'")):
        App("a").module(near)

    sly = Module("sly")

    @sly.method
    async def tell(ctx: ModuleContext) -> None:
        await ctx.use("mail.send", "billing.ann")

    app = App("a")
    app.capability("mail.send")
    with pytest.raises(ModuleRefusedError, match=re.escape("uses mail.send of 'billing.ann'")):
        app.module(sly)
    app.module(near, grants=[grant("mail.send", "billing.*")])
    assert "near" in app.hosted_modules


@pytest.mark.proves("MM-4", "CT-4")
def test_a_module_with_an_own_kind_is_held_to_its_manifest() -> None:
    with pytest.raises(AssertionError, match="no capability"):
        check_module(calm, examples=1)
    check_module(calm, kinds=["mail.send"], examples=3)
