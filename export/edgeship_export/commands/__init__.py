"""The verbs of export. Light at the top: heavy imports live inside `run`."""
