"""How good the verdict is, on simulated runs of which the truth is known.

    python benchmarks/adviser.py [DRAWS] [--write] [--seed=FIRST]

In each world of ``worlds.py`` the real effects and the real verdict are computed on 200 draws; the seeds 1000
to 1199 are held out for this figure. Wanted: a right choice in at least 90 % of the draws in 11 of 12 worlds,
and a wrong one other than ``undecided`` in at most 2 % of the draws in every world.

The regret of a choice is the true worth of the best option less that of the one chosen (see ``worlds.py``);
who is told ``undecided`` is taken to do nothing: prompt only.
"""

import sys
import time
from collections import Counter
from typing import Any

import numpy as np
from committed import arguments, keep, markdown
from worlds import WORLDS, D, World

from hybrid.evaluation.advice import advise

HELD_OUT = 1000
SIZES = (20, 60, 120, 200, 500, 1000)
CURVE = (
    "retrieval helps",
    "tuning helps",
    "both help",
    "neither helps",
    "they clash",
    "judge blind to the tuned model with retrieval",
    "seen questions flattered",
    "best prompt equals tuning",
)
RIGHT, WRONG, WORLDS_RIGHT = 0.9, 0.02, 11 / 12


def choice(world: World, seed: int, n: int | None = None) -> str:
    """What the adviser says to one run in a world."""
    table, groups, splits = world.draw(np.random.default_rng(seed), n)
    return advise(table, groups, splits, worth_it=D)["choice"]


def tried(world: World, seeds: range, n: int | None = None) -> dict[str, Any]:
    """How a world went: shares of right, undecided and confidently wrong choices, and the mean regret."""
    choices = Counter(choice(world, seed, n) for seed in seeds)
    right, worth, total = world.right(n), world.true_worth(), len(seeds)
    lost = {option: max(worth.values()) - value for option, value in worth.items()}
    lost["undecided"] = lost["prompt only"]
    return {
        "world": world.name,
        "n": n or world.n,
        "right_choices": sorted(right),
        "choices": dict(choices.most_common()),
        "right": sum(count for each, count in choices.items() if each in right) / total,
        "wrong": sum(count for each, count in choices.items() if each not in right | {"undecided"}) / total,
        "undecided": choices["undecided"] / total,
        "regret": sum(count * lost[each] for each, count in choices.items()) / total,
    }


def in_every_world(seeds: range) -> list[dict[str, Any]]:
    """One entry for each world, printed as it comes."""
    print(f"{'world':<46}{'n':>5}{'right':>7}{'wrong':>7}{'undecided':>11}  right choices")
    entries = []
    for world in WORLDS:
        entry = tried(world, seeds)
        entries.append(entry)
        shares = f"{entry['right']:>7.1%}{entry['wrong']:>7.1%}{entry['undecided']:>11.1%}"
        missed = (
            "" if entry["right"] >= RIGHT and entry["wrong"] <= WRONG else f"  MISSED: {entry['choices']}"
        )
        print(
            f"{world.name:<46}{entry['n']:>5}{shares}  {', '.join(entry['right_choices'])}{missed}",
            flush=True,
        )
    return entries


def by_questions(seeds: range) -> list[dict[str, Any]]:
    """Regret and wrong choices against the number of questions, over the worlds of the curve."""
    curve = []
    for n in SIZES:
        found = [tried(world, seeds, n) for world in WORLDS if world.name in CURVE]
        means = {
            key: float(np.mean([each[key] for each in found])) for key in ("regret", "wrong", "undecided")
        }
        curve.append({"n": n, **means})
        print(f"n {n:>5}: regret {100 * means['regret']:.1f} points, wrong {means['wrong']:.1%}", flush=True)
    return curve


def main() -> None:
    """Prints the shares of every world, and the curve; ``--write`` keeps them."""
    draws, write = arguments(200)
    first = next((int(word[7:]) for word in sys.argv if word.startswith("--seed=")), HELD_OUT)
    started = time.perf_counter()
    entries = in_every_world(range(first, first + draws))
    right = sum(entry["right"] >= RIGHT for entry in entries)
    safe = sum(entry["wrong"] <= WRONG for entry in entries)
    print(f"right in {RIGHT:.0%}: {right} of {len(entries)} worlds; wrong in at most {WRONG:.0%}: {safe}")
    curve = by_questions(range(first, first + max(1, draws // 4)))
    seconds = round(time.perf_counter() - started)
    print(f"{seconds} s")
    if write:
        outcome = {
            "draws": draws,
            "first_seed": first,
            "bars": {"right": RIGHT, "worlds_right": WORLDS_RIGHT, "wrong": WRONG},
            "worlds_right": right,
            "worlds_not_wrong": safe,
            "of": len(entries),
            "worlds": entries,
            "by_questions": {"worlds": CURVE, "draws": max(1, draws // 4), "curve": curve},
            "seconds": seconds,
        }
        keep("adviser", outcome, _tables(entries, curve))


def _tables(entries: list[dict[str, Any]], curve: list[dict[str, Any]]) -> str:
    worlds = [
        [
            entry["world"],
            ", ".join(entry["right_choices"]),
            entry["n"],
            *(_marked(entry, key) for key in ("right", "wrong", "undecided")),
        ]
        for entry in entries
    ]
    sizes = [
        [point["n"], f"{100 * point['regret']:.1f}", *(f"{point[k]:.1%}" for k in ("wrong", "undecided"))]
        for point in curve
    ]
    first = markdown(["world", "right choices", "n", "right", "wrong", "undecided"], worlds)
    second = markdown(["questions", "regret, points", "wrong", "undecided"], sizes)
    return f"{first}\n\nOver {len(CURVE)} of these worlds, by the number of questions:\n\n{second}"


def _marked(entry: dict[str, Any], key: str) -> str:
    missed = (key == "right" and entry[key] < RIGHT) or (key == "wrong" and entry[key] > WRONG)
    return f"**{entry[key]:.1%}**" if missed else f"{entry[key]:.1%}"


if __name__ == "__main__":
    main()
