from hybrid.evaluation.probes.aside import kept_aside


def test_what_no_judge_decides_is_taken_over_from_a_finished_run():
    skipped, rates = {"the answer is a list": 2}, {"canaries": 3, "canary_rate": {}, "copied_rate": {}}
    probes = {
        "oracle": {"base+rag": {"metrics": {}}},
        "counterfactual": {"base+rag": {"metrics": {}, "right": {}, "skipped": skipped}},
        "regurgitation": {"few-shot": {"metrics": {}, **rates}, "tuned": rates},
    }
    assert kept_aside(probes) == {
        "counterfactual": {"base+rag": {"skipped": skipped}},
        "regurgitation": {"few-shot": rates, "tuned": rates},
    }
    assert kept_aside({}) == {}
