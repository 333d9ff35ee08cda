"""Log lines, spans and metrics of calls."""
