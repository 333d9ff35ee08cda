"""What there is in the simulated tenant at its start."""
