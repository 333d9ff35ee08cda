"""HTTP to the service."""
