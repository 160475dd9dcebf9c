import pytest

from hybrid.evaluation.cost import break_even, column_costs, effects_cost, tuning_costs
from hybrid.specs import InputsSpec, PricesSpec


def column(prompt, output, seconds, n=10):
    totals = {"prompt_tokens": prompt, "output_tokens": output, "seconds": seconds}
    return {"metrics": {name: {"mean": total, "n": n} for name, total in totals.items()}}


NOT_RUN = column(None, None, None, 0)
RESULTS = {
    "cells": {
        "base": column(1000, 100, 20),
        "base+rag": column(5000, 100, 40),
        "tuned": NOT_RUN,
        "tuned+rag": column(4000, 50, 30),
    },
    "references": {"few-shot+rag": column(9000, 100, 80)},
    "effects": {"tuning_rag": {"score": {"mean": 0.1, "low": 0.0, "high": 0.2}}},
    "provenance": {"adapter": {"manifest": {"seconds": 600}}},
}
PRICES = PricesSpec(hour=50, machine_hour=3.6, million_prompt_tokens=1)


def test_tokens_seconds_and_money_for_a_thousand_queries():
    found = column_costs(RESULTS, PRICES)
    assert set(found) == {"base", "base+rag", "tuned+rag", "few-shot+rag"}
    # 5000 tokens / 10 · 1000 = 0.5 million · 1; 40 s / 10 · 1000 / 3600 · 3.6 = 4
    assert found["base+rag"] == {
        "prompt_tokens": 500_000,
        "output_tokens": 10_000,
        "seconds": 4000,
        "price": pytest.approx(4.5),
    }
    assert column_costs(RESULTS, PricesSpec())["base"]["price"] is None


def test_tuning_costs_hours_and_the_machine():
    # 2 h · 50 + 600 s / 3600 · 3.6
    assert tuning_costs(RESULTS, InputsSpec(prices=PRICES, tuning_hours=2))["price"] == pytest.approx(100.6)
    assert tuning_costs(RESULTS | {"provenance": {}}, InputsSpec()) == {"seconds": None, "price": None}


def test_break_even_in_machine_time_and_in_money():
    # 600 s once; 8000 − 3000 s for a thousand queries
    found = break_even(RESULTS, InputsSpec())
    assert found == {"tuned+rag": {"against": "few-shot+rag", "unit": "seconds", "queries": 120}}
    # 100.6 once; (0.9 + 8) − (0.4 + 3) = 5.5 for a thousand: 18290.9
    found = break_even(RESULTS, InputsSpec(prices=PRICES, tuning_hours=2))
    assert found["tuned+rag"]["queries"] == 18_291


def test_a_dearer_answer_never_pays():
    dear = {**RESULTS, "references": {"few-shot+rag": column(900, 100, 8)}}
    assert break_even(dear, InputsSpec())["tuned+rag"]["queries"] is None


def test_an_effect_beside_its_cost():
    found = effects_cost(RESULTS, InputsSpec())["tuning_rag"]
    assert found["score"] == {"mean": 0.1, "low": 0.0, "high": 0.2}
    assert found["per_1000_queries"]["seconds"] == -1000
    assert found["once"]["seconds"] == 600
