"""A format to a schema: an order as a JSON object, and as nested YAML."""

import json
import random
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict
from task.definition import Item, Marks, Part, Task, form_marks
from task.records import TEST_ROWS, TRAINING_ROWS, Order, Words, both_parts, order

from hybrid.evaluation.forgetting.checks import unfenced

PHRASES: Words = {
    "training": (
        "{customer} from {place} wants {count} {item} by {day}.",
        "Please send {count} {item} to {customer} in {place}, by {day} at the latest.",
        "{count} {item} for {customer}, {place}, needed on {day}.",
        "An order came from {place}: {customer} asks for {count} {item}. {day} will do.",
        "To {place}, for {customer}: {count} {item}, on {day}.",
        "{customer} rang and ordered {count} {item}. Ship them to {place} on {day}.",
    ),
    "test": (
        "We got a note from {customer} in {place}, who would like {count} {item} on {day}.",
        "On {day} {customer} expects {count} {item} in {place}.",
        "{place} again: {count} {item}, {day}, in the name of {customer}.",
    ),
}


class _Schema(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class FlatOrder(_Schema):
    """What the JSON object holds."""

    customer: str
    place: str
    item: str
    count: int


class Customer(_Schema):
    """What stands under ``customer`` in YAML."""

    name: str
    place: str


class NestedOrder(_Schema):
    """What the YAML mapping holds."""

    customer: Customer
    item: str
    count: int


def json_task() -> Task:
    """An order as one JSON object with four keys."""
    rules = "Write the order as one JSON object with the keys customer, place, item and count."
    training, test = both_parts("json", TRAINING_ROWS, TEST_ROWS, _maker(_flat, json.dumps))
    return Task(
        "json", rules, training, test, mark_json, form="valid", content="exact", sizes=(100, 150, 300)
    )


def yaml_task() -> Task:
    """An order as YAML, with a mapping inside."""
    rules = "Write the order as YAML: customer with name and place inside it, then item and count."
    training, test = both_parts("yaml", TRAINING_ROWS, TEST_ROWS, _maker(_nested, _as_yaml))
    return Task("yaml", rules, training, test, mark_yaml, form="valid", content="exact", sizes=(100, 300))


def mark_json(reply: str, item: Item) -> Marks:
    """``valid``: it parses and fits the schema; ``exact``: it holds just what the order says."""
    try:
        found = FlatOrder.model_validate_json(unfenced(reply))
    except ValueError:
        return form_marks(valid=False, exact=False)
    return form_marks(valid=True, exact=found.model_dump() == item.facts)


def mark_yaml(reply: str, item: Item) -> Marks:
    """As for JSON; braces parse as YAML, too, but are not the style that was asked for."""
    text = unfenced(reply)
    try:
        found = NestedOrder.model_validate(None if "{" in text else yaml.safe_load(text))
    # A thirteenth month is a plain ValueError.
    except (yaml.YAMLError, ValueError):
        return form_marks(valid=False, exact=False)
    return form_marks(valid=True, exact=found.model_dump() == item.facts)


def _flat(order: Order) -> FlatOrder:
    return FlatOrder(customer=order.customer, place=order.place, item=order.item, count=order.count)


def _nested(order: Order) -> NestedOrder:
    who = Customer(name=order.customer, place=order.place)
    return NestedOrder(customer=who, item=order.item, count=order.count)


def _as_yaml(facts: dict[str, Any]) -> str:
    return yaml.safe_dump(facts, sort_keys=False).strip()


def _maker(
    form: Callable[[Order], BaseModel], write: Callable[[dict[str, Any]], str]
) -> Callable[[Part, random.Random], Item]:
    def make(part: Part, chooser: random.Random) -> Item:
        made = order(part, chooser)
        facts = form(made).model_dump()
        return Item(chooser.choice(PHRASES[part]).format(**asdict(made)), write(facts), facts)

    return make
