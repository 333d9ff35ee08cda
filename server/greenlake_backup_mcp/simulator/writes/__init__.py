"""What each write does to the simulated tenant."""
