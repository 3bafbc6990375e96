"""Servers that tests start: real ones, and one of our own that misbehaves as cameras do."""
