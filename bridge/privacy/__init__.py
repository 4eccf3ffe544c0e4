"""A person's rights: everything that is held about them, in one file; and its erasure, with a receipt."""

from bridge.privacy.erasure import erase
from bridge.privacy.export import export
from bridge.privacy.lasting import reinstate, sweep

__all__ = ["erase", "export", "reinstate", "sweep"]
