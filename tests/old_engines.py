"""What old engines, in environments of their own, say to model files."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from environments import run as execute

# Asks an engine for each model: its first scores, or the first line of why not. In an environment without edgeship.
ASK = """
import base64, json, sys
import numpy as np
if sys.argv[1] == "litert":
    from ai_edge_litert.interpreter import Interpreter
else:
    from tflite_runtime.interpreter import Interpreter

def ask(model):
    try:
        return scores(Interpreter(model_content=model, num_threads=1))
    except (ValueError, RuntimeError) as error:
        return str(error).splitlines()[0]

def scores(interpreter):
    if not run:
        return None
    interpreter.allocate_tensors()
    taken, given = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    pixels = np.random.default_rng(1).integers(0, 256, taken["shape"])
    interpreter.set_tensor(taken["index"], pixels.astype(taken["dtype"]))
    interpreter.invoke()
    return [float(score) for score in interpreter.get_tensor(given["index"])[0]]

asked = json.load(open(sys.argv[2]))
run = asked["run"]
print(json.dumps({name: ask(base64.b64decode(model)) for name, model in asked["models"].items()}))
"""


def asked(python: Path, folder: Path, engine: str, models: dict[str, bytes], *, run: bool) -> dict[str, object]:
    """What an engine says to each model."""
    script, questions = folder / "ask.py", folder / "models.json"
    script.write_text(ASK)
    encoded = {name: base64.b64encode(model).decode() for name, model in models.items()}
    questions.write_text(json.dumps({"run": run, "models": encoded}))
    done = execute(python, script, engine, questions)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found
