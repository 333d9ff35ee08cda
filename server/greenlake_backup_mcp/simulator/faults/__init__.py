"""Faults and readings of the service, by switch."""
