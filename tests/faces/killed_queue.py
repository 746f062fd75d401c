"""A process that publishes, takes its own messages, and kills itself where it is told to."""

import asyncio
import os
import signal
import sys

from runtime import App, LocalContext, Request
from runtime.app.log import open_log
from runtime.effects import SystemIds

app = App("killed")
app.topic("numbers", int)


def die() -> None:
    """End here and now, as a machine does that loses its power."""
    os.kill(os.getpid(), signal.SIGKILL)


@app.subscriber("numbers", name="taker", concurrency=1)
async def take(req: Request[int], lctx: LocalContext) -> None:
    """Keep the number; die at it, or when all is done but its commit."""
    lctx.set("taken", req.body)
    if sys.argv[2] == f"handler:{req.body}":
        die()
    if sys.argv[2] == f"cleanup:{req.body}":
        lctx.on_cleanup(die)


async def main() -> None:
    """Publish numbers on the first run, then take what there is."""
    await app.begin()
    for n in range(int(sys.argv[3])):
        await app.publish("numbers", n)
    inbox = app.queues.inboxes["taker"]
    while len(inbox) or inbox.counts.accepted < 6:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.005)
    await app.stop()


with open_log(sys.argv[1], ids=SystemIds()) as store:
    app.start(store)
    asyncio.run(main())
