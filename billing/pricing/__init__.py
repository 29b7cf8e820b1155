"""Own what a call costs: the rate card as data, as YAML, and as a fast look-up.

Everything here is pure. Nothing imports Django, reads a clock, opens a file or makes
up an id, so the same event on the same card always costs the same.
"""
