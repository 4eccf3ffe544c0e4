"""What the bridge does of its own accord at other systems: automations, and the outbox that every action goes through."""
