"""Every name that automations may use, in German and English, as the builder says it."""

from __future__ import annotations

import re
from typing import Final

Said = dict[str, str]


def _two(pairs: dict[str, tuple[str, str]]) -> dict[str, Said]:
    return {name: {"de": german, "en": english} for name, (german, english) in pairs.items()}


FACTS: Final = _two(
    {
        "survey.answered": ("Umfrage beantwortet", "Survey answered"),
        "review.published": ("Bewertung veröffentlicht", "Review published"),
        "ticket.opened": ("Ticket eröffnet", "Ticket opened"),
        "ticket.reopened": ("Ticket wieder geöffnet", "Ticket reopened"),
        "ticket.resolved": ("Ticket gelöst", "Ticket resolved"),
        "interaction.ended": ("Gespräch beendet", "Conversation ended"),
        "interaction.abandoned": ("In der Warteschleife aufgelegt", "Hung up while waiting"),
        "contract.cancelled": ("Vertrag gekündigt", "Contract cancelled"),
        "contract.ending": ("Vertrag endet bald", "Contract is ending"),
        "discount.ending": ("Rabatt endet bald", "Discount is ending"),
        "onboarding.day": ("Tag nach dem Start", "Day after the start"),
        "customer.inactive": ("Lange kein Lebenszeichen", "No sign of life for a long time"),
        "customer.responded": ("Link in einer Nachricht benutzt", "Link in a message used"),
        "schedule.due": ("Nach Kalender", "By the calendar"),
        "risk.rose": ("Risiko gestiegen", "Risk rose"),
        "value.changed": ("Kundenwert geändert", "Customer value changed"),
        "usage.fell": ("Nutzung gesunken", "Usage fell"),
        "loop.overdue": ("Schleife überfällig", "Loop overdue"),
        "loop.closed": ("Schleife geschlossen", "Loop closed"),
        "survey.drawn": ("Für eine Umfrage gezogen", "Drawn for a survey"),
        "incident.declared": ("Störung gemeldet", "Incident declared"),
    }
)
COUNTS: Final = _two(
    {
        "contract.ending": ("Tage vor dem Ende", "days before the end"),
        "discount.ending": ("Tage vor dem Ende", "days before the end"),
        "customer.inactive": ("Tage ohne Lebenszeichen", "days without a sign of life"),
        "onboarding.day": ("Tage nach dem Start", "days after the start"),
    }
)
FACT_FIELDS: Final = _two(
    {
        "fact.metric": ("Art der Umfrage", "Kind of survey"),
        "fact.score": ("Bewertung", "Score"),
        "fact.scale": ("Höchstmögliche Bewertung", "Highest possible score"),
        "fact.type": ("Art des Tickets", "Kind of ticket"),
        "fact.priority": ("Dringlichkeit", "Priority"),
        "fact.channel": ("Kanal", "Channel"),
        "fact.wait": ("Wartezeit in Sekunden", "Seconds of waiting"),
        "fact.product": ("Produkt", "Product"),
        "fact.date": ("Datum", "Date"),
        "fact.days": ("Anzahl Tage", "Number of days"),
        "fact.day": ("Tag mit uns", "Day with us"),
        "fact.was": ("Vorher", "Before"),
        "fact.now": ("Jetzt", "Now"),
        "fact.clock": ("Versäumte Frist", "Missed deadline"),
        "fact.escalation": ("Wie oft gemahnt", "Times escalated"),
        "fact.incident": ("Störung", "Incident"),
        "fact.answer": ("Benutzter Link", "Link used"),
        "fact.offer": ("Angebot", "Offer"),
        "fact.automation": ("Automation", "Automation"),
        "fact.survey": ("Umfrage", "Survey"),
        "fact.matter": ("Anlass der Schleife", "Matter of the loop"),
        "fact.cause": ("Ursache", "Cause"),
        "fact.done": ("Es wurde etwas getan", "Something was done"),
        "fact.lesson_de": ("Was daraus folgte (deutsch)", "What came of it (German)"),
        "fact.lesson_en": ("Was daraus folgte (englisch)", "What came of it (English)"),
    }
)
FIELDS: Final = _two(
    {
        "risk.band": ("Risiko", "Risk"),
        "risk.score": ("Risiko in Prozent", "Risk in per cent"),
        "value.tier": ("Kundenwert", "Customer value"),
        "value.expected": ("Erwarteter Ertrag", "Expected margin"),
        "signal": ("Signal", "Signal"),
        "customer.known": ("Kunde ist bekannt", "Customer is known"),
        "customer.language": ("Sprache", "Language"),
        "customer.region": ("Region", "Region"),
        "customer.tags": ("Schlagwörter", "Tags"),
        "customer.owner": ("Betreuung", "Account manager"),
        "customer.job_title": ("Position", "Job title"),
        "customer.preferred_channel": ("Bevorzugter Kanal", "Preferred channel"),
        "customer.objects_to_profiling": ("Hat dem Profiling widersprochen", "Objects to profiling"),
        "customer.deceased": ("Verstorben", "Deceased"),
        "customer.communication_needs": ("Besonderer Kommunikationsbedarf", "Communication needs"),
        "account.segments": ("Segmente der Firma", "Segments of the company"),
        "account.prestige": ("Namhafte Firma", "Well-known company"),
        "contract.products": ("Laufende Verträge über", "Running contracts for"),
        "contract.count": ("Zahl laufender Verträge", "Number of running contracts"),
        "ticket.open": ("Zahl offener Tickets", "Number of open tickets"),
        "since.days": ("Tage seit dem Ereignis", "Days since the event"),
        "since.talked": ("Hat seitdem mit uns gesprochen", "Has talked to us since"),
        "since.resolved": ("Seitdem gelöste Tickets", "Tickets resolved since"),
        "since.bought": ("Hat seitdem gekauft", "Has bought since"),
        "since.answered": ("Hat seitdem eine Umfrage beantwortet", "Has answered a survey since"),
        "since.loop_closed": ("Schleife seitdem geschlossen", "Loop closed since"),
        "since.responded": ("Hat seitdem einen Link benutzt", "Has used a link since"),
    }
)
VALUES: Final = _two(
    {
        "nps": ("NPS", "NPS"),
        "csat": ("Zufriedenheit (CSAT)", "Satisfaction (CSAT)"),
        "ces": ("Aufwand (CES)", "Effort (CES)"),
        "exit": ("Abschied", "Exit"),
        "review": ("Öffentliche Bewertung", "Review"),
        "unknown": ("unbekannt", "unknown"),
        "question": ("Frage", "Question"),
        "problem": ("Problem", "Problem"),
        "complaint": ("Beschwerde", "Complaint"),
        "cancellation": ("Kündigung", "Cancellation"),
        "urgent": ("sehr hoch", "urgent"),
        "high": ("hoch", "high"),
        "normal": ("normal", "normal"),
        "low": ("niedrig", "low"),
        "medium": ("mittel", "medium"),
        "critical": ("kritisch", "critical"),
        "voice": ("Telefon", "Telephone"),
        "email": ("E-Mail", "E-mail"),
        "sms": ("SMS", "Text message"),
        "chat": ("Chat", "Chat"),
        "letter": ("Brief", "Letter"),
        "bronze": ("Bronze", "Bronze"),
        "silver": ("Silber", "Silver"),
        "gold": ("Gold", "Gold"),
        "platinum": ("Platin", "Platinum"),
        "reply": ("Antwort", "Reply"),
        "resolution": ("Lösung", "Resolution"),
        "renew": ("Verlängern", "Renew"),
        "accept": ("Annehmen", "Accept"),
        "unsubscribe": ("Abmelden", "Unsubscribe"),
    }
)
SIGNALS: Final = _two(
    {
        "cancellation_intent": ("Will kündigen", "Wants to cancel"),
        "complaint": ("Beschwerde", "Complaint"),
        "competitor": ("Nennt einen Mitbewerber", "Names a competitor"),
        "contract_terms": ("Fragt nach Kündigungsfristen", "Asks about contract terms"),
        "moving": ("Zieht um", "Is moving"),
        "price_asked": ("Fragt nach dem Preis", "Asks about the price"),
        "billing_trouble": ("Ärger mit der Rechnung", "Trouble with the bill"),
        "ticket_reopened": ("Ticket wieder geöffnet", "Ticket reopened"),
        "ticket_waiting": ("Ticket liegt lange", "Ticket has been waiting"),
        "many_tickets": ("Viele Tickets", "Many tickets"),
        "long_waits": ("Lange gewartet", "Long waits"),
        "calls_abandoned": ("Aufgelegt", "Hung up"),
        "contract_cancelled": ("Vertrag gekündigt", "Contract cancelled"),
        "contract_ending": ("Vertrag endet", "Contract ends"),
        "discount_ending": ("Rabatt endet", "Discount ends"),
        "contract_bound": ("Noch lange gebunden", "Bound for long"),
        "left": ("Ist gegangen", "Has left"),
        "detractor": ("Unzufrieden in der Umfrage", "Unhappy in the survey"),
        "bad_review": ("Schlechte öffentliche Bewertung", "Bad review"),
        "promoter": ("Begeistert in der Umfrage", "Promoter in the survey"),
        "usage_falling": ("Nutzung sinkt", "Usage is falling"),
        "silence": ("Ungewohnt still", "Unusually silent"),
        "purchases_falling": ("Kauft weniger", "Buys less"),
        "on_and_off": ("Kommt und geht", "Comes and goes"),
        "no_exchange": ("Lange kein Austausch", "No exchange for a long time"),
        "only_mailings": ("Bekommt nur Werbung", "Gets mailings only"),
        "surveys_unanswered": ("Antwortet auf Umfragen nicht", "Leaves surveys unanswered"),
        "emails_unopened": ("Öffnet E-Mails nicht", "Leaves e-mails unopened"),
        "onboarding_trouble": ("Schwieriger Start", "Trouble at the start"),
        "onboarding": ("Gerade gestartet", "Has just started"),
        "long_tenure": ("Seit vielen Jahren Kunde", "Customer for many years"),
        "prestige": ("Namhafte Firma", "Well-known company"),
        "seniority": ("Hohe Position", "Senior position"),
    }
)
BANDS: Final = _two(
    {
        "open": ("noch offen", "still open"),
        "running": ("läuft noch", "still running"),
        "much_lower": ("deutlich", "a lot"),
        "lower": ("etwas", "a little"),
        "yes": ("ja", "yes"),
        "executive": ("Geschäftsleitung", "executive"),
        "manager": ("Führungskraft", "manager"),
    }
)
_BAND: Final = re.compile(r"([dxy])(\d+)")
_BANDS: Final = {
    "d": ("bis {} Tage", "up to {} days"),
    "x": ("ab {}-mal", "{} times and more"),
    "y": ("ab {} Jahren", "{} years and more"),
}
OPERATORS: Final = _two(
    {
        "is": ("ist", "is"),
        "one_of": ("ist eines von", "is one of"),
        "not_in": ("ist keines von", "is none of"),
        "at_least": ("ist mindestens", "is at least"),
        "at_most": ("ist höchstens", "is at most"),
        "more_than": ("ist mehr als", "is more than"),
        "less_than": ("ist weniger als", "is less than"),
        "contains": ("enthält", "contains"),
        "exists": ("ist bekannt", "is known"),
    }
)
STEPS: Final = _two(
    {
        "send_email": ("E-Mail", "E-mail"),
        "send_sms": ("SMS", "Text message"),
        "schedule_callback": ("Rückruf einplanen", "Schedule a call back"),
        "invite_survey": ("Zu einer Umfrage einladen", "Invite to a survey"),
        "offer": ("Angebot machen", "Make an offer"),
        "create_ticket": ("Ticket anlegen", "Create a ticket"),
        "create_task": ("Aufgabe anlegen", "Create a task"),
        "add_note": ("Notiz hinterlassen", "Leave a note"),
        "notify": ("Betreuung informieren", "Tell the account manager"),
        "webhook": ("An ein anderes System melden", "Tell another system"),
        "wait": ("Warten", "Wait"),
        "stop_if": ("Aufhören, falls", "Stop if"),
    }
)
PARAMETERS: Final = _two(
    {
        "message": ("Nachricht", "Message"),
        "text": ("Text", "Text"),
        "subject": ("Betreff", "Subject"),
        "reason": ("Hinweis für den Anruf", "What to call about"),
        "through": ("Über", "Through"),
        "apology": ("Das ist eine Entschuldigung", "This is an apology"),
        "preferred_only": ("Nur wer diesen Kanal bevorzugt", "Only who prefers this channel"),
        "after": ("Frühestens nach", "Not before"),
        "queue": ("Warteschlange", "Queue"),
        "survey": ("Umfrage", "Survey"),
        "by": ("Einladen per", "Invite by"),
        "id": ("Angebot", "Offer"),
        "amount": ("Betrag", "Amount"),
        "priority": ("Dringlichkeit", "Priority"),
        "due": ("Fällig in Tagen", "Due in days"),
        "owner": ("Zuständig", "Owner"),
    }
)
REASONS: Final = _two(
    {
        "deceased": ("verstorben", "deceased"),
        "objects_to_profiling": ("hat dem Profiling widersprochen", "objects to profiling"),
        "opted_out": ("hat sich abgemeldet", "has unsubscribed"),
        "consent_denied": ("keine Einwilligung: abgelehnt", "no consent: denied"),
        "consent_missing": ("keine Einwilligung", "no consent"),
        "consent_not_proved": ("Einwilligung nicht belegt", "consent not proved"),
        "other_channel_preferred": ("bevorzugt einen anderen Kanal", "prefers another channel"),
        "ticket_open": ("ein anderes Ticket ist offen", "another ticket is open"),
        "apologised_already": ("Entschuldigung gab es schon", "was apologised to already"),
        "at_most": ("von dieser Automation schon angeschrieben", "had this automation's message already"),
        "frequency": ("schon angeschrieben (anderer Anlass)", "written to already (another matter)"),
        "quiet_hours": ("Ruhezeit", "quiet hours"),
        "no_address": ("keine Adresse oder Nummer bekannt", "no address or number known"),
        "no_source": ("keine Quelle kann das", "no source can do it"),
        "no_unsubscribe": ("kein Abmeldelink", "no link to unsubscribe"),
        "already_sent": ("diese Nachricht gab es schon", "had this very message already"),
        "budget_spent": ("Budget verbraucht", "budget spent"),
        "offer_running": ("hat schon ein Angebot", "has an offer already"),
        "gave_up_waiting": ("kein passender Zeitpunkt", "no good moment came"),
        "not_rolled_out": ("noch nicht dabei (Anteil)", "not rolled out to yet"),
        "too_old": ("zu lange her", "too long ago"),
        "condition": ("Bedingung traf nicht zu", "condition did not hold"),
        "stop_if": ("hat sich erledigt", "was settled"),
        "switched_off": ("inzwischen ausgeschaltet", "switched off meanwhile"),
        "customer_gone": ("Kunde nicht mehr da", "customer is gone"),
        "own_ticket": ("das Ticket ist von uns selbst", "the ticket is our own"),
        "paused": ("alles war angehalten", "everything was paused"),
    }
)
STATES: Final = _two(
    {
        "waiting": ("läuft", "under way"),
        "done": ("erledigt", "done"),
        "stopped": ("beendet", "stopped"),
        "refused": ("nichts getan", "nothing done"),
        "held_out": ("Vergleichsgruppe", "held out"),
        "dry": ("nur geprobt", "dry run"),
        "enqueued": ("übergeben", "handed over"),
        "would": ("wäre getan worden", "would have been done"),
        "postponed": ("verschoben", "postponed"),
        "waits": ("wartet", "waits"),
        "due": ("wird gleich gesendet", "about to be sent"),
        "sending": ("wird gesendet", "being sent"),
        "sent": ("gesendet", "sent"),
        "dead": ("nicht zustellbar", "could not be sent"),
        "uncertain": ("ungewiss, ob es ankam", "nobody knows whether it arrived"),
        "cancelled": ("zurückgenommen", "taken back"),
    }
)
WORDS: Final = _two(
    {
        "customer": ("Anrede mit Namen", "Name and title"),
        "owner": ("Name der Betreuung", "Name of the account manager"),
        "product": ("Produkt des Vertrags", "Product of the contract"),
        "since_year": ("Kunde seit (Jahr)", "Customer since (year)"),
        "renew_link": ("Link zum Verlängern", "Link to renew"),
        "accept_link": ("Link zum Annehmen", "Link to accept"),
        "unsubscribe_link": ("Abmeldelink", "Link to unsubscribe"),
        "survey_link": ("Link zur Umfrage", "Link to the survey"),
        "offer": ("Angebot", "Offer"),
        "offer_amount": ("Betrag des Angebots", "Amount of the offer"),
    }
)


def of_band(band: str) -> Said:
    """How a band of a signal is said."""
    found = _BAND.fullmatch(band)
    if found is None:
        return BANDS[band]
    german, english = _BANDS[found[1]]
    return {"de": german.format(found[2]), "en": english.format(found[2])}
