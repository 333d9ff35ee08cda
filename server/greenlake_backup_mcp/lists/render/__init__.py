"""Lists and details as text."""
