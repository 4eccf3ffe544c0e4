"""What employees read when a customer renewed or accepted by a link: `config/outreach.yaml` says in which language."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, Literal, Protocol

from bridge.model import Money
from bridge.scoring.view import View
from bridge.scoring.wording import plain, say


class Told(Protocol):
    """What there is to tell of the matter."""

    @property
    def product(self) -> str: ...
    @property
    def ends(self) -> date | None: ...
    @property
    def monthly(self) -> Money | None: ...
    @property
    def offer(self) -> str: ...
    @property
    def amount(self) -> Money | None: ...


_WORDS: Final = {
    "de": {
        "renew": "{name} möchte verlängern",
        "renew_what": "{name} möchte verlängern: {product}",
        "accept": "{name} nimmt das Angebot an: {offer}",
        "by_link": "Mit dem Link in unserer Nachricht bestätigt am {day} um {time} Uhr.",
        "contract": "Vertrag {reference}",
        "contract_what": "Vertrag {reference}: {product}",
        "ends": "Läuft bis {ends}",
        "monthly": "Bisher {monthly} im Monat",
        "amount": "Angebot: {offer}, {amount}",
        "offer": "Angebot: {offer}",
        "do_renew": "Bitte die Verlängerung eintragen und dem Kunden bestätigen. Auf der Seite steht, dass sie erst "
        "mit unserer Bestätigung gilt.",
        "do_accept": "Zugesagt ist es schon und im Verlauf vermerkt. Bitte ausführen und dem Kunden bestätigen.",
        "somebody": "Ein Kunde",
    },
    "en": {
        "renew": "{name} would like to renew",
        "renew_what": "{name} would like to renew: {product}",
        "accept": "{name} accepts the offer: {offer}",
        "by_link": "Confirmed by the link in our message on {day} at {time}.",
        "contract": "Contract {reference}",
        "contract_what": "Contract {reference}: {product}",
        "ends": "Runs until {ends}",
        "monthly": "So far {monthly} a month",
        "amount": "Offer: {offer}, {amount}",
        "offer": "Offer: {offer}",
        "do_renew": "Please enter the renewal and confirm it to the customer. The page says that it takes effect "
        "with our confirmation.",
        "do_accept": "It is granted already and on record. Please carry it out and confirm it to the customer.",
        "somebody": "A customer",
    },
}


def write_errand(
    what: Literal["renew", "accept"], terms: Told, view: View, language: str, *, reference: str, now: datetime
) -> tuple[str, str]:
    """Subject and text; `now` at the company's place."""
    words = _WORDS[language]
    said = {
        "name": plain(view.customer.name or "") or words["somebody"],
        "product": plain(terms.product),
        "offer": terms.offer,
        "reference": plain(reference),
        "day": say(now.date(), language),
        "time": f"{now:%H:%M}",
        "ends": say(terms.ends, language) if terms.ends else "",
        "monthly": say(terms.monthly, language) if terms.monthly else "",
        "amount": say(terms.amount, language) if terms.amount else "",
    }
    if what == "renew":
        what_is_it = "_what" if said["product"] else ""
        subject = f"renew{what_is_it}"
        lines = ["by_link", f"contract{what_is_it}", *(name for name in ("ends", "monthly") if said[name]), "do_renew"]
    else:
        subject, lines = "accept", ["by_link", "amount" if said["amount"] else "offer", "do_accept"]
    return words[subject].format(**said), "\n".join(words[name].format(**said) for name in lines)
