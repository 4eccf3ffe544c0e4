"""Which script, which offer, what it may cost, and where the call goes."""

from bridge.playbook.choice import Suggestion, applicable, fill, suggest
from bridge.playbook.incidents import Incidents, load_incidents
from bridge.playbook.routing import Routing, RoutingRules, load_routing, route
from bridge.playbook.saying import say_script, say_terms
from bridge.playbook.scripts import Playbook, Playbooks, load_playbooks
from bridge.playbook.situation import Situation

__all__ = [
    "Incidents",
    "Playbook",
    "Playbooks",
    "Routing",
    "RoutingRules",
    "Situation",
    "Suggestion",
    "applicable",
    "fill",
    "load_incidents",
    "load_playbooks",
    "load_routing",
    "route",
    "say_script",
    "say_terms",
    "suggest",
]
