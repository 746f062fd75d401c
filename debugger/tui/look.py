"""How things look: colours by role, glyphs by what the terminal can show.

Colour never speaks alone (AC-1): each role that means something goes with a sign or a
word. Blue and orange, not green and red. Every text colour has a contrast of at least
4.5:1 on each background it stands on; a test computes it. `TERMINAL` has no colours of its
own: text is as the person made it readable, the cursor's row the other way round.
"""

import locale

import msgspec
from rich.style import Style
from textual.app import App
from textual.theme import Theme


class Glyphs(msgspec.Struct, frozen=True):
    """What lines and signs are made of."""

    cursor: str
    rule: str
    focused_rule: str
    open: str
    folded: str
    to: str
    cut: str
    density: str
    """From nothing to much."""
    fork: str
    gap: str
    """Between short pieces of one line."""
    back: str
    """Points back in time."""


UNICODE = Glyphs("▸", "─", "━", "▾", "▸", "→", "…", "·▁▂▃▄▅▆▇█", "└", "·", "←")
ASCII = Glyphs(">", "-", "=", "v", ">", ">", "~", ".-~=+*%#", "+", "-", "<")


class Colours(msgspec.Struct, frozen=True):
    """One theme's colours by role."""

    name: str
    ground: str
    raised: str
    """Behind the title and the keys."""
    cursor: str
    """Behind the row of the cursor, where the focus is."""
    resting: str
    """Behind the row of the cursor in the other panes."""
    text: str
    dim: str
    blue: str
    orange: str
    strong: str
    dark: bool = True


THEMES = (
    Colours(
        "dark", "#12151b", "#1c222c", "#2b3a50", "#1e2632",
        "#d5dae2", "#97a2b4", "#7cbcff", "#f5ad68", "#ffffff",
    ),
    Colours(
        "light", "#ffffff", "#eef1f5", "#d3e4f8", "#eaeff5",
        "#1f2530", "#505b6b", "#0a4f9e", "#8a3a00", "#000000", dark=False,
    ),
    Colours(
        "high-contrast", "#000000", "#000000", "#003a66", "#1a1a1a",
        "#ffffff", "#e0e0e0", "#9ad4ff", "#ffc27a", "#ffffff",
    ),
    Colours(
        "terminal", "default", "default", "default", "default",
        "default", "default", "default", "default", "default",
    ),
)  # fmt: skip
"""The first is the default."""
TERMINAL = len(THEMES) - 1
"""Which of them is the terminal's own: what `NO_COLOR` asks for."""


class Look:
    """Gives the style of a role on a row, and the glyphs. Made anew for each theme."""

    def __init__(self, colours: Colours, glyphs: Glyphs) -> None:
        self.colours = colours
        self.glyphs = glyphs
        c = colours
        self._roles = {
            "": Style(color=c.text),
            "dim": Style(color=c.dim),
            "strong": Style(color=c.strong, bold=True),
            "blue": Style(color=c.blue),
            "orange": Style(color=c.orange),
            "failed": Style(color=c.orange, bold=True),
            "focus": Style(color=c.blue, bold=True),
        }
        self._grounds = {
            "": Style(bgcolor=c.ground),
            "cursor": Style(bgcolor=c.cursor, reverse=c.name == "terminal"),
            "resting": Style(bgcolor=c.resting),
            "raised": Style(bgcolor=c.raised),
        }
        self._made: dict[tuple[str, str], Style] = {}

    def style(self, role: str, ground: str = "") -> Style:
        """Return the style of *role* on *ground*."""
        made = self._made.get((role, ground))
        if made is None:
            made = self._made[role, ground] = self._grounds[ground] + self._roles[role]
        return made


def textual_theme(colours: Colours) -> Theme:
    """Return what Textual's own widgets (the text fields) need to look alike."""
    own = colours.name == "terminal"
    text, ground = ("ansi_default",) * 2 if own else (colours.text, colours.ground)
    return Theme(
        name=f"timescape-{colours.name}",
        primary=text if own else colours.blue,
        accent=text if own else colours.orange,
        foreground=text,
        background=ground,
        surface=ground,
        panel=ground if own else colours.raised,
        dark=colours.dark,
        variables={
            "input-cursor-background": text,
            "input-cursor-foreground": ground,
            "input-cursor-text-style": "reverse" if own else "none",
            "input-selection-background": ground if own else colours.cursor,
        },
    )


def wear(app: App[None], theme: int) -> None:
    """Let *app* take on the colours of `THEMES[theme]`."""
    app.theme = f"timescape-{THEMES[theme].name}"
    # Else the terminal's own colours would be put into numbers.
    app.ansi_color = theme == TERMINAL


def glyphs_for(*, ascii_only: bool | None = None) -> Glyphs:
    """Return the glyphs to use; None: as the locale says."""
    if ascii_only is None:
        ascii_only = "utf" not in locale.getpreferredencoding(do_setlocale=False).lower()
    return ASCII if ascii_only else UNICODE
