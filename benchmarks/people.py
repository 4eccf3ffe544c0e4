"""Made-up customers in any number, as a German office would export them. Number i is the same person every time."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

FIRST_PHONE = 4_930_100_000_000 // 10_000
_WOMEN = "Katrin Sabine Aylin Monika Julia Petra Fatma Anna Lena Birgit Claudia Elif Svenja Ute Marta Nadine".split()
_MEN = "Jens Mehmet Thomas Stefan Uwe Paul Jan Andreas Emre Klaus Lukas Tobias Piotr Dirk Felix Norbert Ali".split()
_NAMES = (
    "Albers Yilmaz Krüger Weiß Schröder Demir Hoffmann Petersen Nowak Böhm Lindner Öztürk Jansen Fuchs Vogt Pohl Schäfer "
    "Kaya Busch Wendt Lorenz Thiel Sommer Brandt Möller Groß Kraft Ebert Seidel"
).split()
_STREETS = "Hauptstraße Gartenweg Schillerplatz Am Markt Lindenallee Bahnhofstraße".split()
_TARIFFS = (("Glasfaser 250", "29,90 €", "44,90 €"), ("Glasfaser 500", "39,90 €", "54,90 €"), ("DSL 100", "24,90 €", ""))
_HABITS = ("030/{0}", "030 {0}", "+49 30 {0}", "0049 30 {0}", "(030) {0}", "+4930{0}")
"""Phone numbers as people type them."""

_CUSTOMERS = "Kundennummer;Anrede;Vorname;Nachname;Straße;PLZ;Ort;E-Mail;Telefon;Sprache;Newsletter;Kunde seit"
_CONTRACTS = (
    "Vertragsnummer;Kundennummer;Produkt;Status;Vertragsbeginn;Vertragsende;Monatsbetrag;Rabatt bis;Betrag nach Rabatt"
)
