"""Reporting: what measured numbers mean: reports, comparisons, recommendations. On the workstation.

plan + results + labels ─ building ─▶ Report ─┬─ report.json, markdown, page
two Reports ─ comparing ─▶ Comparison
one Report ─ recommending ─▶ Recommendation
"""
