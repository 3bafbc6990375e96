"""The same loop on tflite-runtime, the last release of LiteRT's predecessor."""

import time
from importlib.metadata import version

import numpy as np
from common import arguments, loop
from PIL import Image
from tflite_runtime.interpreter import Interpreter

model, labels, pictures = arguments()
interpreter = Interpreter(model, num_threads=1)
interpreter.allocate_tensors()
taken, given = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
_, height, width, _ = taken["shape"]


def classify(picture: str) -> tuple[str, float]:
    image = Image.open(picture).convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
    pixels = np.expand_dims(np.asarray(image), 0).astype(taken["dtype"])
    began = time.perf_counter()
    interpreter.set_tensor(taken["index"], pixels)
    interpreter.invoke()
    scores = interpreter.get_tensor(given["index"])[0]
    return labels[int(scores.argmax())], (time.perf_counter() - began) * 1e3


loop(classify, pictures, f"tflite-runtime {version('tflite-runtime')}")
