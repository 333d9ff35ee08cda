"""What has happened in the simulated tenant, and goes on happening: runs, their recovery points, what stores hold."""
