"""The admin listener's door to modules: `POST /modules/NAME/reload` (MO-7)."""

from collections.abc import Mapping
from typing import Final

from runtime.app.application import App
from runtime.errors import DuplicateModuleError, NotStartedError, ReloadError
from runtime.ingress.plain_http import plain
from runtime.messages import Answer

HOW: Final = "timescape-reload"
"""Header that says `safe` or `force`; a page in a browser cannot send it to another site."""
_PREFIX: Final = "/modules/"
_SUFFIX: Final = "/reload"


def is_reload(path: str) -> bool:
    """Say whether *path* asks for one."""
    return path.startswith(_PREFIX) and path.endswith(_SUFFIX)


async def reload(app: App, method: str, path: str, headers: Mapping[str, str]) -> Answer:
    """Start a module anew, and say its generation, or why it was not."""
    if method != "POST":
        return plain(405, {"problem": "Use POST."}, ("allow", "POST"))
    how = headers.get(HOW, "")
    if how not in {"safe", "force"}:
        return plain(400, {"problem": f"{HOW} has to say safe or force."})
    name = path[len(_PREFIX) : -len(_SUFFIX)]
    try:
        generation = await app.reload_module(name, force=how == "force")
    except (ReloadError, DuplicateModuleError, NotStartedError) as error:
        said = {"code": error.code, "problem": error.problem, "remedy": error.remedy}
        return plain(409, said)
    return plain(200, {"module": name, "generation": generation})
