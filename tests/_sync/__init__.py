"""Tests of the client, written once: `_sync` is rendered from here by `codegen.py`."""
# Rendered by codegen.py from tests/_async/__init__.py. Do not edit: change that file and run `python codegen.py`.
