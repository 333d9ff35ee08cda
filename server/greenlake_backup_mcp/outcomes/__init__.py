"""What became of a write: its task followed, its resource read again."""
