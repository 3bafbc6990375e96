"""edgeship's Classifier."""

from importlib.metadata import version

from common import arguments, loop

from edgeship_runtime import Classifier

model, _, pictures = arguments()
classifier = Classifier.load(model, threads=1)


def classify(picture: str) -> tuple[str, float]:
    prediction = classifier.classify(picture)
    return prediction.label, prediction.latency_ms.invoke


loop(classify, pictures, f"edgeship {version('edgeship')}")
