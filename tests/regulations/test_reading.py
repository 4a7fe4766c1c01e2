"""The rules as files: what ships, and what a file is refused for, all at once."""

import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.errors import Fault
from backend.regulations import reading, rulebook, writing
from backend.regulations.rulebook import RulesInvalid

ANNEX = {
    **dict.fromkeys(["CUS-9810-CODE", "CUS-9810-FILE"], "2020-07-01"),
    **dict.fromkeys(["CUS-9810-NOFILE", "CUS-INSP-PRE", "RET-XA-PILOT", "RET-XA-9810"], "2024-12-15"),
    **dict.fromkeys(["CUS-9810-DOC", "CUS-9810-LIST", "ZONE-CIT4"], "2020-01-01"),
    **dict.fromkeys(["CUS-9610-HS4", "CUS-1210-OW"], "undated"),
    **dict.fromkeys(["RET-CUS-SCOPE", "RET-CUS-1Y", "RET-CUS-MON"], "2020-03-27"),
    **dict.fromkeys(["RET-TAX-2023", "RET-TAX-6M", "RET-TAX-CAUSE", "RET-TAX-STATE", "RET-TAX-FOOD"], "2023-01-30"),
    **dict.fromkeys(["RET-TAX-REPAY", "RET-TAX-EVID"], "2023-01-30"),
    **dict.fromkeys(["RET-TAX-2026", "RET-TAX-ECERT", "VAT-36M"], "2026-01-01"),
    **dict.fromkeys([f"VAT-HWC-{name}" for name in ("ELIG", "TRANS", "SPLIT", "WINDOW")], "2025-01-27"),
    **dict.fromkeys([f"VAT-HWC-OUT-{name}" for name in "ABCD"], "2025-01-27"),
    **dict.fromkeys(["VAT-DOC-15D", "VAT-DOC-SUB"], "2025-01-27"),
    "RET-XA-ALL": "2026-04-01",
    "RET-TAX-NONE": "2028-01-01",
    "VAT-DOC-5Y": "2022-05-01",
    "ZONE-EXEMPT": "2018-10-01",
    "HS-VER": "2022-01-01",
}


def raw(**changes: Any) -> dict[str, Any]:
    """A small edition that has nothing wrong, changed."""
    return {
        "rule": "RET-TEST",
        "family": "tax",
        "part": "cause",
        "basis": "declaration",
        "from": date(2026, 1, 1),
        "to": date(2026, 12, 31),
        "status": "live",
        "holds": "exempt",
        "fails": "taxed",
        "must": [{"fact": "cause", "in": ["unsold"]}],
        "source": {"id": "S1", "grade": "A", "act": "公告"},
        "title": {"zh": "试", "en": "Test", "ar": "اختبار"},
        "text": {"zh": "试", "en": "Test", "ar": "اختبار"},
        **changes,
    }


def faults(*raws: dict[str, Any]) -> list[Fault]:
    with pytest.raises(RulesInvalid) as refused:
        rulebook.editions(raws)
    return list(refused.value.faults)


def test_the_39_rules_ship_with_their_days_sources_and_texts() -> None:
    shipped = rulebook.editions(rulebook.shipped())
    assert len(shipped.rule_ids) == 39
    assert {rule_id: shipped.of(rule_id)[0].name for rule_id in shipped.rule_ids} == ANNEX
    for edition in shipped:
        assert set(edition.titles) == set(edition.texts) == {"zh", "en", "ar"}
        assert edition.source.act
        assert edition.source.id.startswith("S") or edition.source.grade == "derived"


def test_an_edition_comes_back_as_it_was_written() -> None:
    for edition in rulebook.editions(rulebook.shipped()):
        found: list[Fault] = []
        assert reading.edition(writing.raw_of(edition), found) == edition
        assert not found


def test_overlapping_editions_are_refused_and_named() -> None:
    (fault,) = faults(raw(), raw(**{"from": date(2026, 12, 31), "to": None}))
    assert fault.facts == {"rule": "RET-TEST", "earlier": "2026-01-01", "later": "2026-12-31"}
    assert fault.field == "RET-TEST/2026-12-31.from"


