"""Requests are plain data that nobody can change: what a verb does not say has one meaning everywhere."""

from __future__ import annotations

import msgspec
import pytest

from orchestrator.errors import UserError
from orchestrator.model import to_json
from orchestrator.plan.config import Config
from orchestrator.plan.request import BuildSettings, ResumeRequest, RunRequest, budget_of, refuse_price


def test_the_settings_of_a_build_survive_being_written_down():
    """Nodes of a cluster read them."""
    settings = BuildSettings(base_mode="pull", cuda_routes=["conda"], pip_find_links="/wheels", without_cuda=True)
    assert msgspec.json.decode(to_json(settings), type=BuildSettings) == settings


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (b'{"base_mode": "push"}', "Invalid enum value 'push'"),
        (b'{"base_moed": "pull"}', "unknown field `base_moed`"),
        (b'{"cuda_routes": "conda"}', "Expected `array`"),
    ],
)
def test_a_mistake_in_them_is_refused(written, words):
    with pytest.raises(msgspec.ValidationError, match=words):
        msgspec.json.decode(written, type=BuildSettings)


@pytest.mark.parametrize(("kind", "more"), [(RunRequest, {"config": Config()}), (ResumeRequest, {"run": "latest"})])
def test_without_a_word_missing_things_are_fetched_and_built_and_no_cell_repeats_by_itself(tmp_path, kind, more):
    request = kind(out=tmp_path, **more)
    assert request.may_fetch and request.may_build
    assert (request.until, request.build, request.root) == (None, BuildSettings(), None)
    with pytest.raises(AttributeError):
        request.may_build = False


def test_a_resumed_run_has_no_configuration_but_what_was_typed(tmp_path):
    request = ResumeRequest(run="latest", out=tmp_path)
    assert dict(request.typed) == {}
    assert not hasattr(request, "config")
    with pytest.raises(TypeError):
        ResumeRequest(run="latest", out=tmp_path, config=Config())


def test_a_budget_bounds_repeats_and_nothing_else():
    assert (budget_of(None, None), budget_of(0.02, None), budget_of(0.02, "1h")) == (1800, 1800, 3600)
    with pytest.raises(UserError, match="bounds the repeats of `until`, which is not given"):
        budget_of(None, "1h")


def test_a_price_is_for_training():
    refuse_price(None, "predict")
    refuse_price(0.9, "train")
    for mode in ("predict", "generate"):
        with pytest.raises(UserError, match=f"money is not worked out for `{mode}`"):
            refuse_price(0.9, mode)
