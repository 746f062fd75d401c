"""Which key does what: the registry, a preset over it, and what a person remaps (KB-3). Pure.

What is wrong in a remap is told and left out: the key then does what it did before.
"""

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec

from debugger.timeline import printable
from debugger.tui.actions import ACTIONS, Action
from debugger.tui.keys import textual_key

Keys: TypeAlias = Mapping[str, Sequence[str]]
"""Action id to its keys, as people write them: `s`, `?`, `f10`, `shift+f11`, `ctrl+o`."""

VIM: Keys = {
    "next-event": ("l",), "previous-event": ("h",),
    "next-mutation": ("w",), "previous-mutation": ("b",),
    "next-hook": (")",), "previous-hook": ("(",),
    "next-line": ("}",), "previous-line": ("{",),
    "next-write": (">",), "previous-write": ("<",),
    "breakpoint": ("B",), "mark": ("m",),
    "first-row": ("0", "home"), "last-row": ("G", "end"),
}  # fmt: skip
PDB: Keys = {
    "over": ("n",), "over-back": ("N",), "next-line": ("s",), "previous-line": ("S",),
    "out": ("r",), "out-back": ("R",), "next-hit": ("c",), "previous-hit": ("C",),
    "watch": ("p",), "go-to": ("j", "g"), "row-down": ("down",),
    "next-event": (">",), "previous-event": ("<",),
    "next-match": (")",), "previous-match": ("(",),
    "next-phase": ("f6",), "previous-phase": ("shift+f6",), "replay": ("f5",),
}  # fmt: skip
VSCODE: Keys = {
    "next-hit": ("c", "f5"), "previous-hit": ("C", "shift+f5"), "breakpoint": ("b", "f9"),
    "over": ("o", "f10"), "over-back": ("O", "shift+f10"),
    "next-line": ("l", "f11"), "previous-line": ("L", "f12"),
    "out": ("u", "shift+f11"), "out-back": ("U", "shift+f12"), "palette": ("ctrl+p", "f1"),
}  # fmt: skip
PRESETS: Mapping[str, Keys] = {"vim": VIM, "pdb": PDB, "vscode": VSCODE}


class Keymap(msgspec.Struct, frozen=True):
    """All actions, with the keys that they have for this person."""

    actions: tuple[Action, ...] = ACTIONS
    problems: tuple[str, ...] = ()
    """What was asked for and cannot be, printable."""

    def key(self, name: str) -> str:
        """Return the key of an action as people read it, or how else it is done."""
        return self.by_id[name].shown.partition(" ")[0] or f":{name}"

    def pair(self, forward: str, back: str) -> str:
        """Return the keys of two actions that go together: `n N`."""
        return f"{self.key(forward)} {self.key(back)}"

    @property
    def by_id(self) -> Mapping[str, Action]:
        """Return the actions by their ids."""
        return {action.id: action for action in self.actions}


def keymap(preset: str = "", own: Keys | None = None) -> Keymap:
    """Put a preset over the registry, and a person's own keys over that."""
    problems: list[str] = []
    base = {action.id: action.keys for action in ACTIONS}
    if preset in PRESETS:
        base |= _read(PRESETS[preset], base, problems)
    elif preset:
        problems.append(
            f"There is no preset {printable(preset[:40])}: there are {', '.join(PRESETS)}."
        )
    wanted = _read(own or {}, base, problems)
    keys = _without_clashes(base, wanted, problems)
    actions = tuple(
        msgspec.structs.replace(action, keys=keys[action.id], pair=_pair(action, keys))
        for action in ACTIONS
    )
    return Keymap(actions, tuple(problems))


def _read(
    asked: Keys, known: Mapping[str, Sequence[str]], problems: list[str]
) -> dict[str, tuple[str, ...]]:
    read: dict[str, tuple[str, ...]] = {}
    for name, keys in asked.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            problems.append(f"There is no action {printable(name[:40])}.{hint}")
            continue
        named = [textual_key(key) for key in keys]
        if None in named:
            wrong = next(key for key, name_ in zip(keys, named, strict=True) if name_ is None)
            problems.append(f"{name}: {printable(wrong[:40])!r} is no key.")
            continue
        read[name] = tuple(key for key in named if key is not None)
    return read


def _without_clashes(
    base: Mapping[str, tuple[str, ...]],
    wanted: Mapping[str, tuple[str, ...]],
    problems: list[str],
) -> dict[str, tuple[str, ...]]:
    """Return *wanted* over *base*, without those whose key another action has then."""
    kept = dict(wanted)
    while True:
        keys = {**base, **kept}
        uses = Counter(key for each in keys.values() for key in dict.fromkeys(each))
        clashing = [name for name in kept if any(uses[key] > 1 for key in kept[name])]
        if not clashing:
            return keys
        for name in clashing:
            key = next(key for key in kept[name] if uses[key] > 1)
            others = ", ".join(o for o, its in keys.items() if o != name and key in its)
            problems.append(f"{name}: {key} is the key of {others}.")
        for name in clashing:
            del kept[name]


def _pair(action: Action, keys: Mapping[str, tuple[str, ...]]) -> str:
    """Return the keys that the line shows for *action* and its counterpart."""
    back = _COUNTERPARTS.get(action.id)
    if back is None:
        return action.pair
    ids = (action.id, back) if action.pair.split()[0] == _first(action) else (back, action.id)
    shown = [msgspec.structs.replace(action, keys=keys[name]).shown.split(" ")[0] for name in ids]
    return " ".join(shown).strip()


def _first(action: Action) -> str:
    return action.shown.split(" ")[0]


_COUNTERPARTS = {
    **{f"next-{name}": f"previous-{name}" for name in
       ("event", "mutation", "hook", "effect", "failure", "hit", "line")},
    "previous-write": "next-write", "over": "over-back", "out": "out-back",
}  # fmt: skip
"""Actions whose entry on the keys line stands for two, to the other one."""
