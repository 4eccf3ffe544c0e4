"""Which script, which offer, what it may cost, and where the call goes."""

from bridge.playbook.choice import Suggestion, applicable, fill, suggest
from bridge.playbook.choosing import Chosen, choose
from bridge.playbook.experiment import Choice, ChoiceRules, Policy, load_choice
from bridge.playbook.incidents import Incidents, load_incidents
from bridge.playbook.routing import Routing, RoutingRules, load_routing, route
from bridge.playbook.saying import say_script, say_terms
from bridge.playbook.scripts import Playbook, Playbooks, load_playbooks
from bridge.playbook.situation import Situation

__all__ = [
    "Choice",
    "ChoiceRules",
    "Chosen",
    "Incidents",
    "Playbook",
    "Playbooks",
    "Policy",
    "Routing",
    "RoutingRules",
    "Situation",
    "Suggestion",
    "applicable",
    "choose",
    "fill",
    "load_choice",
    "load_incidents",
    "load_playbooks",
    "load_routing",
    "route",
    "say_script",
    "say_terms",
    "suggest",
]
