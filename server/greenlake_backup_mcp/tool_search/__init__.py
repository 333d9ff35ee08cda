"""Three tools that find and call the others."""
