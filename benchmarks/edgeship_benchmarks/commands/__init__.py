"""The verbs of benchmarks. Light at the top: heavy imports live inside `run`."""
