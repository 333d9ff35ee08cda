"""The OpenAPI descriptions, and how they are read."""
