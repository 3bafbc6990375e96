"""Deploying: a file to a board, verified there before it runs, in steps of which any may be the last: the old file stays.

connect ─ detect, refuse ─ lock ─ environment ─ file ─ verify ─ switch ─ collect
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgeship_devices.board.slots import NAME, NAME_HINT
from edgeship_devices.detecting import as_it_is, detect
from edgeship_devices.device import Device
from edgeship_devices.gate import MINIMUM_PYTHON, is_older
from edgeship_devices.session import Session, Target, connect
from edgeship_devices.wheels import Installation, how_to_get, plan
from edgeship_runtime.errors import DeviceError, UsageError
from edgeship_runtime.files import sha256
from edgeship_runtime.manifest import Requirements
from edgeship_runtime.model_file import ModelFile

OnStep = Callable[[str], None]
_SPARE_BYTES = 64 * 2**20  # a board that has less than this left beside what is copied is in trouble already
_ENVIRONMENT_BYTES = (
    350 * 2**20
)  # measured on x86-64: 187 MB with LiteRT, 255 MB with ONNX Runtime too; and 45 MB of wheels
_CLOCK_S = 24 * 3600  # certificates of the registry are refused by a clock that is further off
_FORMATS = ("tflite", "onnx")


@dataclass(frozen=True)
class Options:
    """How to deploy.

    Attributes:
        name: under which the board knows it.
        device: a profile, where detection is not to be trusted.
        wheels: a folder; None asks the registry.
        runtime: an interpreter on the board that has edgeship; nothing is installed then.
        extras: of edgeship that sources and sinks on the board need: "camera", …
        keep: slots before the current one.
        ask: whether ssh may ask questions.
    """

    name: str
    device: Device | None = None
    wheels: Path | None = None
    runtime: str | None = None
    extras: tuple[str, ...] = ()
    keep: int = 2
    ask: bool = True

    def __post_init__(self) -> None:
        """Refuses a name that no board would take, before minutes are spent there."""
        if not NAME.fullmatch(self.name):
            raise UsageError(
                f"{self.name!r} is no name for a board to know it by: {NAME_HINT}; give it one: --name flowers"
            )


@dataclass(frozen=True)
class Deployed:
    """What a deploy did.

    Attributes:
        target: the board's address.
        name: the deployed name.
        device: profile that the board was taken for.
        sha256: of the file that runs now.
        generation: of the name, counted from 1.
        changed: False when this file was the current one before.
        engine: that it was verified with, and its version.
        service: "active" when a service went over to it; None where none runs.
    """

    target: str
    name: str
    device: str
    sha256: str
    generation: int
    changed: bool
    engine: str
    service: str | None


def deploy(model: ModelFile, target: Target, options: Options, on_step: OnStep = lambda _: None) -> Deployed:
    """Brings a file to a board.

    Args:
        model: a .tflite or .onnx.
        target: the board.
        options: see Options.
        on_step: hears what begins.

    Raises:
        DeviceError: the board or the way to it is not what the file needs; it goes on with what it ran.
    """
    if model.format not in _FORMATS:
        raise DeviceError(
            f"{model.path}: a .{model.format} is for workstations; export it: edgeship export --format tflite"
        )
    on_step(f"connect to {target.url}")
    with connect(target, ask=options.ask) as board:
        device = as_it_is(options.device, board.facts) if options.device else detect(board.facts)
        _refuse(device, model.manifest.requirements, target)
        installation = None if options.runtime else plan(board.facts, model.format, options.wheels, options.extras)
        refuse_read_only(board)
        on_step("lock the board")
        board.lock(model.raw.size_bytes + (_ENVIRONMENT_BYTES if installation else _SPARE_BYTES))
        _refuse_full(board, model.raw.size_bytes)
        prefix = environment(board, installation, options, on_step)
        on_step(f"copy {model.path.name}")
        board.put("staging/model", model.raw.read())
        identity = installation.identity if installation else sha256(prefix.encode())[:12]
        slot = f"{model.raw.sha256[:16]}-{identity}"
        board.ask("store", name=options.name, slot=slot, prefix=prefix)
        on_step("verify on the board")
        checked = board.ask("verify", name=options.name, slot=slot, file=model.path.name)
        if not checked["passed"]:
            failed = next(stage for stage in checked["stages"] if not stage["passed"])
            raise DeviceError(
                f"{target.url}: verify failed there, at {failed['name']}: {failed['detail']}; it goes on with what it ran"
            )
        on_step("switch")
        before = board.ask("status")
        switched = board.ask("switch", name=options.name, slot=slot)
        on_step("remove what is older")
        board.ask("collect", name=options.name, keep=options.keep)
        previous = next((item["generation"] for item in before if item["name"] == options.name), 0)
        return Deployed(
            target.url,
            options.name,
            device.name,
            model.raw.sha256,
            switched["generation"],
            switched["generation"] != previous,
            f"{checked['engine']} {checked['engine_version']}",
            switched["service"],
        )


def _refuse(device: Device, requirements: Requirements, target: Target) -> None:
    reasons = device.refuses(requirements)
    if not reasons:
        return
    newer = "; name a newer one that is there: --python python3.11" if is_older(device.python, MINIMUM_PYTHON) else ""
    raise DeviceError(f"{target.url} is a {device.title}: {'; '.join(map(str, reasons))}{newer}")


def refuse_read_only(board: Session) -> None:
    """What would go wrong later, said before anything is touched.

    Raises:
        DeviceError: edgeship can write nothing there.
    """
    if board.facts["not_writable"]:
        raise DeviceError(f"{board.target.url}: {board.facts['not_writable']} ({board.facts['home']})")


def _refuse_full(board: Session, size_bytes: int) -> None:
    facts = board.facts
    if facts["disk_free_bytes"] < size_bytes + _SPARE_BYTES:
        free, needed = facts["disk_free_bytes"] // 2**20, (size_bytes + _SPARE_BYTES) // 2**20
        raise DeviceError(f"{board.target.url}: {free} MiB are free in {facts['home']}, {needed} MiB are needed")


def _refuse_installing(board: Session, installation: Installation) -> None:
    facts, url = board.facts, board.target.url
    if not facts["venv"]:
        minor = ".".join(facts["python"].split(".")[:2])
        raise DeviceError(f"{url}: its Python makes no environments; on the board: sudo apt install python{minor}-venv")
    if facts["disk_free_bytes"] < _ENVIRONMENT_BYTES:
        free = facts["disk_free_bytes"] // 2**20
        raise DeviceError(
            f"{url}: {free} MiB are free in {facts['home']}; the runtime needs {_ENVIRONMENT_BYTES // 2**20} MiB while it is installed"
        )
    off = facts["time"] - time.time()
    if not installation.wheels and abs(off) > _CLOCK_S:
        raise DeviceError(
            f"{url}: its clock is {abs(off) / 86400:.0f} days {'ahead' if off > 0 else 'behind'}, so that the registry's certificate "
            "would be refused; on the board: sudo timedatectl set-ntp true"
        )


def environment(board: Session, installation: Installation | None, options: Options, on_step: OnStep) -> str:
    """The prefix, on the board, of an environment with edgeship, which is built where it is not there.

    Raises:
        DeviceError: it cannot be; the reason and what to do.
    """
    if installation is None:
        return str(board.ask("environment", given=options.runtime)["prefix"])
    found = board.ask("environment", identity=installation.identity)["prefix"]
    if found:
        return str(found)
    _refuse_installing(board, installation)
    _send_wheels(board, installation, on_step)
    on_step(f"install {installation.requirement} on the board")
    try:
        built = board.ask(
            "environment",
            identity=installation.identity,
            build=True,
            requirement=installation.requirement,
            constraints=list(installation.constraints),
            offline=bool(installation.wheels),
            system=installation.system,
            alone=installation.alone,
        )
    except DeviceError as error:
        if "no wheel of" not in str(error):
            raise
        folder = options.wheels or Path("wheels")
        fetch = how_to_get(board.facts, folder, installation)
        also = "" if options.wheels else f", then deploy with --wheels {folder}"
        raise DeviceError(f"{error}; fetch them here: {fetch}{also}") from None
    return str(built["prefix"])


def _send_wheels(board: Session, installation: Installation, on_step: OnStep) -> None:
    folder = f"wheels/{installation.identity}"  # of its own: pip takes the newest that it finds
    wanted = {f"{folder}/{path.name}": digest for path, digest in installation.wheels.items()}
    there = board.ask("has", files=wanted) if wanted else []
    for path, digest in installation.wheels.items():
        if f"{folder}/{path.name}" not in there:
            on_step(f"copy {path.name}")
            board.put_file(f"{folder}/{path.name}", path, digest)
