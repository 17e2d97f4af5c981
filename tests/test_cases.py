"""Paragraphs of every kind in small documents, look-alikes among them, against the shipped model.

A case that the model is known to get wrong says ``"expect": "fail"``; when a model gets it right,
the strict xfail makes that known.
"""

import json
from pathlib import Path

import pytest

from dechrome import predict_paragraphs
from dechrome.labels import KINDS

CASES = Path(__file__).with_name("cases")


def load_cases():
    for kind in KINDS:
        for case in json.loads((CASES / f"{kind}.json").read_text(encoding="utf-8")):
            marks = [pytest.mark.xfail(strict=True, reason="known error")] if case["expect"] == "fail" else []
            yield pytest.param(case, id=f"{kind}-{case['label']}", marks=marks)


@pytest.mark.parametrize("case", list(load_cases()))
def test_case(case):
    predicted = predict_paragraphs(case["paragraphs"])[case["position"]]
    assert predicted.kind == case["expected"], f"{predicted.kind} at {predicted.p_content}: {case['comment']}"


def test_the_known_errors_are_the_smaller_part():
    cases = [case.values[0] for case in load_cases()]
    assert len(cases) >= 150
    assert sum(case["expect"] == "pass" for case in cases) >= 0.6 * len(cases)
