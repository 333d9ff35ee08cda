"""What an administrator decides by, per resource."""
