"""What lies under the clients: addresses, connections, and what their failures mean."""
