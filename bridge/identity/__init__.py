"""Whose record it is: exact keys, reversible merges, shared keys never guessed."""
