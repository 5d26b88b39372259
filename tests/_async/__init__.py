"""Tests of the client, written once: `_sync` is rendered from here by `codegen.py`."""
