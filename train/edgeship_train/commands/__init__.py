"""The verbs of training. Light at the top: heavy imports live inside `run`."""
