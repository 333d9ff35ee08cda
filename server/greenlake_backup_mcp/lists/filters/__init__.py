"""The expressions of filter and where."""
