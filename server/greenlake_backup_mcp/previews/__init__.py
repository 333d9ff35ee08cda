"""What a gated call would do, in sentences."""
