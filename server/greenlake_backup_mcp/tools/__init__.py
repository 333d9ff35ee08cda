"""Each operation of the service as a typed tool."""
