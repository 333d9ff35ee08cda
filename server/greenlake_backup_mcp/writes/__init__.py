"""What became of a write."""
