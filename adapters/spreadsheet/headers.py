"""Column headers as people write them, brought into the one form that mappings and file names are compared in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from .row import Unusable, letter

_FOLDED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "oe", "œ": "oe", "ł": "l"})
_CAMEL = re.compile(r"(?<=[a-zäöüß0-9])(?=[A-ZÄÖÜ])")
_NOT_A_WORD = re.compile(r"[\W_]+")


def canonical(name: str) -> str:
    """`name` in lower case, umlauts and accents folded (ä → ae), everything but letters and digits as single `_`.

    `Kunden-Nr.`, ` KUNDEN NR ` and `KundenNr` all become `kunden_nr`; `Monatsbetrag (€)` becomes `monatsbetrag`. What
    is canonical already stays as it is. "" for a name without a letter or digit.
    """
    composed = unicodedata.normalize("NFC", name)
    folded = _CAMEL.sub(" ", composed).lower().translate(_FOLDED)
    bare = "".join(one for one in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(one))
    return _NOT_A_WORD.sub("_", bare.lower()).strip("_")


def name_columns(cells: Sequence[object]) -> tuple[str, ...]:
    """The canonical names of a header row; columns without a name at its end do not count.

    Raises Unusable for a column without a name between named ones and for two columns of one name. Columns are told by
    letter: what stands first in a file without a header may be personal.
    """
    names = [canonical(str(cell)) for cell in cells]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise Unusable("the first row names no column")
    seen: dict[str, int] = {}
    for index, name in enumerate(names):
        if not name:
            raise Unusable(f"column {letter(index)} has no name in the first row; name or delete it")
        if name in seen:
            both = f"columns {letter(seen[name])} and {letter(index)}"
            raise Unusable(f"{both} have the same name in the first row; rename or delete one of them")
        seen[name] = index
    return tuple(names)
