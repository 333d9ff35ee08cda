"""What a gated call would do to its real target, in sentences."""
