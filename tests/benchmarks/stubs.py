"""Modules that answer with what they are asked, for benchmarks: processes import them here."""

from runtime import Module, ModuleContext

echoing = Module("echoing", isolation="subprocess")
boxed = Module("boxed", isolation="sandbox")


@echoing.method
async def echo(ctx: ModuleContext, value: str) -> str:
    return value


boxed.method(echo)
