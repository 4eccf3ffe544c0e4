"""The contract that every adapter keeps: plain pytest functions, run for each folder in `adapters/`.

A clause has a name; what it calls for is a capability of the manifest. A clause that does not apply is skipped, and the
skip says why: the capability is not declared, or the manifest exempts it with a reason.
"""
