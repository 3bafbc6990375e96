"""Which operators each release of LiteRT has: asks the releases themselves, and says where export's table is wrong.

Run this when LiteRT has a new release, and bring edgeship_export/operator_releases.py up to date:

    .venv/bin/python benchmarks/operator_releases.py 2.2.0 2.3.0

Each release is installed into a folder of its own, without what it requires, and given one file for each operator and version.
CPython must be one that the release has a wheel for.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

from edgeship_export import operator_releases, requirements

MOST_VERSIONS = 16
ASK = """
import base64, json, sys
from ai_edge_litert.interpreter import Interpreter
lacking = []
for name, model in json.load(open(sys.argv[1])).items():
    try:
        Interpreter(model_content=base64.b64decode(model))
    except Exception as error:
        if "Didn't find op" in str(error) or "out of range" in str(error):
            lacking.append(name)
print(json.dumps(lacking))
"""


def main() -> int:
    releases = sys.argv[1:] or ["2.3.0"]
    models = {f"{name} {version}": one_operator(name, version) for name in NAMES for version in range(1, MOST_VERSIONS)}
    wrong = 0
    for release in releases:
        lacking = asked(release, models)
        stated = {name for name, model in models.items() if not has(release, model)}
        for name in sorted(lacking ^ stated):
            wrong += 1
            print(f"LiteRT {release}: {name} is {'lacking' if name in lacking else 'there'}, the table says otherwise")
        print(f"LiteRT {release}: {len(models) - len(lacking)} of {len(models)} operators and versions", flush=True)
    return 1 if wrong else 0


NAMES = [name for name in operator_releases.TENSORFLOW if not name.startswith("STABLEHLO")]


def asked(release: str, models: dict[str, bytes]) -> set[str]:
    """The operators and versions that a release does not have."""
    with tempfile.TemporaryDirectory(prefix="edgeship-") as folder:
        numpy = "numpy<2" if release < "1.1" else "numpy"
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--target", folder]
        if subprocess.run([*install, "--help"], capture_output=True, check=False).returncode:
            install = [".uv/bin/uv", "pip", "install", "--quiet", "--python", sys.executable, "--target", folder]
        subprocess.run([*install, "--no-deps", f"ai-edge-litert=={release}", numpy, "flatbuffers"], check=True)
        questions = Path(folder) / "models.json"
        questions.write_text(json.dumps({name: base64.b64encode(model).decode() for name, model in models.items()}))
        command = [sys.executable, "-S", "-c", ASK, str(questions)]
        done = subprocess.run(command, env={"PYTHONPATH": folder}, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def has(release: str, model: bytes) -> bool:
    """Whether the table says that a release runs a model."""
    first = requirements.of_tflite(model).engines["litert"].version
    return first is not None and numbers(first) <= numbers(release)


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def one_operator(name: str, version: int) -> bytes:
    """A graph of one operator."""
    model, graph, code, operator = schema.ModelT(), schema.SubGraphT(), schema.OperatorCodeT(), schema.OperatorT()
    code.builtinCode, code.version = getattr(schema.BuiltinOperator, name), version
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    operator.inputs, operator.outputs = [0], [1]
    tensors = [schema.TensorT(), schema.TensorT()]
    for tensor in tensors:
        tensor.shape = [1, 4]
    graph.tensors, graph.operators, graph.inputs, graph.outputs = tensors, [operator], [0], [1]
    model.version, model.subgraphs, model.operatorCodes, model.buffers = 3, [graph], [code], [schema.BufferT()]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


if __name__ == "__main__":
    sys.exit(main())
