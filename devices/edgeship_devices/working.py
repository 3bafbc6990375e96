"""Working: a module of edgeship that does its work on a board, on files that go over once, and its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from edgeship_devices import deploying
from edgeship_devices.detecting import detect
from edgeship_devices.session import Target, connect
from edgeship_devices.wheels import plan
from edgeship_runtime.errors import DeviceError


def work(
    target: Target,
    module: str,
    files: Mapping[str, Path],
    stdin: str,
    options: deploying.Options,
    on_step: Callable[[str], None],
) -> str:
    """Runs `python -m MODULE STORE` on a board, STORE being a folder with the files.

    Args:
        target: the board.
        module: of edgeship.
        files: SHA-256 and perhaps a suffix → file here. What the board has already is not sent again.
        stdin: of the module.
        options: where its edgeship comes from; see deploying.Options.
        on_step: hears what begins.

    Returns:
        What it wrote to stdout.

    Raises:
        DeviceError: the board cannot be reached or prepared, or the module failed there.
    """
    on_step(f"connect to {target.url}")
    with connect(target, ask=options.ask) as board:
        if options.device is None:
            detect(board.facts)
        deploying.refuse_read_only(board)
        board.lock()  # what deploys meanwhile would be measured too
        onnx = any(name.endswith(".onnx") for name in files)
        form = "onnx" if onnx else "tflite"
        installation = None if options.runtime else plan(board.facts, form, options.wheels, options.extras)
        prefix = deploying.environment(board, installation, options, on_step)
        there = set(board.ask("has", files={f"store/{name}": name.partition(".")[0] for name in files}))
        missing = [name for name in files if f"store/{name}" not in there]
        if missing:
            on_step(f"copy {len(missing)} of {len(files)} files to {target.url}")
        for name in missing:
            board.put_file(f"store/{name}", files[name], name.partition(".")[0])
        on_step(f"measure on {target.url}")
        done = board.ask("work", prefix=prefix, module=module, folder="store", stdin=stdin)
    if done["code"]:
        said = (done["err"].strip().splitlines() or ["it said nothing"])[-1]
        raise DeviceError(f"{target.url}: {said.removeprefix('edgeship: ')}")
    return str(done["out"])
