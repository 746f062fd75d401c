"""Modules compiled to WebAssembly, for tests: their text, and what they declare."""

from pathlib import Path
from typing import Any

from wasmtime import wat2wasm

from runtime import Module, ModuleContext, Resources, grant

PLAIN = """
(module
  (import "timescape" "log" (func $log (param i32 i32)))
  (import "timescape" "fail" (func $fail (param i32 i32)))
  (import "timescape" "secret" (func $secret (param i32 i32) (result i64)))
  (import "timescape" "read" (func $read (param i32 i32) (result i64)))
  (import "timescape" "write" (func $write (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "[\\"KeyError\\",\\"atlas\\"]")
  (data (i32.const 64) "stock_token")
  (global $top (mut i32) (i32.const 4096))
  (global $calls (mut i32) (i32.const 0))
  (func $alloc (export "alloc") (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $top))
    (global.set $top (i32.add (local.get $at) (local.get $size)))
    (if (i32.gt_u (global.get $top) (i32.mul (memory.size) (i32.const 65536)))
      (then (drop (memory.grow
        (i32.add (i32.const 1) (i32.div_u (local.get $size) (i32.const 65536)))))))
    (local.get $at))
  (func $packed (param $at i32) (param $size i32) (result i64)
    (i64.or (i64.shl (i64.extend_i32_u (local.get $at)) (i64.const 32))
            (i64.extend_i32_u (local.get $size))))
  ;; A list of one item without its brackets is the item.
  (func $inner (export "echo") (param $at i32) (param $size i32) (result i64)
    (call $packed (i32.add (local.get $at) (i32.const 1))
                  (i32.sub (local.get $size) (i32.const 2))))
  (func (export "spin") (param i32 i32) (result i64) (loop $on (br $on)) (i64.const 0))
  (func (export "crash") (param i32 i32) (result i64) unreachable)
  (func (export "deep") (param $at i32) (param $size i32) (result i64)
    (call 10 (local.get $at) (local.get $size)))
  ;; Answers how many pages it got, as one digit: 1 for all that were asked for, else 0.
  (func (export "grow") (param $at i32) (param $size i32) (result i64)
    (i32.store8 (i32.const 128)
      (i32.add (i32.const 48) (i32.ne (memory.grow (i32.const 1000)) (i32.const -1))))
    (i32.store8 (i32.const 129)
      (i32.add (i32.const 48) (i32.ne (memory.grow (i32.const 100)) (i32.const -1))))
    (i32.store8 (i32.const 127) (i32.const 34))
    (i32.store8 (i32.const 130) (i32.const 34))
    (call $packed (i32.const 127) (i32.const 4)))
  (func (export "outside") (param i32 i32) (result i64) (call $packed (i32.const -8) (i32.const 7)))
  (func (export "fails") (param i32 i32) (result i64)
    (call $fail (i32.const 0) (i32.const 20)) (i64.const 0))
  (func (export "fails_badly") (param i32 i32) (result i64)
    (call $fail (i32.const 64) (i32.const 11)) (i64.const 0))
  ;; Says its secret where it can be heard, and answers how often this instance was called.
  (func (export "tell") (param i32 i32) (result i64)
    (local $got i64)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (local.set $got (call $secret (i32.const 64) (i32.const 11)))
    (call $log (i32.wrap_i64 (i64.shr_u (local.get $got) (i64.const 32)))
               (i32.wrap_i64 (local.get $got)))
    (i32.store8 (i32.const 128) (i32.add (i32.const 48) (global.get $calls)))
    (call $packed (i32.const 128) (i32.const 1)))
  ;; Takes a path in quotes, and answers the text of the file, which is JSON.
  (func (export "read") (param $at i32) (param $size i32) (result i64)
    (call $read (i32.add (local.get $at) (i32.const 2)) (i32.sub (local.get $size) (i32.const 4))))
  ;; Writes its own arguments there.
  (func (export "write") (param $at i32) (param $size i32) (result i64)
    (call $write (i32.add (local.get $at) (i32.const 2)) (i32.sub (local.get $size) (i32.const 4))
                 (local.get $at) (local.get $size))
    (call $inner (local.get $at) (local.get $size))))
"""
METHODS = (
    "echo", "crash", "deep", "grow", "outside", "fails", "fails_badly", "tell", "read", "write",
)  # fmt: skip


def compiled(folder: Path, text: str = PLAIN, **how: Any) -> Module:
    """Make a module of *text*, with its file in *folder*."""
    file = folder / "plain.wasm"
    file.write_bytes(wat2wasm(text))
    made = Module("plain", isolation="wasm", artefact=file, **how)
    for name in METHODS:
        made.method(_declared(name))
    made.method(timeout=0.2)(_declared("spin"))
    return made


def plain(folder: Path, **how: Any) -> Module:
    return compiled(
        folder,
        capabilities=[
            grant("secret.read", "stock_token"),
            grant("fs.read", str(folder / "in")),
            grant("fs.write", str(folder / "in")),
        ],
        resources=Resources(workers=2, **how),
    )


def _declared(name: str) -> Any:
    def method(ctx: ModuleContext, value: Any = None) -> Any: ...

    method.__name__ = name
    return method
