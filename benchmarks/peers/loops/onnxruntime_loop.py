"""The same loop on ONNX Runtime."""

import time
from importlib.metadata import version

import numpy as np
import onnxruntime
from common import arguments, loop
from PIL import Image

model, labels, pictures = arguments()
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
taken = session.get_inputs()[0]
_, height, width, _ = taken.shape


def classify(picture: str) -> tuple[str, float]:
    image = Image.open(picture).convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
    pixels = np.expand_dims(np.asarray(image), 0).astype(np.float32)
    began = time.perf_counter()
    (scores,) = session.run(None, {taken.name: pixels})
    return labels[int(scores[0].argmax())], (time.perf_counter() - began) * 1e3


loop(classify, pictures, f"ONNX Runtime {version('onnxruntime')}")
