"""The script that people write: import TensorFlow, load, calibrate, convert to int8. What exporting.py compares the command with.

Usage: python plain_export.py MODEL.keras OUT.tflite
"""

import io
import sys
import zipfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

with zipfile.ZipFile(sys.argv[1]) as archive:  # the very pictures that edgeship calibrates on
    names = [name for name in archive.namelist() if name.startswith("edgeship/calibration/")]
    opened = (Image.open(io.BytesIO(archive.read(name))) for name in names)
    pictures = [np.asarray(picture, np.float32)[None] for picture in opened]

converter = tf.lite.TFLiteConverter.from_keras_model(tf.keras.models.load_model(sys.argv[1], compile=False))
converter.optimizations = [tf.lite.Optimize.DEFAULT]
converter.representative_dataset = lambda: ([picture] for picture in pictures)
converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
converter.inference_input_type = tf.uint8
converter.inference_output_type = tf.float32
Path(sys.argv[2]).write_bytes(converter.convert())
