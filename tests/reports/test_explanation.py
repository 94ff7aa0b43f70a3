"""Explanations as text and JSON, whatever stands in them."""

import json

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullmark.model.advisory import EndOfLife, Epss, KnownExploited, Severity, Ssvc
from hullmark.model.explanation import (
    Elsewhere,
    Explained,
    Explanation,
    Heard,
    Outcome,
    Rating,
    Remedy,
    Unchecked,
)
from hullmark.model.look import Look
from hullmark.model.printable import columns
from hullmark.model.report import Component, DatabasePart, Finding, Location, Suppression
from hullmark.reports._explanation import encode, render
from hullmark.reports._schema import schema

TEXTS = st.text(
    st.sampled_from("ab1 -\n\r\t\0\x1b\x9b\x7f\u202e\u2066\u2028\ud800\udfff<&|`[]()#é漢\U000e0001"),
    max_size=60,
)
SCHEMA = jsonschema.Draft202012Validator(schema("explanation"))
SAFE = frozenset("\n›…")


def filled(words: str, outcome: Outcome = "affected") -> Explanation:
    """Make an explanation in which every text is the same."""
    place = Location(words, 3, words, words, words, from_base=True)
    component = Component(
        id="p",
        purl=words,
        ecosystem=words,
        name=words,
        version=words,
        via=(words, words),
        locations=(place,) * 9,
    )
    finding = Finding(
        id=words,
        component="p",
        purl=words,
        name=words,
        version=words,
        severity_source=words,
        fixed_version=words,
        kev=KnownExploited(words, words),
        epss=Epss(words, 0.5, 0.9),
        ssvc=Ssvc(words),
        eol=EndOfLife(words),
        locations=(place,),
    )
    heard = Heard(
        feed=words,
        part=words,
        revision=words,
        record=words,
        by="alias",
        package=words,
        scope="source",
        state=words,
        range=words,
        versions=(words,),
        compared=words,
        scheme=words,
        verdict="affected",
        because=words,
        note=words,
    )
    others = (
        heard,
        Heard(**{name: getattr(heard, name) for name in heard.__struct_fields__} | {"verdict": "below"}),
    )
    by = Suppression(
        source=words, line=3, reason=words, author=words, expires=words, ids=(words,), state="expired"
    )
    remedy = Remedy(
        action="upgrade",
        fixed_version=words,
        owner="base",
        base=words,
        chain=(words,),
        direct=words,
        command=words,
    )
    rating = Rating(source=words, level=Severity.HIGH, value=7.5, vector=words)
    explained = Explained(
        outcome=outcome,
        because=words,
        component=component,
        finding=finding,
        by=by,
        statements=others * 20,
        more=3,
        ratings=(rating,) * 20,
        remedy=remedy,
    )
    return Explanation(
        id=words,
        ids=(words,) * 20,
        title=words,
        image=words,
        as_of=words,
        outcome=outcome,
        packages=(explained,) * 2,
        asked=(DatabasePart(words, words, words, age_hours=3.0, stale=True),),
        changed=(words,),
        spoken_of=(words,),
        elsewhere=(Elsewhere(part=words, record=words, packages=(words,)),),
        catalogues=(words,),
        named=(by,),
        unchecked=(Unchecked(state=words, ecosystem=words, packages=3, examples=(words,), missing=(words,)),),
        dev_packages=3,
        unread=(words,),
        incomplete=True,
    )


@given(TEXTS, st.sampled_from(("affected", "suppressed", "not_checked", "unknown")), st.booleans())
def test_no_text_does_anything(words: str, outcome: Outcome, unicode: bool) -> None:  # noqa: FBT001
    found = filled(words, outcome)
    for each in (found, Explanation(id=words, ids=(words,), image=words, as_of=words, outcome=outcome)):
        shown = render([each], Look(80, unicode=unicode)).decode()
        assert unicode or shown.isascii()
        assert not {sign for sign in shown if not sign.isprintable()} - SAFE
        assert json.loads(encode([each]))["outcome"] == outcome


def test_texts_of_a_megabyte_are_cut_for_people() -> None:
    page = render([filled("a b" * 400_000)], Look(80))
    assert len(page) < 100_000
    assert max(map(columns, page.decode().splitlines())) < 1000


@pytest.mark.parametrize("width", [40, 80, 200])
def test_lines_fit(width: int) -> None:
    page = render([filled("a few words that can be broken")], Look(width)).decode()
    below_heads = [line for line in page.splitlines() if line.startswith(" ")]
    assert [line for line in below_heads if columns(line) > max(width, 72)] == []


def test_colour_is_only_there_where_it_is_wanted() -> None:
    assert b"\x1b[" not in render([filled("a")], Look())
    assert b"\x1b[1;31m" in render([filled("a")], Look(colour=True))


@pytest.mark.parametrize("count", [1, 2])
def test_json_satisfies_the_schema_in_which_each_name_is_always_there(count: int) -> None:
    document = json.loads(encode([filled("a")] * count))
    assert not list(SCHEMA.iter_errors(document))
    first = document if count == 1 else document[0]
    finding = first["packages"][0]["finding"]
    for part in (first, first["packages"][0], finding, finding["kev"], finding["ssvc"], finding["eol"]):
        for name in list(part):
            value = part.pop(name)
            assert list(SCHEMA.iter_errors(document)), name
            part[name] = value
