"""One call of a tool, from arguments to result."""
