"""A report's figures as plain sentences, in German and in English: what is sure, and what the data cannot tell."""

from __future__ import annotations

from bridge.playbook.experiment import NEUTRAL
from bridge.reports.effects import Effect, Worth
from bridge.reports.verdicts import Verdict
from bridge.scoring.wording import say

_EFFECTS: dict[Verdict, dict[str, str]] = {
    Verdict.helps: {
        "de": "„{arm}“ hilft: Von 100 Kunden, für die es gezeigt wird, bleiben etwa {value} mehr "
        "(95-%-Bereich: {range}).",
        "en": "“{arm}” helps: of 100 customers it is shown for, about {value} more stay (95 % range: {range}).",
    },
    Verdict.harms: {
        "de": "„{arm}“ schadet: Von 100 Kunden, für die es gezeigt wird, gehen etwa {value} mehr "
        "(95-%-Bereich: {range}).",
        "en": "“{arm}” does harm: of 100 customers it is shown for, about {value} more leave (95 % range: {range}).",
    },
    Verdict.nothing: {
        "de": "„{arm}“ bewirkt nichts, worauf es ankommt: Der Unterschied zum neutralen Text liegt unter {margin}.",
        "en": "“{arm}” does nothing that matters: it differs from the neutral script by less than {margin}.",
    },
    Verdict.unclear: {
        "de": "Aus {shown} gezeigten Fällen lässt sich noch nicht sagen, ob „{arm}“ etwas bewirkt; "
        "erkennbar wäre ein Unterschied ab {smallest}.",
        "en": "{shown} cases shown cannot tell yet whether “{arm}” does anything; "
        "a difference would show from {smallest} on.",
    },
    Verdict.too_few: {
        "de": "„{arm}“ oder der neutrale Text wurde zum Vergleich zu selten gezeigt ({shown} Fälle mit „{arm}“).",
        "en": "“{arm}” or the neutral script was shown too rarely to compare them ({shown} cases with “{arm}”).",
    },
}
_NEUTRAL = {
    "de": "Der neutrale Text ist der Maßstab: Von {shown} Kunden blieben {stayed}.",
    "en": "The neutral script is the yardstick: of {shown} customers {stayed} stayed.",
}
_WORTH = {
    "more": {
        "de": "Die Auswahl hielt bisher von 100 Anrufern etwa {value} mehr als der neutrale Text allein ({range}).",
        "en": "So far the choice kept about {value} more of 100 callers than the neutral script alone ({range}).",
    },
    "less": {
        "de": "Die Auswahl hielt bisher von 100 Anrufern etwa {value} weniger als der neutrale Text allein ({range}).",
        "en": "So far the choice kept about {value} fewer of 100 callers than the neutral script alone ({range}).",
    },
    "unclear": {
        "de": "Aus {shown} Fällen lässt sich noch nicht sagen, ob die Auswahl mehr Kunden hält als der "
        "neutrale Text allein; erkennbar wäre ein Unterschied ab {smallest}.",
        "en": "{shown} cases cannot tell yet whether the choice keeps more customers than the neutral script "
        "alone; a difference would show from {smallest} on.",
    },
}
_POINTS = {"de": ("{} Prozentpunkt", "{} Prozentpunkten"), "en": ("{} percentage point", "{} percentage points")}


def say_effect(effect: Effect, language: str, *, margin: float) -> str:
    """One sentence on one script. `margin` is what the report's verdicts were judged by."""
    if effect.arm == NEUTRAL or effect.verdict is None:
        return _NEUTRAL[language].format(shown=say(effect.shown, language), stayed=say(effect.stayed, language))
    words = {"arm": effect.arm, "shown": say(effect.shown, language), "margin": _points(margin, language)}
    if effect.more_stay is not None:
        low, high = effect.more_stay.interval()
        words |= {
            "value": _hundred(abs(effect.more_stay.value), language),
            "range": _range(low, high, language, turned=effect.verdict is Verdict.harms),
            "smallest": _points(effect.more_stay.smallest(), language),
        }
    return _EFFECTS[effect.verdict][language].format(**words)


def say_worth(worth: Worth, language: str) -> str:
    """One sentence on what was kept beside the neutral script; for the worth in customers."""
    low, high = worth.beside_none.interval()
    which = "more" if low > 0 else "less" if high < 0 else "unclear"
    return _WORTH[which][language].format(
        shown=say(worth.exposures, language),
        value=_hundred(abs(worth.beside_none.value), language),
        range=_range(low, high, language, turned=which == "less"),
        smallest=_points(worth.beside_none.smallest(), language),
    )


def _range(low: float, high: float, language: str, *, turned: bool) -> str:
    first, last = (-high, -low) if turned else (low, high)
    between = "bis" if language == "de" else "to"
    return f"{_hundred(first, language)} {between} {_hundred(last, language)}"


def _hundred(share: float, language: str) -> str:
    """Of a hundred; a decimal only below ten, where it tells something."""
    number = share * 100
    text = say(round(number, 1), language) if abs(number) < 10 else say(round(number), language)
    return text.replace("-", "−")


def _points(share: float, language: str) -> str:
    one, many = _POINTS[language]
    number = _hundred(share, language)
    return (one if number == "1" else many).format(number)
