"""Code of a dataset at one node runs on the computers of another: two real nodes, as their people use them."""

from __future__ import annotations

import json
import shutil
import time

import pytest

from tests.functional.two_nodes import key_of, signed, told, two_nodes, wait
from tsunagu.core.ids import new_id

pytestmark = [
    pytest.mark.functional,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed"),
]


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    with two_nodes(tmp_path_factory) as made:
        yield made


def test_the_whole_way(pair, tmp_path):
    done = pair.run("sort $TSUNAGU_IN/a.txt > $TSUNAGU_OUT/sorted.txt; echo sorted", "--out", "lab/sorted")
    assert (done["state"], done["version"], done["executor"]) == ("succeeded", 1, "kita")
    assert pair.home.run("logs", done["run"]).stdout == "sorted\n"
    pair.home.run("pull", "lab/sorted", str(tmp_path / "sorted"))
    assert (tmp_path / "sorted" / "sorted.txt").read_text() == "1\n2\n3\n"
    (record,) = [one for one in pair.home.json("runs", "lab/sorted") if one["id"] == done["run"]]
    assert record["parameters"]["site"]["title"] == "Kita University"
    labels = {one["name"]: one for one in pair.home.json("label", "lab/sorted")["labels"]}
    assert labels["sensitivity"]["value"] == "2"
    guest = wait(
        lambda: (one := pair.at_far(done["run"])) and one["state"] == "succeeded" and one, "the account"
    )
    assert record["parameters"]["host"]["run"] == guest["run"]
    assert (guest["partner"], guest["asker"]) == ("Minami University", "owner@example.org")
    assert guest["cpu_s"] == done["cpu_s"]
    assert "lab/" not in json.dumps(guest), "the other node does not learn what the data are called"
    assert not list((pair.far.home / "spool" / "guests").iterdir())
    assert pair.far.json("ls") == []


def test_both_sides_see_the_same_fingerprint_and_only_administrators_see_offers(pair):
    (offer,) = [one for one in pair.far.json("compute", "offers")["offers"] if one["is_open"]]
    assert offer["fingerprint"] == pair.mine["fingerprint"]
    (site,) = pair.home.json("compute", "sites")["sites"]
    assert site["fingerprint"] == pair.theirs["fingerprint"]
    other = pair.far.make_token("somebody@example.org")
    for path in ("own", "offers", "guests"):
        assert pair.far.api("GET", f"/compute/{path}", token=other)[0] == 403


def test_a_lock_file_is_built_where_the_run_is(pair, tmp_path):
    lock = tmp_path / "requirements.lock"
    lock.write_text("no-such-package-here==1.0 --hash=sha256:" + "ab" * 32 + "\n")
    done = pair.run("true", "--out", "lab/locked", "--env", str(lock), check=False)
    assert (done["state"], done["code"]) == ("failed", "no_environment")
    assert list((pair.far.home / "spool").glob("environments*"))
    assert not list((pair.home.home / "spool").glob("environments*"))


def test_what_fails_there_fails_here_with_the_same_words(pair):
    done = pair.run("exit 7", "--out", "lab/failing", check=False)
    assert (done["state"], done["code"], done["result"]["exit_code"]) == ("failed", "exit", 7)
    assert wait(lambda: (one := pair.at_far(done["run"])) and one["code"], "the account") == "exit"


def test_the_run_there_reaches_no_network_and_no_other_server(pair):
    script = f"python3 -c \"import urllib.request as u; u.urlopen('http://127.0.0.1:{pair.far.port + 1}/healthz')\""
    assert pair.run(script, "--out", "lab/curious", check=False)["code"] == "exit"


# --- Cancel, withdraw


def test_cancel_at_home_reaches_the_other_node(pair):
    run = pair.started("sleep 600", "lab/cancelled")
    pair.home.run("cancel", run)
    found = pair.wait_for(run, {"cancelled"}, timeout_s=20)
    assert found["cpu_s"] < 5, "the rest of what was reserved is given back"
    wait(lambda: pair.at_far(run)["state"] == "cancelled", "the other node to end it")


def test_a_run_that_waits_there_is_cancelled_too(pair):
    first = pair.started("sleep 600", "lab/first")  # the offer lets one run at a time
    waiting = pair.run("true", "--out", "lab/second", "--detach")["run"]
    wait(lambda: pair.at_far(waiting), "the other node to take it")
    assert pair.at_far(waiting)["state"] == "queued"
    pair.home.run("cancel", waiting)
    pair.wait_for(waiting, {"cancelled"}, timeout_s=20)
    pair.home.run("cancel", first)
    pair.wait_for(first, {"cancelled"}, timeout_s=20)
    assert pair.at_far(waiting)["state"] == "cancelled"


def test_an_administrator_there_ends_a_run_and_home_says_so(pair):
    run = pair.started("sleep 600", "lab/ended")
    pair.far.run("compute", "end", pair.at_far(run)["run"])
    found = pair.wait_for(run, {"failed"}, timeout_s=30)
    assert found["code"] == "withdrawn"
    assert wait(lambda: pair.at_far(run)["code"], "the account") == "withdrawn"


