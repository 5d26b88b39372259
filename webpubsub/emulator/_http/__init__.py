"""Where HTTP requests come in: what they say, whether it is allowed, and the REST operations. No sockets.

Stands on `_hub`. Only `admission` looks into `_clients`, to pick the protocol that a client is spoken to in.
"""
