"""Names, numbers and addresses of people who do not exist.

Telephone numbers are from the ranges that the Bundesnetzagentur keeps free for films and books, mail domains those of
RFC 2606, so that none of them can belong to anybody.
"""

from __future__ import annotations

from functools import cache
from random import Random

WOMEN = (
    "Katrin Sabine Aylin Monika Julia Petra Fatma Anna Lena Birgit Claudia Elif Svenja Ute Marta Nadine Renate Ingrid "
    "Heike Silke Nina Sophie Emilia Mira Leyla Zeynep Agnieszka Olga Natalia Thi-Lan Amira Chiara Jasmin Greta Franka "
    "Hannelore Waltraud Gisela Johanna Theresa"
).split()
MEN = (
    "Jens Mehmet Thomas Stefan Uwe Paul Jan Andreas Emre Klaus Lukas Tobias Piotr Dirk Felix Norbert Jürgen Günter "
    "Björn Sören Ömer Ali Murat Krzysztof Dmitri Sergej Marco Giovanni Minh Yusuf Karim Leon Jonas Moritz Anton "
    "Heinz Werner Horst Rainer Götz"
).split()
FAMILIES = (
    "Albers Yılmaz Krüger Weiß Schröder Demir Hoffmann Petersen Nowak Böhm Lindner Öztürk Jansen Fuchs Vogt Pohl "
    "Schäfer Kaya Busch Wendt Lorenz Thiel Sommer Brandt Müller Schmidt Wagner Becker Schulz Kowalski Wójcik Şahin "
    "Çelik Arslan Nguyen Rossi Ivanova Popescu Haddad Mansour Kramer Voß Groß Jäger Köhler Möller Lüders Hinrichs "
    "Feddersen Obermaier Huber Gruber Aigner Häberle Pfleiderer Schwab Dietrich Franke Seifert Richter Zander Noack "
    "Behrens Carstens Tiedemann Wiechert Kühn Döring Ahlers Meinhardt Ritter Sander Winkler Ebert Konrad Horn Stein"
).split()
TRADES = (
    "Optik Bäckerei Fahrräder Blumen Schreinerei Physiotherapie Buchladen Elektro Zahnarztpraxis Steuerkanzlei "
    "Hausverwaltung Druckerei Weinhandlung Architekturbüro"
).split()
FORMS = ("GmbH", "KG", "e. K.", "GbR", "& Söhne", "& Partner")
JOBS = ("Geschäftsführer", "Inhaber", "IT-Leiter", "Prokurist", "Assistenz der Geschäftsführung", "Büroleitung")
JOBS_OF_WOMEN = (
    "Geschäftsführerin",
    "Inhaberin",
    "IT-Leiterin",
    "Prokuristin",
    "Assistenz der Geschäftsführung",
    "Büroleitung",
)
OWNERS = ("Jana Brandt", "Oliver Seidel", "Merve Aksoy", "Tim Wiesner")
REGIONS = ("Berlin", "Hamburg", "Frankfurt", "Köln", "München")
RANGES = ("+493023125", "+494066969", "+496990009", "+492214710", "+498999998")
"""`Rufnummern für Medien`, one range a region, each with three more digits.

https://www.bundesnetzagentur.de/DE/Fachthemen/Telekommunikation/Nummerierung/start.html
"""
HOTLINE = "+493023125000"
SALES_LINE = "+494066969000"
_DOMAINS = ("example.de", "example.de", "example.com", "example.org")
_FIRST, _SWITCHBOARDS, _LAST = 250, 200, 1000
"""In each range: below 10 our own, below 150 for stories, from 200 on switchboards, from 250 on people."""


def landline(number: int) -> str | None:
    """A number of one person or household, another for each `number`; None where the ranges are used up."""
    which, line = number % len(RANGES), _FIRST + number // len(RANGES)
    return f"{RANGES[which]}{line:03d}" if line < _LAST else None


def switchboard(number: int) -> str:
    """A company's number, used by all its people. Large samples have companies that share one building's."""
    return f"{RANGES[number % len(RANGES)]}{_SWITCHBOARDS + number // len(RANGES) % (_FIRST - _SWITCHBOARDS):03d}"


def stranger(random: Random) -> str:
    """The number of a caller whom nobody knows."""
    return f"{random.choice(RANGES)}{random.randrange(150, _SWITCHBOARDS)}"


def address(random: Random, given: str, family: str, number: str) -> str:
    """An e-mail address as somebody of that name might have it; `number` keeps it apart from all others."""
    first, last = ascii_name(given), ascii_name(family)
    local = random.choice((f"{first}.{last}.{number}", f"{first[0]}.{last}{number}", f"{last}-{number}"))
    return f"{local}@{random.choice(_DOMAINS)}"


@cache
def ascii_name(name: str) -> str:
    """`name` in plain letters, as it stands in an address."""
    folded = name.casefold()
    for letter, plain in _FOLDED:
        folded = folded.replace(letter, plain)
    return "".join(letter for letter in folded if letter.isascii() and letter.isalpha())


_FOLDED = (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss"), ("ı", "i"), ("ş", "s"), ("ç", "c"), ("ó", "o"))
