"""What the bridge does of its own accord: automations, and the outbox that every action at a vendor goes through."""
