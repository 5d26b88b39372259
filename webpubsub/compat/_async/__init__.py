"""The asynchronous drop-in client; `_sync` is rendered from this folder."""
