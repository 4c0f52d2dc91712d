"""What Prometheus scrapes: this process's requests, its pools, and the state of each workspace."""
