"""edgeship_benchmarks: accuracy against latency against size, measured where the model is to run.

    gathering, configurations → measuring (on the board: a Plan in, Results out) → reporting (what the numbers mean)

`commands` are the verbs; `elsewhere` takes a plan to a board over ssh.
"""
