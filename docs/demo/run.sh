#!/usr/bin/env bash
# The main job on the embedded digits set. Prints each command before it runs; the last line is the report's path.
set -euo pipefail
cd "$(dirname "$0")/../.."
rm -rf build/demo
mkdir -p build/demo

run() {
    printf '\n$ %s\n' "$*"
    "$@"
}

run edgeship train digits --out build/demo/digits.keras --epochs 12
run edgeship export build/demo/digits.keras --format tflite --quantize int8
run edgeship export build/demo/digits.keras --format tflite
run edgeship export build/demo/digits.keras --format onnx
for model in digits.int8.tflite digits.float32.tflite digits.float32.onnx; do
    run edgeship verify "build/demo/$model"
done
run edgeship inspect build/demo/digits.int8.tflite
run python docs/demo/pictures.py build/demo/pictures
run edgeship run build/demo/digits.int8.tflite build/demo/pictures
run edgeship benchmark build/demo/digits.float32.tflite build/demo/digits.int8.tflite build/demo/digits.float32.onnx \
    --data digits --out build/demo/report --threads 1 --precision 5%
