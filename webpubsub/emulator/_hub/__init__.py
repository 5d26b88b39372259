"""The ground that the wings stand on: hubs, connections, groups, permissions, messages, names and filters. No I/O."""
