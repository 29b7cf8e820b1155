"""A running example on real traffic: what `make demo` shows."""
