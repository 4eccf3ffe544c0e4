"""What customers write and say, by what moves them, in German and English."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from bridge.sample.records import Cause

Texts = Mapping[str, tuple[tuple[str, str], ...]]

CASES: Mapping[str, Texts] = {
    "outage": {
        "de": (
            ("Kein Internet", "Seit heute Morgen geht nichts mehr, weder Internet noch Telefon."),
            ("Totalausfall", "Der Anschluss ist tot. Wann ist die Störung behoben?"),
        ),
        "en": (("No internet", "Since this morning nothing works, neither internet nor phone."),),
    },
    "trouble": {
        "de": (
            ("Router startet neu", "Seit dem Update startet der Router mehrmals am Tag neu."),
            ("Langsames Internet am Abend", "Abends kommen nur 20 Mbit/s an, bezahlt habe ich viel mehr."),
            ("WLAN bricht ab", "Im Homeoffice bricht die Verbindung ständig ab."),
            ("Telefonie gestört", "Anrufe brechen nach zwei Minuten ab."),
        ),
        "en": (
            ("Wi-Fi keeps dropping", "The connection drops several times a day, I cannot work from home like this."),
            ("Slow in the evening", "In the evening I get a tenth of the speed I pay for."),
        ),
    },
    "onboarding": {
        "de": (
            ("Anschluss noch nicht geschaltet", "Der Techniker war da, aber der neue Anschluss geht immer noch nicht."),
            ("Einrichtung klappt nicht", "Ich bekomme den Router nicht eingerichtet, der Code wird nicht angenommen."),
        ),
        "en": (("New line does not work", "The technician was here, but my new line still does not work."),),
    },
    "billing": {
        "de": (
            ("Rechnung stimmt nicht", "Auf der Rechnung steht ein Betrag, den ich nicht nachvollziehen kann."),
            ("Doppelt abgebucht", "Der Monatsbetrag wurde zweimal abgebucht."),
        ),
        "en": (("Wrong bill", "There is an amount on my bill that I cannot explain."),),
    },
    "question": {
        "de": (
            ("Rechnung als PDF", "Wo finde ich meine Rechnung als PDF?"),
            ("Neue Bankverbindung", "Ich habe eine neue Bankverbindung. Was muss ich tun?"),
            ("Rufnummer übernehmen", "Kann ich meine alte Rufnummer behalten?"),
            ("WLAN-Verstärker", "Welcher WLAN-Verstärker passt zu meinem Router?"),
        ),
        "en": (("Bill as PDF", "Where do I find my bill as a PDF?"),),
    },
    "terms": {
        "de": (
            ("Vertragslaufzeit", "Wie lange läuft mein Vertrag noch, und welche Kündigungsfrist gilt?"),
            ("Frage zum Vertrag", "Wann endet mein Vertrag?"),
        ),
        "en": (("Contract term", "When does my contract end, and what is the notice period?"),),
    },
    "price": {
        "de": (
            ("Neuer Preis", "Warum soll ich plötzlich mehr zahlen? Das ist mir zu teuer."),
            ("Preiserhöhung", "Zu Ihrem Schreiben: Die Preiserhöhung kann ich nicht nachvollziehen."),
        ),
        "en": (("New price", "Why should I suddenly pay more? This is too expensive for me."),),
    },
    "rival": {
        "de": (
            (
                "Angebot eines anderen Anbieters",
                "Ein anderer Anbieter bietet mir Glasfaser für 29 Euro. Was machen Sie?",
            ),
            ("Glasfaser von der Konkurrenz", "Die Konkurrenz baut bei uns Glasfaser aus und ist günstiger."),
        ),
        "en": (("Offer from another provider", "Another provider offers me fibre for 29 euros. What can you do?"),),
    },
    "moving": {
        "de": (
            ("Umzug", "Ich ziehe zum Monatsende um. Kann ich meinen Anschluss mitnehmen?"),
            ("Neue Adresse", "Wir ziehen um. Gibt es Sie an der neuen Adresse auch?"),
        ),
        "en": (("Moving house", "I am moving at the end of the month. Can I take my line with me?"),),
    },
    "complaint": {
        "de": (
            (
                "Beschwerde",
                "Zum dritten Mal dieselbe Störung, und jedes Mal erzähle ich alles von vorn. So geht das nicht.",
            ),
            ("Techniker kam nicht", "Zum zweiten Mal Urlaub genommen, und wieder kam niemand."),
            ("Seit Wochen keine Lösung", "Ich werde von einem zum anderen verbunden, und nichts passiert."),
        ),
        "en": (
            ("Complaint", "The same fault for the third time, and each time I have to tell the story from the start."),
        ),
    },
    "cancellation": {
        "de": (
            ("Kündigung", "Hiermit kündige ich meinen Vertrag zum nächstmöglichen Zeitpunkt. Bitte bestätigen Sie."),
            ("Kündigung meines Anschlusses", "Ich möchte meinen Vertrag kündigen."),
        ),
        "en": (("Cancellation", "I want to cancel my contract at the earliest date. Please confirm."),),
    },
}
"""What is the matter → language → subject and text."""

COMMENTS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "good": {
        "de": (
            "Läuft seit Jahren ohne Probleme.",
            "Sehr freundliche Beratung, danke!",
            "Schnelles Netz, fairer Preis.",
        ),
        "en": ("Works without any trouble.", "Very friendly, thank you!"),
    },
    "middling": {
        "de": ("Ganz in Ordnung.", "Das Netz ist gut, die Hotline weniger.", "Etwas teuer geworden."),
        "en": ("Fine so far.", "Good network, but the hotline could be quicker."),
    },
    "bad": {
        "de": (
            "Ständig Ausfälle, und niemand kümmert sich.",
            "Eine halbe Stunde Warteschleife ist eine Zumutung.",
            "Niemand ruft zurück. Ich bin wirklich enttäuscht.",
        ),
        "en": ("Constant outages, and nobody cares.", "Half an hour on hold is unacceptable."),
    },
}

REASONS: Mapping[Cause, str] = {
    Cause.service: "Schlechter Service",
    Cause.price: "Zu teuer",
    Cause.competitor: "Besseres Angebot eines anderen Anbieters",
    Cause.moving: "Umzug",
    Cause.onboarding: "Anschluss hat nie funktioniert",
    Cause.drift: "Brauche es nicht mehr",
    Cause.death: "Verstorben",
}
"""As the person leaving, or the clerk who files it, puts it."""

BEFORE = ("Zu langsam", "Schlechter Kundendienst", "Preiserhöhung", "Kein Glasfaserausbau", "Lange Wartezeiten")
"""What drove people from the provider they had before."""


def case(random: Random, topic: str, language: str) -> tuple[str, str]:
    """Subject and text of a ticket."""
    return random.choice(CASES[topic].get(language) or CASES[topic]["de"])


def comment(random: Random, mood: str, language: str) -> str:
    """A remark beside a score."""
    return random.choice(COMMENTS[mood].get(language) or COMMENTS[mood]["de"])
