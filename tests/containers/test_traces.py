"""A real build whose package index has an account: no layer of the engine tells it afterwards, whether it ends well."""

from __future__ import annotations

import io
import secrets

import pytest

from orchestrator.errors import HostError
from orchestrator.stacks.images import build as image_build
from orchestrator.stacks.images import traces
from orchestrator.stacks.images.context import write_context
from tests.fakes.runs import stub_image

pytestmark = pytest.mark.containers

DOCKERFILE = """
FROM {base} AS build
USER root
ARG PIP_INDEX_URL=
RUN echo {unique} > /made
RUN {end}
FROM {base}
COPY --from=build /made /made
"""


@pytest.mark.parametrize("end", ["true", "false"])
def test_no_layer_of_an_engine_tells_a_secret(engine, tmp_path, end):
    word = secrets.token_hex(8)
    tag, arguments = (
        f"keras-orchestrate-test/{secrets.token_hex(8)}:1",
        {"PIP_INDEX_URL": f"https://me:{word}@host/simple"},
    )
    dockerfile = DOCKERFILE.format(base=stub_image(engine).id, unique=secrets.token_hex(8), end=end)
    before = set(engine.api.images(all=True, quiet=True))
    with io.BytesIO() as context:
        write_context(context, dockerfile, {})
        context.seek(0)
        request = {"tag": tag, "buildargs": arguments, "network_mode": "none"}
        try:
            with traces.removed(engine, arguments):
                image_build.stream_build(engine, context, request, tmp_path / "log", lambda line: None)
        except HostError:
            assert end == "false"
        else:
            assert end == "true"
            engine.api.inspect_image(tag)
    try:
        new = set(engine.api.images(all=True, quiet=True)) - before
        telling = [image for image in new if traces._tells(engine, image, {word})]
        assert telling == []
        assert word not in (tmp_path / "log").read_text()
    finally:
        if end == "true":
            engine.api.remove_image(tag)
