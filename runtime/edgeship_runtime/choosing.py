"""Choosing an engine: the first that is installed, loads the file, and answers its golden samples as it should.

That costs a few inferences, so what passed is remembered: an empty file in the cache, named by all that the answer depends on. Where
none can be written it is found out each time.
"""

from __future__ import annotations

import contextlib

from edgeship_runtime import files, machine
from edgeship_runtime.engines import ENGINES, INSTALL, Engine, open_engine
from edgeship_runtime.errors import EngineError, NotInstalledError
from edgeship_runtime.model_file import ModelFile


def choose(model: ModelFile, threads: int | None) -> Engine:
    """Loads a model file into the first engine that passes.

    A file without golden samples is loaded into the first that takes it.

    Raises:
        EngineError: none is installed, or none passes; why.
    """
    able = [name for name, formats in ENGINES.items() if model.format in formats]
    refusals = []
    for name in able:
        try:
            engine = open_engine(model, name, threads)
        except NotInstalledError:
            continue
        except EngineError as error:
            refusals.append(error)
            continue
        fault = _fault(model, engine)
        if fault is None:
            return engine
        refusals.append(EngineError(f"{model.path}: {name} {engine.version} does not pass verify here: {fault}"))
    if not refusals:
        raise EngineError(f"{model.path}: no engine here runs .{model.format} files: {INSTALL[able[0]]}")
    raise refusals[0]  # of the engine that would have been the first choice


def _fault(model: ModelFile, engine: Engine) -> str | None:
    """What differs, in one line; None where nothing does."""
    if not model.manifest.golden:
        return None
    passed = files.cache_home() / "verified" / _key(model, engine)
    if passed.exists():
        return None
    from edgeship_runtime.classifier import Classifier
    from edgeship_runtime.golden import verify

    result = verify(Classifier(model, engine))
    for stage in result.stages:
        if not stage.passed:
            return f"{stage.name}: {stage.detail}"
    with contextlib.suppress(OSError):
        passed.parent.mkdir(parents=True, exist_ok=True)
        passed.touch()
    return None


def _key(model: ModelFile, engine: Engine) -> str:
    import numpy as np
    import PIL

    place = f"{engine.name} {engine.version} numpy {np.__version__} pillow {PIL.__version__} on {machine.cpu()}"
    samples = b"".join(model.member(sample.member) for sample in model.manifest.golden)
    return files.sha256(b"\0".join([model.manifest.to_bytes(), samples, place.encode()]))
