"""The one writer of TypeScript: quotes every literal, name and comment (CG-4, CG-10)."""

import json
import re
from collections.abc import Iterable, Sequence

_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*", re.ASCII)


def literal(value: str | int | None) -> str:
    """Write plain data."""
    return json.dumps(value, ensure_ascii=True)


def member(name: str) -> str:
    """Write the name of a property, quoted where it has to be."""
    # `__proto__` is no property where it is written without brackets.
    if name == "__proto__":
        return f"[{literal(name)}]"
    return name if _NAME.fullmatch(name) else literal(name)


def comment(text: str, indent: str = "") -> list[str]:
    """Write a comment of documentation; no lines for no text."""
    words = " ".join(text.split()).replace("*/", "*\\/")
    shown = "".join(c if c.isprintable() else " " for c in words)
    return [f"{indent}/** {shown} */"] if shown else []


def braces(head: str, inner: Iterable[str], tail: str = "") -> list[str]:
    """Write a block."""
    begin = f"{head}{{" if head.endswith("(") else f"{head} {{"
    return [begin, *(f"  {line}" if line else "" for line in inner), f"}}{tail}"]


def either(parts: Sequence[str]) -> str:
    """Write a union; alike members once."""
    return " | ".join(dict.fromkeys(parts)) or "never"


def listed(parts: Sequence[str]) -> str:
    """Write a tuple."""
    return f"[{', '.join(parts)}]"
