"""Examining: what is wrong with a machine that is to run edgeship, and the exact command that mends it there.

Each check is a function that yields findings; `doctor` asks them all. Whether engines work is not asked but tried: each runs, in a
process of its own, one of two small model files that lie here (`devices/probe_model` makes them); the golden samples must come out.
"""
