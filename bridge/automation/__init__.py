"""What the bridge does of its own accord at other systems; so far the outbox that every such action goes through."""
