"""Any page of yours: the card in a frame, or as an element of the page itself."""

from __future__ import annotations

from bridge.hosts.files import Files, Plan, readmes, render, sign_in


def make(plan: Plan) -> Files:
    """The files for a page of one's own."""
    return {
        "frame.html": render("iframe/frame.html.jinja", plan, origin=plan.origin),
        "element.html": render("iframe/element.html.jinja", plan),
        **sign_in(plan),
        **readmes("iframe", plan, origin=plan.origin),
    }
