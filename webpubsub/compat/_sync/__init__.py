"""The asynchronous drop-in client; `_sync` is rendered from this folder."""
# Rendered by codegen.py from webpubsub/compat/_async/__init__.py. Do not edit: change that file and run `python codegen.py`.
