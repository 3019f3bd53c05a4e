"""The text of `site.toml` under changes: what was changed is changed, whatever else is there stays letter by letter."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from ctiserver.ports_site import SiteEdit
from ctiserver.site import DEMO_SITE
from ctiserver.site_text import BadEdit, differences, edited, revision, tables

DEMO = DEMO_SITE.read_text("utf-8")

WRITTEN = """\
# Our site. Ask Wang before you touch it.
languages = ["zh", "en"]

# --- queues ---------------

# the big one
[[queues]]
id = "service"   # do not rename
name = { zh = "业务", en = "Service" }
requires = { billing = 20 }
priority = 5.0  # since May

  [queues.comfort]
  prompt = "wait"

[[queues]]
id = "order"
name = { zh = "订单", en = "Orders" }

# --- people ---------------

[[agents]]
id = "1001"
name = { zh = "王", en = "Wang" }
skills = { billing = 90, "wang's own" = 3 }
# the end
"""


def edit(table: str, row: str, **keys: Any) -> SiteEdit:
    return SiteEdit(table=table, id=row, set=keys)


def refused(text: str, *edits: SiteEdit) -> str:
    with pytest.raises(BadEdit) as error:
        edited(text, edits)
    return error.value.faults[0].message


def test_one_key_is_changed_and_every_other_letter_stays() -> None:
    new = edited(WRITTEN, [edit("queues", "service", priority=30.0)])
    assert new == WRITTEN.replace("priority = 5.0  #", "priority = 30.0  #")


def test_a_value_that_is_there_already_changes_no_letter() -> None:
    same = edit("queues", "service", requires="billing >= 20", priority=5, name={"zh": "业务", "en": "Service"})
    assert edited(WRITTEN, [same]) == WRITTEN


def test_a_new_key_of_a_row_with_a_table_below_it_is_the_rows() -> None:
    new = edited(WRITTEN, [edit("queues", "service", max_waiting=7)])
    row = tomllib.loads(new)["queues"][0]
    assert (row["max_waiting"], row["comfort"]) == (7, {"prompt": "wait"})
    assert "# do not rename" in new


def test_a_table_below_a_row_can_be_replaced_and_taken_out() -> None:
    new = edited(WRITTEN, [edit("queues", "service", comfort={"prompt": "other", "position": True})])
    assert tables(new)["queues"][0]["comfort"] == {"prompt": "other", "position": True}
    gone = edited(new, [edit("queues", "service", comfort=None)])
    assert "comfort" not in tables(gone)["queues"][0]


def test_steps_are_written_one_a_line() -> None:
    steps = [{"requires": "billing >= 50", "for_seconds": 20.0}, {"requires": "", "for_seconds": 0}]
    new = edited(WRITTEN, [edit("queues", "order", steps=steps)])
    assert tables(new)["queues"][1]["steps"] == steps
    assert '    { requires = "billing >= 50", for_seconds = 20.0 },\n' in new


def test_a_new_row_goes_behind_the_others_of_its_table() -> None:
    new = edited(WRITTEN, [SiteEdit(table="queues", id="vip", set={"name": {"zh": "贵", "en": "VIP"}}, create=True)])
    assert [row["id"] for row in tables(new)["queues"]] == ["service", "order", "vip"]
    assert new.index('id = "order"') < new.index('id = "vip"') < new.index("# --- people")


def test_the_first_row_of_a_table_goes_to_the_end() -> None:
    new = edited(WRITTEN.rstrip("\n"), [SiteEdit(table="reasons", id="lunch", set={"name": "x"}, create=True)])
    assert tables(new)["reasons"] == [{"id": "lunch", "name": "x"}]
    assert new.startswith(WRITTEN.rstrip("\n"))


def test_a_removed_row_takes_the_comment_that_touches_it() -> None:
    new = edited(WRITTEN, [SiteEdit(table="queues", id="service", remove=True)])
    assert "the big one" not in new and "since May" not in new
    assert "# --- queues" in new and "# --- people" in new and new.endswith("# the end\n")
    none = edited(new, [SiteEdit(table="agents", id="1001", remove=True)])
    assert "agents" not in tables(none) and none.endswith("# the end\n")


def test_several_changes_are_one_and_see_each_other() -> None:
    new = edited(
        WRITTEN,
        [
            SiteEdit(table="queues", id="vip", set={"name": "x"}, create=True),
            edit("queues", "vip", priority=3),
            SiteEdit(table="queues", id="order", remove=True),
        ],
    )
    assert [(row["id"], row.get("priority")) for row in tables(new)["queues"]] == [("service", 5.0), ("vip", 3)]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (edit("queues", "nobody", priority=1), "there is no such row (any more)"),
        (SiteEdit(table="queues", id="nobody", remove=True), "there is no such row (any more)"),
        (SiteEdit(table="queues", id="order", create=True), "there is one of this name already"),
        (edit("queues", "order", id="x"), "the name of a row is never changed: add a new row, then remove the old one"),
        (edit("queues", "order", name="a\nb"), "control characters cannot be used"),
        (edit("queues", "order", name={"a\0": "b"}), "control characters cannot be used"),
        (edit("queues", "order", priority=1e999), "is not a number"),
        (edit("queues", "order", priority=10**30), "is too large a number"),
        (edit("queues", "order", steps=[None]), "holds an empty value"),
        (edit("queues", "order", steps=[[[[[[[[]]]]]]]]), "is nested too deeply"),
    ],
)
def test_what_cannot_be_written_is_refused_in_words(change: SiteEdit, why: str) -> None:
    assert refused(WRITTEN, change) == why


def test_a_text_that_only_looks_like_rows_is_left_alone() -> None:
    odd = 'note = """\n[[queues]]\n"""\n\n[[queues]]\nid = "a"\n'
    assert refused(odd, edit("queues", "a", priority=1)).endswith("edit the file by hand")
    inline = 'queues = [{ id = "a" }]\n'
    assert refused(inline, edit("queues", "a", priority=1)).endswith("edit the file by hand")


def test_what_changed_is_told_in_lines() -> None:
    new = edited(
        WRITTEN.replace('["zh", "en"]', '["zh"]'),
        [
            edit("queues", "service", priority=9.0, max_waiting=3),
            SiteEdit(table="queues", id="order", remove=True),
            SiteEdit(table="reasons", id="tea", set={"name": "x"}, create=True),
        ],
    )
    assert differences(WRITTEN, new) == (
        'languages ["zh", "en"] -> ["zh"]',
        "queues/service: priority 5.0 -> 9.0, max_waiting - -> 3",
        "queues/order: removed",
        "reasons/tea: added",
    )


VALUES = st.recursive(
    st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab.c 'é\"\\", min_size=1, max_size=4), inner),
    max_leaves=4,
)
ROWS = ["service", "complaint", "order"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(ROWS), st.sampled_from(["name", "requires", "x", "y"]), VALUES), max_size=4))
def test_any_value_comes_back_as_it_was_given(changes: list[tuple[str, str, Any]]) -> None:
    wanted = {row["id"]: dict(row) for row in tables(DEMO)["queues"]}
    new = edited(DEMO, [edit("queues", row, **{key: value}) for row, key, value in changes])
    for row, key, value in changes:
        wanted[row][key] = value
    read = {row["id"]: row for row in tomllib.loads(new)["queues"]}
    for row, key, _value in changes:
        if key != "requires":
            assert read[row][key] == wanted[row][key]
    assert tables(new)["agents"] == tables(DEMO)["agents"]
    assert revision(new) != revision(DEMO) or new == DEMO
