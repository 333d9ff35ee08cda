"""A collection read page by page, and aggregated."""
