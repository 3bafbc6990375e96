"""edgeship_benchmarks: accuracy against latency against size, measured where the model is to run.

`measure` runs inside a fresh process for one configuration and is light enough for a board; `plan` decides which configurations
there are, runs them interleaved, and gathers a `Report`; `rendering` draws it, on the workstation.
"""
