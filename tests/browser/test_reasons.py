"""The reasons' set-up page: what can be done with each stands at the end of its row, in one column."""

import pytest


@pytest.mark.parametrize("width", [1440, 1024])
def test_what_can_be_done_with_a_reason_stands_at_the_end_of_its_row(visit, people, width):
    window = visit(people["revops"], width=width)
    window.open("/setup/reasons/")
    rights, lefts = set(), set()
    for row in window.find("tbody tr:has(button):has(a.btn)").all():
        box, last = row.bounding_box(), row.locator("a.btn").last.bounding_box()
        assert row.locator(".btn").first.bounding_box()["y"] == last["y"]
        rights.add(round(box["x"] + box["width"] - last["x"] - last["width"]))
        lefts.add(round(row.locator(".btn").first.bounding_box()["x"]))

    assert max(rights) <= 16
    assert (len(rights), len(lefts)) == (1, 1)


def test_on_a_phone_it_stands_in_a_line_of_its_own(visit, people):
    window = visit(people["revops"], width=390, height=844)
    window.open("/setup/reasons/")
    for row in window.find("tbody tr:has(button):has(a.btn)").all():
        boxes = [each.bounding_box() for each in row.locator(".btn").all()]
        assert len({round(box["y"] + box["height"] / 2) for box in boxes}) == 1
        facts = [each.bounding_box() for each in row.locator("td[data-label]").all()]
        assert boxes[0]["y"] >= max(box["y"] + box["height"] for box in facts)
