"""Nothing is destroyed without consent to exactly that: previews, codes, the person asked, the record."""
