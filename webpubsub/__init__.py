"""A typed client for the Azure Web PubSub service."""
