"""What one would write without edgeship, for cold_start.py to compare with: MODEL PICTURE LABELS.

Ten lines, and they trust the file, the labels and the picture: a uint8 input, no rotation, no transparency.
"""

import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

model, picture, labels = sys.argv[1:]
interpreter = Interpreter(model)
interpreter.allocate_tensors()
taken = interpreter.get_input_details()[0]
_, height, width, channels = taken["shape"]
image = Image.open(picture).convert("RGB" if channels == 3 else "L").resize((width, height), Image.Resampling.BILINEAR)
interpreter.set_tensor(taken["index"], np.asarray(image, np.uint8).reshape(taken["shape"]))
interpreter.invoke()
scores = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]
with open(labels) as lines:  # noqa: PTH123 - pathlib would be one more import
    print(lines.read().splitlines()[scores.argmax()], scores.max(), sep="  ")
