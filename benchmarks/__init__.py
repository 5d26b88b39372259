"""What the client costs, next to the official SDK and to bare HTTP clients that do the same by hand.

`python -m benchmarks` measures everything and writes `RESULTS.md`. Nothing here is part of the package `webpubsub`.
"""
