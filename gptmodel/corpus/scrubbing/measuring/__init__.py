"""How well scrubbing does: its test of itself on invented values, and a second scanner that shares nothing with it."""
