"""Text for people."""

from __future__ import annotations

import pytest

from orchestrator.text import (
    duration,
    listed,
    markdown,
    message,
    plain_lines,
    plural,
    printable,
    public,
    room,
    suggest,
    whole_minutes,
)


def test_what_a_job_says_does_not_steer_the_terminal():
    assert printable("a\x1b[31mb\r\nc\x07") == "a [31mb  c "
    assert printable("abcdef", 3) == "abc"


def test_a_misspelt_name_gets_the_closest_one_else_what_is_known():
    assert suggest("podmen", ["docker", "podman"]) == "did you mean 'podman'?"
    assert suggest("x", iter(["docker", "podman"])) == "known: docker, podman"
    assert suggest("x", ["docker"], "see the list") == "see the list"


def test_counts():
    assert [plural(number, "epoch") for number in (0, 1, 4096)] == ["0 epochs", "1 epoch", "4,096 epochs"]


def test_amounts_of_memory_have_one_form():
    assert [room(mib) for mib in (0, 100, 1023, 2048, 143155)] == [
        "0 MiB",
        "100 MiB",
        "1023 MiB",
        "2.0 GiB",
        "139.8 GiB",
    ]


def test_lists():
    assert [listed("abc"[:count]) for count in (1, 2, 3)] == ["a", "a and b", "a, b and c"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (42, "42 s"), (185, "3 min 05 s"), (3599.6, "1 h 00 min"), (7620, "2 h 07 min")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_a_time_is_not_more_exact_than_it_can_be():
    assert [whole_minutes(s) for s in (12.3, 61, 3599)] == [12.3, 120.0, 3600.0]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("--pip-index-url https://user:S3CRET@host/simple x", "--pip-index-url https://host/simple x"),
        ("keras @ git+http://bot:S3CRET@h/x.git@main#subdirectory=a", "keras @ git+http://h/x.git@main#subdirectory=a"),
        ("https://S3CRET@host", "https://host"),
        ("https://user:it's#S3?CRET@host/a", "https://host/a"),
        ("HTTPS://U:S3CRET@H/", "HTTPS://H/"),
        ("https://user:S3/CRET@host/simple", "https://host/simple"),
        ("https://host/a?token=S3CRET&sig=S3CRET", "https://host/a"),
        ("https://host/a?tag=v1&token=S3CRET#access=S3CRET", "https://host/a?tag=v1"),
        ("https://host/a;jsessionid=S3CRET/b", "https://host/a/b"),
        ("name=https://u:S3CRET@host/s, and 'https://u:S3CRET@b'", "name=https://host/s, and 'https://b'"),
        ("user:S3CRET@proxy:3128", "proxy:3128"),
        ("https://host/ghp_S3CRETS3CRETS3CRET12/simple", "https://host/***/simple"),
        ("git+ssh://git:S3CRET@h/a.git", "git+ssh://h/a.git"),
        ("http_proxy=user:S3CRET@proxy", "http_proxy=proxy"),
        ("glcbt-64_S3CRETS3CRETS3CRET and AKIAS3CRETS3CRETS3CR", "*** and ***"),
        ("Bearer eyJS3CRETS3CRET.eyJS3CRETS3CRET.S3CRET-x", "Bearer ***"),
    ],
)
def test_an_address_is_shown_without_what_is_secret_in_it(text, shown):
    assert public(text) == shown
    assert public(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "git+ssh://git@github.com/keras-team/keras.git@v3#egg=keras",
        "https://host:8080/a.whl#sha256=0123abc",
        "git+https://host:8080/a.git@main",
        "http://[::1]:80/a.git@main",
        "keras @ file:///home/me/keras [cpu]",
        "a mail to me@host, at 12:30, results/20260101-000000-abcd, C:/x",
        "https://pypi.org/simple (the default)",
        f"--base-image debian:bullseye-slim@sha256:{'0' * 64}",
    ],
)
def test_an_address_without_secrets_is_shown_as_it_is(text):
    assert public(text) == text


@pytest.mark.parametrize(
    "piece", ["a", "%", "a1", "x.", "a://b:x'", "://", "a:b@", "a:", "@", "a://b:1", "ghp_", "eyJaaaaaaaaaaa.", "a:b@h"]
)
def test_looking_for_secrets_takes_no_longer_for_each_letter_of_a_longer_text(piece):
    """A record of somebody's may be one word of many megabytes. Looked on from every letter, this took hours."""
    text = piece * (500_000 // len(piece))
    assert public(f"{text} https://me:S3CRET@host/ ").endswith(" https://host/ ")


def test_of_a_message_no_further_line_can_pass_for_another_message():
    text = "a\x1b[2J\n::error::forged\n  ERROR forged https://u:S3CRET@h/"
    assert message(text) == "a [2J\n  | ::error::forged\n  | ERROR forged https://h/"


def test_a_document_keeps_its_lines_and_plain_spaces_and_nothing_that_steers():
    assert plain_lines("a\n\tb\u00a0c\u202f1 \x1b \x9b \u202e \u2028 \x00") == "a\n\tb\u00a0c\u202f1          "


def test_markdown_is_inert():
    assert markdown("a|b\n<c> *d* `e` [f](g) \u202e") == "a\\|b &lt;c&gt; \\*d\\* \\`e\\` \\[f\\](g) "


@pytest.mark.parametrize("seconds", [float("inf"), float("-inf"), float("nan"), 1.7e308, -1.7e308])
def test_a_time_that_no_run_takes_is_unknown(seconds):
    assert duration(seconds) == "an unknown time"
