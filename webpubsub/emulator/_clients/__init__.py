"""Where the frames of WebSocket clients come in: codecs, and the sessions that say what frames cause. No sockets.

Stands on `_hub` and on neither of the other wings.
"""
