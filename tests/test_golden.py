"""Trainings give what they gave when the traces were written: see tests/golden.py."""

import json

import pytest

from tests.golden import GOLDEN, machine, traces


def test_trainings_are_those_of_the_golden_traces():
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    found = traces()
    assert found.keys() == golden["items"].keys()
    same = machine() == golden["machine"]
    for item, expected in golden["items"].items():
        assert found[item]["losses"] == pytest.approx(expected["losses"], rel=2e-3), item
        if same:
            assert found[item] == expected, item
