"""Chatwoot: one entry, a name and an address.

https://developers.chatwoot.com/api-reference/dashboard-apps
"""

from __future__ import annotations

from bridge.hosts.files import Files, Plan, as_json, readmes, sign_in


def make(plan: Plan) -> Files:
    """The files for Chatwoot."""
    page = f"{plan.url}/embed/chatwoot"
    entry = {"title": "Retention Bridge", "content": [{"type": "frame", "url": page}]}
    return {"dashboard-app.json": as_json(entry), **sign_in(plan), **readmes("chatwoot", plan, page=page)}
