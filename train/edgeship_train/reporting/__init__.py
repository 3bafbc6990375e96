"""Reporting: what came out of training, for people (pages, self-contained) and for machines (JSON beside them).

`report` writes the folder beside a model; `comparison` puts several models of one split side by side.
"""
