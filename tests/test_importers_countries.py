"""Countries: which one a dataset means, by code or by name."""

from __future__ import annotations

import pytest

from app.importers.countries import behind, coded, countries, named


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Namibia", "NA"),
        ("Cote d'Ivoire", "CI"),
        ("Côte d’Ivoire", "CI"),
        ("the former Yugoslav Republic of Macedonia", "MK"),
        ("Occupied Palestinian Territory", "PS"),
        ("Democratic Republic of Congo", "CD"),
        ("Congo", "CG"),
        ("Russia (Soviet Union)", "RU"),
        ("Kosovo", "XK"),
        ("Atlantis", None),
        ("", None),
        (None, None),
    ],
)
def test_a_name_has_a_code_where_it_is_a_countrys(name: str | None, code: str | None):
    assert named(name) == code


@pytest.mark.parametrize(
    ("scheme", "code", "country"),
    [
        ("alpha3", "NAM", "NA"),
        ("alpha3", "ROM", "RO"),
        ("alpha3", "ROU", "RO"),
        ("alpha3", "WAF", None),
        ("fips", "WA", "NA"),
        ("fips", "JA", "JP"),
        ("fips", "UP", "UA"),
        ("fips", "CH", "CN"),
        ("fips", "KN", "KP"),
        ("fips", "SZ", "CH"),
        ("fips", "NL", "NL"),
        ("fips", "GZ", "PS"),
        ("fips", "OS", None),
        ("numeric", "516", "NA"),
        ("numeric", "004", "AF"),
        ("gleditsch_ward", "565", "NA"),
        ("gleditsch_ward", "260", "DE"),
        ("gleditsch_ward", "678", "YE"),
    ],
)
def test_a_code_has_a_country(scheme: str, code: str, country: str | None):
    assert getattr(countries(), scheme).get(code) == country


def test_no_code_is_lost_to_a_word_for_missing():
    tables = countries()

    assert "NA" in tables.alpha2
    for codes in (tables.alpha3, tables.numeric, tables.fips, tables.gleditsch_ward, tables.name):
        assert "NA" in codes.values()
        assert set(codes.values()) <= set(tables.alpha2) | {"XK"}


@pytest.mark.parametrize(
    ("actor", "country"),
    [
        ("Japan", "JP"),
        ("Citizen (Japan)", "JP"),
        ("Armed Gang (Palestinian Territory, Occupied)", "PS"),
        ("Army (Congo (Kinshasa))", "CD"),
        ("Government of Mali", "ML"),
        ("Police Forces of Mali (2020-)", "ML"),
        ("Military Forces of Serbia (Yugoslavia)", "RS"),
        ("Militia (Lagos)", None),
        ("Islamic State of Iraq", None),
        (")", None),
        (None, None),
    ],
)
def test_a_country_stands_behind_an_actor_where_the_name_says_so(actor: str | None, country: str | None):
    assert behind(actor) == country


def test_a_code_that_is_a_name_is_taken_for_one():
    assert (coded("POL"), coded("Poland"), coded("IGO"), coded(None)) == ("PL", "PL", None, None)
