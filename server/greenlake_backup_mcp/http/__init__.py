"""The HTTP transport: one URL for many callers."""
