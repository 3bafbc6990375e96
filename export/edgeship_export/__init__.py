"""edgeship_export: a trained .keras to a .tflite or .onnx that is proven to answer the same.

`exporting` leads: it reads the parent, has `tflite` or `onnx` convert it, measures the result in its own engine against the parent on
the pictures that the parent carries (`evidence`, `proving`, `speed`), and gives the bytes of one file. `tflite_metadata` makes it an
ordinary file of its ecosystem, `onnx_canonical` the same file each time, `requirements` states what it needs, `lint` looks at what a
file really is.
"""
