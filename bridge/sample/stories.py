"""Callers of known fate: a dozen situations in which an agent wants to know what to say, told by hand."""

from __future__ import annotations

from datetime import datetime, timedelta

from bridge.model import Channel, ContractStatus
from bridge.sample import names
from bridge.sample.records import Caller, Company
from bridge.sample.telling import Told


def tell(now: datetime) -> Told:
    """The stories as they stand at `now`."""
    told = Told(now=now)
    _first_three(told)
    _service(told)
    _contracts(told)
    _quiet(told)
    return told


def _first_three(told: Told) -> None:
    told.accounts.append(Company(id="F1", name="Albers Optik GmbH", segment="Gewerbe", owner="Jana Brandt"))
    albers = told.person(
        "Katrin Albers", "+493023125101", 7,
        "Beschwerde nach vier Tagen ohne Anschluss, Vertrag endet in 41 Tagen",
        "Complaint after four days without a line, contract ends in 41 days",
        account_id="F1", job_title="Geschäftsführerin", owner="Jana Brandt",
    )  # fmt: skip
    told.contract(albers, "Business 1000", "129.00", ends=41, after="189.00", discount=41)
    told.ticket(
        albers, 6, "complaint", "Vier Tage ohne Anschluss",
        "Vier Tage ohne Anschluss, und das mit einem Geschäft. So geht das nicht.", priority="high",
    )  # fmt: skip
    told.survey(albers, 3, 2, "Vier Tage ohne Anschluss und kein Rückruf.")
    krueger = told.person(
        "Thomas Krüger", "+494066969102", 4.4,
        "Der Preis des ersten Jahres endet in zwölf Tagen", "First-year price ends in twelve days",
    )  # fmt: skip
    told.contract(krueger, "Glasfaser 500", "39.90", ends=180, after="54.90", discount=12)
    yilmaz = told.person(
        "Aylin Yılmaz", "+492214710103", 10,
        "Seit Jahren da, alles in Ordnung; spricht Englisch", "With us for years, nothing wrong; speaks English",
        language="en",
    )  # fmt: skip
    told.contract(yilmaz, "DSL 100", "34.90", ends=300)


def _service(told: Told) -> None:
    petersen = told.person(
        "Jens Petersen", "+494066969104", 3,
        "Gestern zweimal aufgelegt, nach über zehn Minuten in der Warteschleife",
        "Hung up twice yesterday after more than ten minutes on hold",
    )  # fmt: skip
    told.contract(petersen, "Glasfaser 250", "44.90", ends=None)
    told.call(petersen, 1, 640, reached=False)
    told.call(petersen, 1, 810, reached=False)
    told.call(petersen, 9, 1100, reached=True)
    demir = told.person(
        "Ömer Demir", "+493023125105", 0.06,
        "Neu seit drei Wochen, und der Anschluss geht immer noch nicht",
        "New for three weeks, and the line still does not work",
    )  # fmt: skip
    told.contract(demir, "Glasfaser 1000", "49.90", ends=708, after="69.90", discount=343)
    told.ticket(
        demir, 14, "problem", "Anschluss noch nicht geschaltet",
        "Der Techniker war da, aber der neue Anschluss geht immer noch nicht.", priority="high",
    )  # fmt: skip
    gross = told.person(
        "Günter Groß", "+498999998106", 5,
        "Doppelt abgebucht; das Anliegen kam ungelöst zurück", "Charged twice; the issue came back unresolved",
    )  # fmt: skip
    told.contract(gross, "DSL 100", "39.90", ends=None)
    told.ticket(
        gross, 12, "problem", "Doppelt abgebucht",
        "Der Monatsbetrag wurde wieder zweimal abgebucht, obwohl das geklärt sein sollte.", reopened=1, score="bad",
    )  # fmt: skip


