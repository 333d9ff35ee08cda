"""Who an incoming HTTP request is from."""
