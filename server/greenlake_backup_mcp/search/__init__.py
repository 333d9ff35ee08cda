"""Three tools that find and call all the others."""
