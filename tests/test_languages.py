"""What is known of the models in other languages than English."""

import pytest

from hybrid import models


@pytest.mark.parametrize("name", models.BUNDLED)
def test_bundled_models_know_english_only(name):
    assert models.fits_language(name, "en") and models.fits_language(name, "en-GB")
    assert not models.fits_language(name, "zh")
    assert not models.fits_language(name, "")


def test_a_bundled_model_may_know_more_languages(monkeypatch):
    known = models.BundledModel("generator", "", "", "", "", "", "", frozenset({"en", "zh"}))
    monkeypatch.setitem(models.BUNDLED, "bundled:both", known)
    assert models.fits_language("bundled:both", "zh")
    assert not models.fits_language("bundled:both", "de")


@pytest.mark.parametrize("name", ["tiny:llama", "hashing:64", "someone/chinese-model", "/a/folder"])
def test_nothing_is_known_against_other_models(name):
    assert models.fits_language(name, "zh")
