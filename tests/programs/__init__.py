"""Programs as people write them for the official SDK.

`tests/test_migration.py` runs each as it stands and with our import lines. `main` takes a connection string and a hub,
and returns what the program has to show for itself.
"""
