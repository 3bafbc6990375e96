"""The verbs of the command line that a device has. Light at the top: heavy imports live inside `run`."""
