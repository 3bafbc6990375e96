"""For a device: which of the files a board runs, and in which engines, known before anything is measured."""

from __future__ import annotations

from collections.abc import Sequence

from edgeship_benchmarks.gathering import NamedModel, Refused
from edgeship_devices.device import FORMATS, Device


def runs_there(models: Sequence[NamedModel], device: Device) -> tuple[list[NamedModel], list[Refused]]:
    """The files that the board runs, and the others, with the reason."""
    able, refused = [], []
    for one in models:
        manifest = one.model.manifest
        reasons = device.refuses(manifest.requirements, manifest.quantization.scheme)
        if reasons:
            refused.append(Refused(one.name, f"does not run on {device.name}: {'; '.join(map(str, reasons))}"))
        else:
            able.append(one)
    return able, refused


def engines(asked: Sequence[str], device: Device) -> list[str]:
    """The engines to measure in: "auto" becomes those that the board takes, one for each format it runs."""
    own = [engine for form in dict.fromkeys(FORMATS.values()) if (engine := device.engine(form)) is not None]
    return [name for one in asked for name in (own if one == "auto" else [one])]
