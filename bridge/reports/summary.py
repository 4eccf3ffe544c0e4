"""The report in a handful of sentences, in German and in English: what is known, and what the data cannot tell."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from bridge.model import Money
from bridge.reports.effects import Report, Worth
from bridge.reports.sentences import say_worth
from bridge.reports.verdicts import Verdict
from bridge.scoring.wording import say

_NOTHING_SHOWN = {
    "de": "Hier wurde noch nichts gezeigt, was erprobt wird.",
    "en": "Nothing that is being tried has been shown here yet.",
}
_NOTHING_SETTLED = {
    "de": "Es ist noch kein Fall abgeschlossen; die ersten sind es am {day}.",
    "en": "No case is settled yet; the first ones will be on {day}.",
}
_ALONE = {
    "de": "Der neutrale Text wurde nirgends zum Vergleich gezeigt: Ob die Skripte wirken, lässt sich nicht sagen.",
    "en": "The neutral script was shown nowhere to compare with: whether the scripts do anything cannot be told.",
}
_NAMED: Mapping[Verdict, Mapping[str, str]] = {
    Verdict.helps: {"de": "Es hilft: {names}.", "en": "What helps: {names}."},
    Verdict.nothing: {
        "de": "Ohne Wirkung, auf die es ankommt: {names}.",
        "en": "Without an effect that matters: {names}.",
    },
    Verdict.harms: {"de": "Es schadet: {names}.", "en": "What does harm: {names}."},
}
_UNCLEAR = {
    "de": (
        "Bei einem Skript lässt sich noch nichts sagen.",
        "Bei {count} Skripten lässt sich noch nichts sagen.",
    ),
    "en": ("Of one script nothing can be said yet.", "Of {count} scripts nothing can be said yet."),
}
_MONEY = {
    "more": {
        "de": "Nach Abzug dessen, was gewährt wurde, bringt jeder Anruf etwa {value} mehr ({low} bis {high}).",
        "en": "After what was granted, every call brings about {value} more ({low} to {high}).",
    },
    "less": {
        "de": "Nach Abzug dessen, was gewährt wurde, bringt jeder Anruf etwa {value} weniger ({low} bis {high}).",
        "en": "After what was granted, every call brings about {value} less ({low} to {high}).",
    },
    "unclear": {
        "de": "Ob es sich in Geld gerechnet lohnt, lässt sich noch nicht sagen: je Anruf zwischen {low} und {high}.",
        "en": "Whether it pays in money cannot be told yet: between {low} and {high} for each call.",
    },
}
_PERSONAL = {
    "de": "Nach Kunden zu unterscheiden hält von 100 etwa {value} mehr, als allen dasselbe zu sagen.",
    "en": "Telling customers apart keeps about {value} more of 100 than saying the same to all.",
}
_QUOTES = {"de": "„{}“", "en": "“{}”"}


def summarize(
    report: Report,
    titles: Mapping[str, Mapping[str, str]],
    language: str,
    *,
    currency: str,
    first_known: datetime | None,
) -> tuple[str, ...]:
    """The sentences. `titles` are those of all scripts by id and language, `first_known` says when the first case that
    is still open can be settled."""
    if not report.effects:
        if first_known is None:
            return (_NOTHING_SHOWN[language],)
        return (_NOTHING_SETTLED[language].format(day=say(first_known, language)),)
    worth = {one.outcome: one for one in report.worth}
    if not worth:
        return (_ALONE[language],)
    said = [say_worth(worth["stayed"], language), _say_money(worth["money"], language, currency)]
    for verdict, words in _NAMED.items():
        names = dict.fromkeys(titles[one.arm][language] for one in report.named(verdict))
        if names:
            said.append(words[language].format(names=", ".join(_QUOTES[language].format(name) for name in names)))
    unclear = len(report.named(Verdict.unclear)) + len(report.named(Verdict.too_few))
    if unclear:
        one, several = _UNCLEAR[language]
        said.append(one if unclear == 1 else several.format(count=say(unclear, language)))
    apart = worth["stayed"].beside_single
    if apart.lower() > 0:
        said.append(_PERSONAL[language].format(value=say(round(apart.value * 100, 1), language)))
    return tuple(said)


def _say_money(worth: Worth, language: str, currency: str) -> str:
    low, high = worth.beside_none.interval()
    which = "more" if low > 0 else "less" if high < 0 else "unclear"
    first, last = (-high, -low) if which == "less" else (low, high)
    return _MONEY[which][language].format(
        value=_amount(abs(worth.beside_none.value), currency, language),
        low=_amount(first, currency, language),
        high=_amount(last, currency, language),
    )


def _amount(whole: float, currency: str, language: str) -> str:
    text = say(Money.of(Decimal(str(round(whole, 4))), currency), language)
    return text.replace("-", "−").replace(" ", "\u00a0")
