"""The backup catalog: the whole tenant in SQLite, with when each part of it was read."""
