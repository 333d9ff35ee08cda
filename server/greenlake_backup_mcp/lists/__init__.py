"""Lists that answer about a whole collection: what is asked, read, folded, told; and what matters of each resource."""
