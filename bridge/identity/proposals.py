"""Which records may be one person's, though no key says so: compared for a person to decide, never merged by itself.

Two records are compared where they have something rare in common (`blocks`): an e-mail address or the part before its
`@`, the end of a phone number, an account together with the sound of a family name. What then speaks for and against it
adds up to a score. A name alone is never enough: many people are called the same.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from typing import Final, Literal

from msgspec import Struct

from bridge.identity.partition import Pid
from bridge.identity.sounds import alike, sound
from bridge.model import Customer, Key, KeyKind

Trait = Literal["family_name", "given_name", "email", "phone", "account", "language", "system"]
How = Literal["same", "close", "initial", "local_part", "ending", "shared", "differs"]

LEAST: Final = 6
"""Below this score nothing is proposed."""
LIKELY: Final = 9
STRONG: Final = 12
_SUFFIX: Final = 7
"""So many last digits of two numbers being the same is rarely chance."""
_SHORTEST_LOCAL: Final = 6
_POINTS: Final[dict[tuple[Trait, How], int]] = {
    ("family_name", "same"): 3,
    ("family_name", "close"): 2,
    ("family_name", "differs"): -5,
    ("given_name", "same"): 3,
    ("given_name", "close"): 2,
    ("given_name", "initial"): 1,
    ("given_name", "differs"): -5,
    ("email", "same"): 6,
    ("email", "close"): 4,
    ("email", "local_part"): 3,
    ("email", "differs"): -1,
    ("phone", "same"): 4,
    ("phone", "ending"): 2,
    ("phone", "shared"): 1,
    ("phone", "differs"): -1,
    ("account", "same"): 2,
    ("language", "differs"): -1,
    ("system", "differs"): -2,
}
_BESIDE_NAMES: Final = frozenset({("email", "same"), ("email", "close"), ("email", "local_part"), ("phone", "same"),
    ("phone", "ending"), ("phone", "shared"), ("account", "same")})  # fmt: skip
_TITLES: Final = frozenset("dr prof herr frau mr mrs ms dipl ing med".split())
_PARTICLES: Final = frozenset("von vom zu zum zur van der den de di da del della dos la le el al ter ten".split())
"""Before a family name some write them, some do not."""
_SPELT_OUT: Final = (
    ("ä", "ae"),
    ("ö", "oe"),
    ("ü", "ue"),
    ("ß", "ss"),
    ("æ", "ae"),
    ("œ", "oe"),
    ("ø", "oe"),
    ("ı", "i"),
    ("ł", "l"),
    ("đ", "d"),
    ("ð", "d"),
    ("þ", "th"),
)

_APOSTROPHES: Final = str.maketrans("", "", "'’ʼ`´")  # O'Brien is one word


class Portrait(Struct, frozen=True, kw_only=True):
    """What can be compared of one record of a person; names in plain lower-case letters. `phones` says which of them
    the vendor calls shared."""

    pid: Pid
    given: str = ""
    family: str = ""
    emails: frozenset[str] = frozenset()
    phones: Mapping[str, bool] = {}
    accounts: frozenset[str] = frozenset()
    language: str = ""


class Sign(Struct, frozen=True):
    """One thing that speaks for (positive points) or against. It names what was compared, never what it says."""

    trait: Trait
    how: How
    points: int
    system: str = ""


class Likeness(Struct, frozen=True):
    """How alike two records are. `signs` add up to `score`."""

    score: int
    signs: tuple[Sign, ...]


def portray(pid: Pid, customer: Customer, identifies: Callable[[Key], bool]) -> Portrait:
    """The portrait of one record. Keys that identify nobody (role addresses, switchboards) are left out."""
    given, family = _names(customer)
    phones: dict[str, bool] = {}
    for phone in customer.phones:
        number = phone.e164 or "".join(one for one in phone.raw if one.isdigit())
        if len(number) > _SUFFIX and identifies(Key(KeyKind.phone, number)):
            phones[number] = phones.get(number, False) or phone.shared
    return Portrait(
        pid=pid,
        given=given,
        family=family,
        emails=frozenset(one for one in customer.emails if identifies(Key(KeyKind.email, one))),
        phones=phones,
        accounts=frozenset(f"account:{pid[0]}:{one}" for one in customer.accounts),
        language=customer.language or "",
    )


def blocks(portrait: Portrait) -> frozenset[str]:
    """The texts under which `portrait` meets those that it is compared with."""
    found = {f"email {one}" for one in portrait.emails}
    found |= {f"local {local}" for one in portrait.emails if len(local := _local(one)) >= _SHORTEST_LOCAL}
    found |= {f"phone {one[-_SUFFIX:]}" for one in portrait.phones}
    if portrait.family:
        found |= {f"{account} {sound(portrait.family)}" for account in portrait.accounts}
    return frozenset(found)


def compare(
    a: Portrait, b: Portrait, *, apart: frozenset[str] = frozenset(), crowded: frozenset[str] = frozenset()
) -> Likeness | None:
    """How alike `a` and `b` are; None where it is not worth a person's time.

    `apart` names the systems that know the two under different ids: in one, somebody may have been entered twice; two
    that agree on it are believed. `crowded` are blocks that too many share to mean anything.
    """
    if len(apart) > 1:
        return None
    signs = [*_compare_names(a, b), *_compare_emails(a, b, crowded), *_compare_phones(a, b, crowded)]
    if a.accounts & b.accounts:
        signs.append(_sign("account", "same"))
    if a.language and b.language and a.language != b.language:
        signs.append(_sign("language", "differs"))
    signs += [Sign("system", "differs", _POINTS["system", "differs"], one) for one in sorted(apart)]
    score = sum(one.points for one in signs)
    if score < LEAST or not any((one.trait, one.how) in _BESIDE_NAMES for one in signs):
        return None
    return Likeness(score, tuple(signs))


def _sign(trait: Trait, how: How) -> Sign:
    return Sign(trait, how, _POINTS[trait, how])


def _compare_names(a: Portrait, b: Portrait) -> list[Sign]:
    signs = []
    if a.family and b.family and _latin(a.family) == _latin(b.family):
        joined = not set(a.family.split("-")).isdisjoint({*b.family.split("-")} - {""})
        signs.append(_sign("family_name", _how_alike(a.family, b.family, near=joined)))
    if a.given and b.given and _latin(a.given) == _latin(b.given):
        if 1 in (len(a.given), len(b.given)) and a.given != b.given:
            signs.append(_sign("given_name", "initial" if a.given[0] == b.given[0] else "differs"))
        else:
            short = a.given == b.given.partition("-")[0] or b.given == a.given.partition("-")[0]
            signs.append(_sign("given_name", _how_alike(a.given, b.given, near=short)))
    return signs


def _how_alike(mine: str, yours: str, *, near: bool) -> How:
    if mine == yours:
        return "same"
    # Löw is also entered as Low, by who has no umlauts and does not spell them out
    return "close" if near or _bare(mine) == _bare(yours) or alike(mine, yours) else "differs"


def _latin(name: str) -> bool:
    """Names in different scripts cannot be compared, and so say nothing: Иванов may well be Ivanov."""
    return any("a" <= one <= "z" for one in name)


def _bare(name: str) -> str:
    for spelt, letter in (("ae", "a"), ("oe", "o"), ("ue", "u")):
        name = name.replace(spelt, letter)
    return name


def _compare_emails(a: Portrait, b: Portrait, crowded: frozenset[str]) -> list[Sign]:
    mine = {one for one in a.emails if f"email {one}" not in crowded}
    yours = {one for one in b.emails if f"email {one}" not in crowded}
    if not mine or not yours:
        return []
    if mine & yours:
        return [_sign("email", "same")]
    pairs = [(one, other) for one in mine for other in yours]
    if any(_mistyped(one, other) for one, other in pairs):
        return [_sign("email", "close")]
    if any(len(_local(one)) >= _SHORTEST_LOCAL and _local(one) == _local(other) for one, other in pairs):
        return [_sign("email", "local_part")]
    return [_sign("email", "differs")]


def _mistyped(one: str, other: str) -> bool:
    """The same before the `@`, and a domain with one letter wrong."""
    mine, _, my_domain = one.partition("@")
    yours, _, your_domain = other.partition("@")
    return mine == yours and alike(my_domain, your_domain)


def _compare_phones(a: Portrait, b: Portrait, crowded: frozenset[str]) -> list[Sign]:
    mine = {one for one in a.phones if f"phone {one[-_SUFFIX:]}" not in crowded}
    yours = {one for one in b.phones if f"phone {one[-_SUFFIX:]}" not in crowded}
    if not mine or not yours:
        return []
    if both := mine & yours:
        shared = all(a.phones[one] or b.phones[one] for one in both)
        return [_sign("phone", "shared" if shared else "same")]
    if {one[-_SUFFIX:] for one in mine} & {one[-_SUFFIX:] for one in yours}:
        return [_sign("phone", "ending")]
    return [_sign("phone", "differs")]


def _local(email: str) -> str:
    """What stands before the `@`, without dots and what some put behind a `+`."""
    return email.partition("@")[0].partition("+")[0].replace(".", "")


def _names(customer: Customer) -> tuple[str, str]:
    given, family = customer.given_name or "", customer.family_name or ""
    if not (given and family) and customer.name:
        last, comma, first = customer.name.partition(",")
        words = _words(f"{first} {last}" if comma else customer.name)
        if words:
            given, family = given or (words[0] if len(words) > 1 else ""), family or words[-1]
    first_words, last_words = _words(given), _words(family)
    own = [one for one in last_words if one not in _PARTICLES] or last_words
    return (first_words[0] if first_words else ""), "".join(own)


def _words(text: str) -> list[str]:
    """The words of a name without titles, and without strokes that join nothing."""
    return [one for one in (word.strip("-") for word in plain(text).split()) if one and one not in _TITLES]


def plain(text: str) -> str:
    """Lower-case letters without marks; `ä`, `ö`, `ü`, `ß` and the like as they are written where a keyboard lacks
    them."""
    text = unicodedata.normalize("NFC", text).lower().translate(_APOSTROPHES)
    for letter, letters in _SPELT_OUT:
        text = text.replace(letter, letters)
    marked = unicodedata.normalize("NFKD", text)
    return "".join(one if one.isalpha() or one == "-" else " " for one in marked if not unicodedata.combining(one))
