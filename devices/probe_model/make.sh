#!/usr/bin/env bash
# Makes the tiny models that `edgeship devices doctor` runs to see whether an engine really works: an ordinary pair of files with golden
# samples, 15 kB together. Needs the workstation; run it again only when the file format changes.
set -euo pipefail
cd "$(dirname "$0")"
folder=$(mktemp -d)
export PYTHONPATH=.
edgeship train digits --arch network:build --epochs 30 --out "$folder/probe.keras"
edgeship export "$folder/probe.keras" --format tflite --out "$folder/probe.tflite"
edgeship export "$folder/probe.keras" --format onnx --out "$folder/probe.onnx"
cp "$folder"/probe.{tflite,onnx} ../edgeship_devices/examining/
rm -r "$folder"
