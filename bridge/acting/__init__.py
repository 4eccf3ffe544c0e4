"""What is done of its own accord: automations, loops and surveys at work, and held against the past."""
