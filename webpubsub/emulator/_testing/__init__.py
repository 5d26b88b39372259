"""For people who test: looking inside, clients that need no WebSocket library, faults."""