def test_a_withdrawn_offer_ends_what_runs_and_takes_nothing_more(pair):
    run = pair.started("sleep 600", "lab/withdrawn")
    (offer,) = [one for one in pair.far.json("compute", "offers")["offers"] if one["is_open"]]
    pair.far.run("compute", "withdraw", offer["id"])
    assert pair.wait_for(run, {"failed"}, timeout_s=30)["code"] == "withdrawn"
    refused = pair.run("true", "--out", "lab/refused", check=False)
    assert (refused["state"], refused["code"]) == ("failed", "not_accepted")
    assert "withdrawn" in refused["sentence"]
    pair.offer()
    assert pair.run("true", "--out", "lab/refused")["state"] == "succeeded"


# --- Budgets and limits


def test_the_budget_of_the_partner_and_its_limits_hold(pair):
    pair.renew("--cpu-s", "90", "--time", "2m")
    short = pair.run("true", "--out", "lab/short", "--time", "1m")
    assert short["state"] == "succeeded"
    wait(lambda: pair.at_far(short["run"])["state"] == "succeeded", "the account")
    refused = pair.run(
        "true", "--out", "lab/long", check=False
    )  # ten minutes by default: more than is offered
    assert (refused["code"], "duration_s = 600" in refused["sentence"]) == ("not_accepted", True)
    first = pair.run("sleep 600", "--out", "lab/reserving", "--time", "1m", "--detach")["run"]
    wait(lambda: pair.at_far(first), "the other node to take it")
    refused = pair.run("true", "--out", "lab/over", "--time", "1m", check=False)
    assert (refused["code"], "budget" in refused["sentence"]) == ("not_accepted", True)
    assert refused["cpu_s"] == 0
    pair.home.run("cancel", first)
    pair.wait_for(first, {"cancelled"}, timeout_s=30)
    pair.renew()


def test_labels_that_may_not_leave_keep_the_data_at_home(pair, tmp_path):
    (tmp_path / "b.txt").write_text("b")
    pair.home.run("push", str(tmp_path), "lab/secret")
    pair.home.run("freeze", "lab/secret")

    def refused():
        done = pair.home.run("run", "lab/secret", "--on", "kita", "--", "true", check=False)
        assert done.returncode == 3, done
        return done.stderr

    assert "Personal information: nobody has decided this label" in refused()
    pair.home.run("label", "lab/secret", "personal=yes")
    pair.home.run("label", "lab/secret", "export_control=controlled")
    said = refused()
    assert "Personal information is “yes”; at most “anonymised” may leave for Kita University" in said
    assert "Export control is “controlled”; at most “no”" in said
    places = {one["name"]: one for one in pair.home.json("compute", "places", "lab/secret")["places"]}
    assert (places["sandbox"]["may"], places["kita"]["may"]) == (True, False)
    assert len(places["kita"]["reasons"]) == 2


# --- Messages that are not what they say


def test_forged_old_and_repeated_messages_are_refused(pair):
    body = signed(key_of(pair.home), pair.theirs["public_key"], "look", runs=[])
    asked = json.loads(json.loads(body)["message"])
    assert told(pair.far, body) == (
        200,
        {"to": asked["from"], "nonce": asked["nonce"], "answer": {"runs": {}}},
    )
    for wrong in (
        body,  # heard before
        signed(key_of(pair.home), pair.theirs["public_key"], "look", runs=[], at=time.time() - 3600),
        signed(key_of(pair.home), pair.theirs["public_key"], "look", runs=[], nonce="x"),
        signed(key_of(pair.home), pair.mine["public_key"], "look", runs=[]),  # for somebody else
        signed(key_of(pair.far), pair.theirs["public_key"], "look", runs=[]),  # of a node that has no offer
        signed(key_of(pair.home), pair.theirs["public_key"], "look", runs=[]).replace(b"look", b"dook"),
        b"[]",
        b'{"message": "[]", "signature": ""}',
        b"",
    ):
        status, said = told(pair.far, wrong)
        assert (status, said["code"]) == (401, "compute.forged_request"), wrong


def test_messages_that_cannot_be_read_are_answered_in_words(pair):
    for do, content in (
        ("run", {}),
        ("run", {"run": "x", "secret": "ab" * 32, "asker": "a", "limits": {}, "lock": ""}),
        ("run", {"run": new_id(), "secret": "ab" * 32, "asker": "a", "limits": {"cores": -1}, "lock": ""}),
        ("run", {"run": new_id(), "secret": "ab" * 32, "asker": "a", "limits": {"x": 1}, "lock": ""}),
        ("look", {}),
        ("fly", {}),
    ):
        status, said = told(pair.far, signed(key_of(pair.home), pair.theirs["public_key"], do, **content))
        assert status == 200
        assert said["problem"]["code"] == "core.invalid_input", (do, content, said)
