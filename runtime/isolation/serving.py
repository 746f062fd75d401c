"""Does for a module's process what its capabilities allow."""

from typing import Any

import msgspec

from eventstore.values import tree_bytes
from runtime.errors import RPCSerializationError
from runtime.isolation.child import Child, Reply
from runtime.isolation.failing import refusal_of
from runtime.isolation.handles import Capabilities, HostHandles
from runtime.supervision import Answer, Call

_read = msgspec.json.Decoder(tuple[list[int | str], dict[str, Any]]).decode


class Service:
    """Answers one process; see `RemoteHandles` for what it asks.

    Args:
        capabilities: of the module.
    """

    def __init__(self, capabilities: Capabilities) -> None:
        self._capabilities = capabilities
        self.child: Child | None = None
        """The process; it knows for whom its calls are."""

    async def serve(self, call: Call) -> tuple[Reply, int | None]:
        """Answer a call of the process; a descriptor goes with some answers."""
        try:
            return await self._serve(call)
        except Exception as error:  # noqa: BLE001 - the module is to get it
            return refusal_of(call.id, error), None

    async def _serve(self, call: Call) -> tuple[Reply, int | None]:
        (number, argument, *more), _ = _read(call.args)
        handles = self._handles(number)
        match call.method:
            case "secret":
                found = await handles.secret(str(argument))
                with found.reveal() as value:
                    return Answer(call.id, tree_bytes([value, found.version])), None
            case "open":
                mode: Any = more[0]
                return Answer(call.id), await handles.descriptor(str(argument), mode)
            case "connect":
                return Answer(call.id), (await handles.connect(str(argument))).detach()
            case "use":
                await handles.use(str(argument), str(more[0]))
                return Answer(call.id), None
            case _:
                msg = f"There is no capability {call.method[:80]!r}."
                raise RPCSerializationError(msg, "Ask for one that there is.")

    def _handles(self, number: int | str) -> HostHandles:
        about = None if self.child is None else self.child.about(int(number))
        return self._capabilities.of("" if about is None else about.request_id)
