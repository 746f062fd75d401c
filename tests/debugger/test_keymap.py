"""Keys that a person remaps: what is wrong is told, and nothing clashes (KB-3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.keys import _character_to_key

from debugger.tui.actions import ACTIONS, BY_ID
from debugger.tui.keymap import PRESETS, keymap
from debugger.tui.keys import key_text, textual_key
from debugger.tui.manual import manual

names = st.sampled_from([*BY_ID, "next-evnt", "\x1b[2J"])
keys = st.sampled_from([*"sSmMxX?!~=", "f10", "shift+f11", "ctrl+o", "esc", "hyper+x", "", "ab"])
remaps = st.dictionaries(names, st.lists(keys, max_size=3), max_size=6)


@pytest.mark.proves("KB-3", "KB-1")
@given(preset=st.sampled_from(["", *PRESETS, "emacs"]), own=remaps)
def test_a_key_does_one_thing_whatever_is_remapped(preset: str, own: dict[str, list[str]]) -> None:
    made, base = keymap(preset, own), keymap(preset)
    used = [key for action in made.actions for key in dict.fromkeys(action.keys)]

    assert len(used) == len(set(used))
    assert [action.id for action in made.actions] == [action.id for action in ACTIONS]
    for action in made.actions:
        asked = [textual_key(key) for key in own.get(action.id, ())]
        before = base.by_id[action.id].keys
        assert action.keys in (before, tuple(asked))
        if action.id in own and action.keys != tuple(asked):
            assert any(problem.startswith(f"{action.id}: ") for problem in made.problems)
    assert all(problem.isprintable() for problem in made.problems)


@pytest.mark.proves("KB-3")
@pytest.mark.parametrize("preset", PRESETS)
def test_presets_know_their_actions_and_clash_nowhere(preset: str) -> None:
    assert keymap(preset).problems == ()
    assert keymap(preset).actions != ACTIONS
    assert set(PRESETS[preset]) <= set(BY_ID)


@pytest.mark.proves("KB-3")
def test_what_is_wrong_is_told_and_the_default_stays() -> None:
    made = keymap(
        "emacs",
        {"next-evnt": ["k"], "zoom": ["s"], "raw": ["hyper+x"], "fork": ["F"], "mark": ["ctrl+o"]},
    )

    assert made.problems == (
        "There is no preset emacs: there are vim, pdb, vscode.",
        "There is no action next-evnt. Did you mean next-event?",
        "raw: 'hyper+x' is no key.",
        "zoom: s is the key of next-event.",
    )
    assert {name: made.key(name) for name in ("zoom", "raw", "fork", "mark", "trace")} == {
        "zoom": "z", "raw": "i", "fork": "F", "mark": "ctrl+o", "trace": ":trace",
    }  # fmt: skip
    swapped = keymap("", {"zoom": ["i"], "raw": ["z"]})
    assert (swapped.problems, swapped.key("zoom"), swapped.key("raw")) == ((), "i", "z")
    assert keymap("vim").by_id["next-event"].pair == "l h"
    assert keymap("vim").by_id["next-hook"].pair == ") ("


@pytest.mark.proves("KB-3")
def test_without_a_remap_the_registry_is_as_it_was() -> None:
    assert keymap().actions == ACTIONS


@pytest.mark.proves("KB-3")
def test_characters_are_called_as_textual_calls_them() -> None:
    marks = [chr(code) for code in range(33, 127) if not chr(code).isalnum()]

    assert {mark: textual_key(mark) for mark in marks} == {
        mark: _character_to_key(mark) for mark in marks
    }
    assert [key_text(name) for name in map(_character_to_key, marks)] == marks


@pytest.mark.proves("KB-3", "UI-8")
def test_help_names_the_keys_that_a_person_has() -> None:
    """Each key it names is one of theirs: with all others, none of the registry's is left."""
    others = {action.id: [f"ctrl+{chr(0x100 + n)}"] for n, action in enumerate(ACTIONS)}
    made = keymap("", others)
    told = manual(made)
    text = " ".join(" ".join((title, *(f"{a} {b}" for a, b in lines))) for title, lines in told)

    assert made.problems == ()
    assert "{" not in text.replace("({", "")
    for name in ("next-event", "previous-write", "breakpoint", "open", "edit", "trace", "go-to"):
        assert made.key(name) in text
    assert [title for title, _ in manual(keymap())] == [
        "a first walk", "moments, after g or :", "filters, after /",
        "breakpoints and watches, after b or a", "drafts, after ~", "signs",
    ]  # fmt: skip
    assert manual(keymap())[0][1][1][0] == "s S  m M  h H"
