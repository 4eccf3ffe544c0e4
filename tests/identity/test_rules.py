"""`config/identity.yaml`: keys that identify nobody, and whose word counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.errors import ConfigError
from bridge.identity.rules import IdentityRules, load_identity
from bridge.model import Key, KeyKind

SHIPPED = load_identity(Path(__file__).parents[2] / "config" / "identity.yaml")


@pytest.mark.parametrize("address", ["info@albers.de", "noreply@mail.example", "Do-Not-Reply@x.de", "x@invalid"])
def test_role_addresses_identify_nobody(address: str) -> None:
    assert SHIPPED.blocks(Key(KeyKind.email, address))


@pytest.mark.parametrize("address", ["katrin@albers.de", "info.mueller@x.de", "myinfo@x.de"])
def test_a_persons_own_address_does(address: str) -> None:
    assert not SHIPPED.blocks(Key(KeyKind.email, address))


def test_kinds_of_key_are_blocked_apart() -> None:
    assert SHIPPED.blocks(Key(KeyKind.phone, "+498001234567"))
    assert not SHIPPED.blocks(Key(KeyKind.phone, "+4917139200"))
    assert not SHIPPED.blocks(Key(KeyKind.id, "crm:info@albers.de"))


def test_patterns_are_taken_literally_but_for_the_star(tmp_path: Path) -> None:
    rules = load_identity(written(tmp_path, "block: {email: ['a.b@*'], id: ['crm:0*']}"))
    assert rules.blocks(Key(KeyKind.email, "a.b@x.de"))
    assert not rules.blocks(Key(KeyKind.email, "axb@x.de"))
    assert rules.blocks(Key(KeyKind.id, "crm:007"))


def written(folder: Path, text: str) -> Path:
    path = folder / "identity.yaml"
    path.write_text(text, "utf-8")
    return path


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    assert load_identity(written(tmp_path, "# nothing\n")) == IdentityRules()


def test_an_order_of_sources_is_kept_as_it_is_written(tmp_path: Path) -> None:
    rules = load_identity(written(tmp_path, "survivorship: {owner: [crm, '*', old]}"))
    assert rules.survivorship == {"owner": ("crm", "*", "old")}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("blok: {}", "blok: is not known here; did you mean 'block'?"),
        ("block: {mail: []}", "block.mail: is not known here; did you mean 'email'?"),
        ("block: {email: ['*']}", "block.email: '*' would block everybody"),
        ("max_profiles_per_key: 0", "max_profiles_per_key: Expected `int` >= 1"),
        ("survivorship: {ownr: [crm]}", "survivorship.ownr: is not a field of a customer; did you mean 'owner'?"),
        ("survivorship: {consents: [crm]}", "survivorship.consents: cannot be ordered: the most restrictive one wins"),
        ("survivorship: {owner: [crm, crm]}", "survivorship.owner: names a source twice"),
        ("defaults: {language: german}", "defaults.language: Expected `str` matching"),
        ("[", "is not YAML"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_file_path_and_the_nearest_name(
    tmp_path: Path, text: str, message: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_identity(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)
