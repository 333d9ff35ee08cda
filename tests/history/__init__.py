"""What must hold of the simulated tenant's history, at any time, for any seed and size."""