def test_editions_may_follow_each_other_or_leave_a_gap() -> None:
    found = rulebook.editions([raw(**{"from": date(2027, 1, 1), "to": None}), raw(), raw(rule="RET-OTHER")])
    assert [each.name for each in found.of("RET-TEST")] == ["2026-01-01", "2027-01-01"]


def test_an_open_edition_overlaps_whatever_comes_later() -> None:
    assert faults(raw(to=None), raw(**{"from": date(2040, 1, 1), "to": None}))


def test_editions_of_one_rule_speak_of_the_same_thing() -> None:
    (fault,) = faults(raw(), raw(**{"from": date(2027, 1, 1), "to": None}, basis="return"))
    assert fault.field == "RET-TEST/2027-01-01.basis"


def test_everything_wrong_with_a_set_is_named_at_once() -> None:
    found = faults(
        raw(rule="ret test", status="maybe", basis="today", colour="red"),
        raw(to=date(2025, 1, 1)),
        raw(rule="RET-B", title={"en": "Only English"}, source={"grade": "Z"}),
        raw(rule="RET-C", must=[{"fact": "weather", "in": ["sun"]}, {"fact": "is_food", "at_most": "3"}]),
        raw(rule="RET-D", must=[{"fact": "returned_on", "in_window": True}], documents=["passport"], doubts=["luck"]),
        raw(rule="RET-E", window={"clock": "sun", "starts": "cause", "months": "six", "until": "02-30"}),
        raw(rule="RET-F", status="ended", to=None, fails=None),
        raw(rule="RET-G", **{"from": "soon"}),
    )
    fields = {fault.field.split("/")[-1].partition(".")[2] for fault in found}
    assert fields == {
        *("rule", "status", "basis", "colour", "to", "title_zh", "title_ar", "source_grade", "source_act"),
        *("must.0", "must.1", "documents", "doubts", "window_clock", "window_starts", "window_months", "window_until"),
        *("fails", "from"),
    }
    assert all(fault.sentence % fault.facts for fault in found)


def test_a_file_that_is_no_toml_and_a_source_that_is_unknown_are_named(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("edition = [", encoding="utf-8")
    (tmp_path / "good.toml").write_text('[[edition]]\nrule = "RET-X"\nsource = "S999"\ngrade = "A"\n', encoding="utf-8")
    with pytest.raises(RulesInvalid) as refused:
        rulebook.shipped(tmp_path)
    assert [fault.field for fault in refused.value.faults] == ["bad.toml", "RET-X.source"]


def test_the_command_names_every_mistake_of_a_rule_file(tmp_path: Path) -> None:
    file = tmp_path / "more.toml"
    file.write_text(MORE, encoding="utf-8")
    command = [sys.executable, "-m", "backend", "check-rules"]
    done = subprocess.run([*command, str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "The editions 2026-01-01 and 2027-12-31 of rule RET-TAX-FOOD overlap." in " ".join(done.stderr.split())
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.startswith("39 rules")


MORE = """
[[edition]]
rule = "RET-TAX-FOOD"
family = "tax"
part = "goods"
basis = "declaration"
from = 2027-12-31
status = "live"
must = [{ fact = "is_food", is = "no" }]
holds = "exempt"
fails = "taxed"
source = "S44"
grade = "A"
title = { zh = "食品", en = "Food", ar = "غذاء" }
text = { zh = "食品", en = "Food", ar = "غذاء" }
"""


words = st.text(max_size=12)
json = st.recursive(
    st.none() | st.booleans() | st.integers() | words | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
fields = st.sampled_from(sorted({*raw(), "window", "documents", "doubts", "value", "when"}))


@given(st.dictionaries(fields, json, min_size=1, max_size=4))
def test_whatever_is_written_is_read_or_refused_with_a_sentence(changes: dict[str, Any]) -> None:
    found: list[Fault] = []
    made = reading.edition(raw(**changes), found)
    assert (made is None) is bool(found)
    for fault in found:
        assert fault.sentence % fault.facts
