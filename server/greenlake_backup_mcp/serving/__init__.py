"""One URL for many callers: streamable HTTP behind doors, logins, metrics."""
