"""Measuring: what runs on the board. A `Plan` and a `Store` of files in, `Results` out; NumPy, Pillow and one engine suffice.

    plan ─ session.run ─┬─ inputs: every picture at each model's size
                        ├─ answers of each configuration     (worker, a fresh process)
                        └─ blocks: each configuration timed  (worker, a fresh process each time)

Nothing here knows labels, accuracy or reports: what the numbers mean is decided on the workstation (`reporting`).
`python -m edgeship_benchmarks.measuring STORE < plan.json > results.json` is the same door for another machine.
"""