def _contracts(told: Told) -> None:
    nowak = told.person(
        "Agnieszka Nowak", "+496990009107", 2,
        "Hat ein Angebot eines anderen Anbieters", "Has an offer from another provider",
    )  # fmt: skip
    told.contract(nowak, "DSL 50", "34.90", ends=24)
    told.ticket(
        nowak, 2, "question", "Angebot eines anderen Anbieters",
        "Ein anderer Anbieter bietet mir Glasfaser für 29 Euro im Monat. Was machen Sie?",
    )  # fmt: skip
    sommer = told.person(
        "Mira Sommer", "+492214710108", 3, "Zieht um und fragt, ob der Anschluss mitkommt",
        "Is moving and asks whether the line can come along",
    )  # fmt: skip
    told.contract(sommer, "Glasfaser 250", "44.90", ends=210)
    told.ticket(
        sommer, 3, "question", "Umzug", "Ich ziehe zum Monatsende um. Kann ich meinen Anschluss mitnehmen?",
        settled=True,
    )  # fmt: skip
    seifert = told.person(
        "Tobias Seifert", "+498999998109", 2.1, "Hat gekündigt, der Vertrag läuft noch fünf Wochen",
        "Has given notice, the contract runs for five more weeks",
    )  # fmt: skip
    today = told.now.date()
    told.contract(
        seifert, "Glasfaser 500", "54.90", ends=35, status=ContractStatus.cancelled, notice_by=None,
        cancelled_at=today - timedelta(days=8), cancel_reason="Zu teuer",
    )  # fmt: skip
    obermaier = told.person(
        "Theresa Obermaier", "+498999998110", 6, "IT-Leiterin eines Großkunden, Vertrag endet in 75 Tagen",
        "Head of IT of a key account, contract ends in 75 days",
        account_id="F2", job_title="IT-Leiterin", owner="Oliver Seidel",
    )  # fmt: skip
    told.accounts.append(
        Company(id="F2", name="Isar Klinik gGmbH", segment="Großkunden", owner="Oliver Seidel", prestige=True)
    )
    told.contract(obermaier, "Standortvernetzung", "1890.00", ends=75)
    told.call(obermaier, 20, 30, reached=True, queue="service")


def _quiet(told: Told) -> None:
    boehm = told.person(
        "Renate Böhm", "+496990009111", 9, "Wird still: nutzt immer weniger; hört schwer, bitte schreiben",
        "Going quiet: uses less and less; hard of hearing, please write",
        communication_needs="Hört schwer, bitte schreiben statt anrufen", preferred_channel=Channel.letter,
    )  # fmt: skip
    told.contract(boehm, "Glasfaser 250", "44.90", ends=None)
    told.use(
        boehm,
        (31.0, 29.5, 33.1, 30.2, 32.4, 28.8, 30.9, 27.0, 24.6, 21.3, 14.0, 9.2, 4.1, 2.3),
        (True, True, False, False, False, False),
    )
    told.survey(boehm, 200, None)
    told.survey(boehm, 20, None)
    winkler = told.person(
        "Paul Winkler", "+493023125112", 8, "Empfiehlt uns weiter: 10 von 10", "Recommends us: 10 out of 10"
    )
    told.contract(winkler, "Glasfaser 500", "54.90", ends=400)
    told.survey(winkler, 15, 10, "Schnell, freundlich, ehrlich. Habe Sie schon zwei Nachbarn empfohlen.")
    told.accounts.append(Company(id="H1", name="Haushalt Lindner", segment="Privat"))
    for name, de, en in (
        ("Anna Lindner", "Ein Anschluss, zwei Menschen: wer von beiden ist es?", "One number, two people: which one?"),
        ("Stefan Lindner", "", ""),
    ):
        lindner = told.person(name, "+494066969113", 5, de, en, account_id="H1")
        if de:
            told.contract(lindner, "Glasfaser 250", "44.90", ends=150)
    told.told.append(
        Caller(
            phone=f"{names.RANGES[0]}199",
            about={"de": "Eine Nummer, die niemand kennt", "en": "A number nobody knows"},
            customer_id="",
        )
    )
