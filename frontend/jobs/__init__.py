"""The screen of scheduled work and jobs: when it runs, how it went, what failed."""
