"""Text for people and models: units, sanitizing, masking."""
