"""Retention Bridge: who is calling, how likely they are to leave, what they are worth, what to say."""

__version__ = "0.1.0"
