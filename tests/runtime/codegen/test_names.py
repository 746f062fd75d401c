"""Names in generated code: identifiers, never twice, the same for the same manifests (CG-5)."""

import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.codegen.naming import Wanted, camel, class_name, members, methods, snake

texts = st.text(max_size=12) | st.sampled_from(
    [
        "get-users",
        "get_users",
        "getUsers",
        "class",
        "__init__",
        "self",
        "list",
        "é",
        "",
        "7up",
        "_x",
    ]
)


@pytest.mark.proves("CG-5")
@given(
    st.lists(st.builds(Wanted, texts, st.sampled_from(["GET", "PUT"]), st.just(["id"])), max_size=5)
)
def test_names_are_identifiers_and_no_two_alike(wanted: list[Wanted]) -> None:
    for python in (True, False):
        names, _ = methods(wanted, python=python)

        assert len(set(names)) == len(names)
        assert all(name.isidentifier() and name.isascii() for name in names)
        assert not any(keyword.iskeyword(name) for name in names if python)
        assert methods(wanted, python=python)[0] == names


@pytest.mark.proves("CG-5")
@given(st.lists(texts, unique=True), st.sets(st.sampled_from(["body", "Item"])))
def test_members_are_identifiers_and_no_two_alike(wanted: list[str], reserved: set[str]) -> None:
    names = members(wanted, reserved)

    assert len(set(names)) == len(names)
    assert all(name.isidentifier() and not name.startswith("_") for name in names)
    assert not {*names} & reserved


@pytest.mark.proves("CG-5")
def test_names_follow_the_custom_of_each_language() -> None:
    assert (snake("get-users-id"), camel("get-users-id")) == ("get_users_id", "getUsersId")
    assert (snake("placeOrder"), camel("place_order")) == ("place_order", "placeOrder")
    assert (class_name("list"), class_name("Box[int]"), class_name("é")) == (
        "list_", "Box_int", "Type",
    )  # fmt: skip


@pytest.mark.proves("CG-5")
def test_clashes_are_resolved_by_the_shortest_of_what_tells_them_apart() -> None:
    wanted = [
        Wanted("get-users", "GET"),
        Wanted("get_users", "DELETE", ["id"]),
        Wanted("get.users", "GET"),
        Wanted("GET users", "GET"),
        Wanted("import", "GET"),
        Wanted("--", "GET"),
    ]
    names, changed = methods(wanted, python=True)

    assert names == [
        "get_users", "get_users_by_id", "get_get_users", "get_users_2", "import_", "get",
    ]  # fmt: skip
    assert changed["import"] == "import_"
    assert "get-users" not in changed
