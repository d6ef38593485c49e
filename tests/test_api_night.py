"""Nights on a platform's API: published from it; an edit reaches the next release, a failure does not."""

import csv
import json
from datetime import UTC, datetime
from typing import Any

import pytest

HERE = "endline_site_h"
SCORES = """select round(mean_treatment * n_treatment + mean_control * n_control) from site_effects
    where site = 'site_h' and indicator = 'score' and is_headline and dimension = 'all'"""


@pytest.fixture
def by_api(small_programme, loopback):
    """The small programme with one site behind a SurveyCTO server; gives the server's submissions."""
    with (small_programme.folder / "exports/site_h/endline.csv").open() as file:
        answers = list(csv.DictReader(file))
    submissions: dict[str, dict[str, Any]] = {}
    for answer in answers:
        at = datetime.fromisoformat(answer["when"]).replace(tzinfo=UTC).strftime("%b %d, %Y %I:%M:%S %p")
        submissions[answer["id"]] = {
            **{name: answer[name] for name in ("child", "site", "reads", "score", "age")},
            "KEY": answer["id"],
            "SubmissionDate": at,
            "CompletionDate": at,
            "formdef_version": "1",
        }
    small_programme.without("sources.yml", "source", HERE)
    entry = {
        "source": HERE,
        "role": "survey",
        "platform": "surveycto",
        "instrument": "child_test",
        "wave": "endline",
        "sites": ["site_h"],
        "pull": {"connection": "cto", "asset": "endline", "full_every_days": 1},
        "keys": {"unit": "child", "site": "site"},
    }
    small_programme.add("sources.yml", entry)
    account = {"username": {"env": "CTO_USER"}, "password": {"env": "CTO_PASSWORD"}}
    server = {"platform": "surveycto", "server": loopback.url, **account}
    small_programme.write("connections.yml", {"cto": server})

    def answer(asked):
        if asked.path.endswith("/endline") and asked.headers.get("authorization", "").startswith("Basic "):
            return loopback.Reply(json.dumps(list(submissions.values())).encode())
        return loopback.Reply(status=404)

    loopback.answer = answer
    return submissions


def test_a_night_publishes_from_an_api_follows_an_edit_and_keeps_the_last_answer_when_it_fails(
    small_programme, by_api, loopback, tmp_path, sitewise, published
) -> None:
    home = tmp_path / "home"
    account = {"CTO_USER": "reader", "CTO_PASSWORD": "hunter2hunter2"}

    def night() -> str:
        done = sitewise(home, "nightly", "--programme", small_programme.folder, env=account)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    loopback.faults = [loopback.Reply(status=429, headers={"Retry-After": "1"})]
    night()
    (first,) = published(home, SCORES)
    assert first == (sum(int(row["score"]) for row in by_api.values()),)

    one = next(iter(by_api.values()))
    one["score"] = str(int(one["score"]) + 7)
    night()
    assert published(home, SCORES) == [(first[0] + 7,)]

    loopback.answer = lambda asked: loopback.Reply(status=401)
    said = night()
    assert published(home, SCORES) == [(first[0] + 7,)]
    assert HERE in said and "refused the account" in said.replace("\n", " ")
    told = published(home, f"select state from provenance where source = '{HERE}'")
    assert told == [("failed",)]
    everything = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert b"hunter2hunter2" not in everything
