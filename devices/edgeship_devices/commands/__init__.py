"""The verbs of devices. Light at the top: heavy imports live inside `run`."""
