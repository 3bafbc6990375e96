"""MediaPipe's ImageClassifier, which reads labels and normalization from the file."""

from importlib.metadata import version

from common import arguments, loop
from mediapipe import Image
from mediapipe.tasks.python import BaseOptions
from mediapipe.tasks.python.vision import ImageClassifier, ImageClassifierOptions

model, _, pictures = arguments()
options = ImageClassifierOptions(base_options=BaseOptions(model_asset_path=model), max_results=1)
classifier = ImageClassifier.create_from_options(options)


def classify(picture: str) -> tuple[str, float]:
    (head,) = classifier.classify(Image.create_from_file(picture)).classifications
    return head.categories[0].category_name, -1.0


loop(classify, pictures, f"MediaPipe {version('mediapipe')}")
