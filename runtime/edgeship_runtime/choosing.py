"""Choosing an engine: the first that is installed, loads the file, and answers its golden samples as it should.

That costs a few inferences, so what passed is remembered: an empty file in the cache, named by all that the answer depends on. Where
none can be written it is found out each time.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from edgeship_runtime import files, machine
from edgeship_runtime.engines import ENGINES, INSTALL, Engine, open_engine
from edgeship_runtime.errors import EdgeshipError, EngineError, NotInstalledError
from edgeship_runtime.model_file import ModelFile

if TYPE_CHECKING:
    from edgeship_runtime.classifier import Classifier


def choose(model: ModelFile, threads: int | None) -> Engine:
    """Loads a model file into the first engine that passes.

    A file without golden samples is loaded into the first that takes it and computes something.

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
        except Exception as error:  # of a library: whatever it is, the next one may do better
            refusals.append(EngineError(f"{model.path}: {name} cannot load it: {type(error).__name__}: {error}"))
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
    from edgeship_runtime.classifier import Classifier

    try:
        if model.manifest.golden:
            return _difference(model, engine)
        _compute(Classifier(model, engine))
    except EdgeshipError:
        raise
    except Exception as error:
        return f"it fails: {type(error).__name__}: {error}"
    return None


def _compute(classifier: Classifier) -> None:
    """Fails where the engine does; of what it computes nothing is known."""
    import numpy as np

    black = classifier.preprocessing.apply(np.zeros((8, 8, 3), np.uint8))
    classifier.scores(black[np.newaxis])


def _difference(model: ModelFile, engine: Engine) -> str | None:
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
