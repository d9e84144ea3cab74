"""Why a job ended as it did, in words: one sentence for each code that a result or the node gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as later

SENTENCES: Mapping[str, str] = {
    "": "",
    "ok": later("It succeeded."),
    "exit": later("The command ended with exit code %(exit_code)s."),
    "signal": later("The command was ended by signal %(signal)s."),
    "missing_program": later("The program %(program)s is not there, or it cannot be run."),
    "out_of_time": later("It took longer than its time limit and was ended."),
    "out_of_memory": later("It used more memory than its limit and was ended."),
    "disk_full": later("It wrote more than its disk limit and was ended."),
    "machine_full": later("The disk of the machine was nearly full, so the run was ended."),
    "too_many_processes": later("It started more processes than it may and was ended."),
    "too_many_files": later("It wrote more files than it may."),
    "bad_output": later("The output %(path)s cannot stand in a dataset: %(why)s"),
    "input_unusable": later("The input %(path)s could not be used: %(why)s"),
    "refused": later("The node refused something that the run needed: %(why)s"),
    "output_changed": later(
        "The outputs that arrived are not the ones that the run reported, or somebody changed the dataset meanwhile."
    ),
    "no_sandbox": later("The machine cannot wall the run in: %(why)s"),
    "not_accepted": later("The other node did not take the run: %(why)s"),
    "withdrawn": later("The node that owns the machine ended the run. Run it again, there or elsewhere."),
    "no_environment": later("The environment could not be built: %(why)s"),
    "machine_failed": later("The machine failed: %(why)s"),
    "cancelled": later("It was cancelled."),
    "stopped": later("Its machine was stopped, or the place where it ran ended it. Run it again."),
    "lost": later("The run vanished without a result; nothing of it was kept but its log."),
    "scheduler_cancelled": later("Somebody ended it in %(place)s (%(said)s)."),
    "scheduler_time": later("%(place)s ended it, because its time there was over (%(said)s)."),
    "scheduler_memory": later("%(place)s ended it, because it used more memory than was booked (%(said)s)."),
    "scheduler_preempted": later(
        "It was preempted: %(place)s ended it in favour of other work (%(said)s). Run it again."
    ),
    "scheduler_requeued": later(
        "It was preempted or requeued: %(place)s ended it midway; a second start was prevented (%(said)s). Run it again."
    ),
    "scheduler_node": later("The computer on which it ran failed (%(place)s: %(said)s). Run it again."),
    "scheduler_folder": later(
        "No machine of %(place)s could use the folder that it shares with this node (%(said)s)."
    ),
    "scheduler_failed": later("%(place)s could not start it or ended it (%(said)s)."),
    "served_finished": later("Its person stopped it; what it held was kept."),
    "served_idle": later("Nobody used it for a while, so it was stopped; what it held was kept."),
    "served_closed": later("It was shut down from within; what it held was kept."),
    "served_out_of_time": later("Its time was over; what it held was kept."),
    "served_out_of_memory": later(
        "It used more memory than its limit and was ended; what was saved was kept."
    ),
    "served_too_many_processes": later(
        "It started more processes than it may and was ended; what was saved was kept."
    ),
    "served_signal": later("Its server died; what was saved was kept."),
    "served_stopped": later("The machine on which it ran was stopped; what was saved was kept."),
    "served_machine_failed": later("The machine on which it ran failed; what was saved was kept."),
    "served_withdrawn": later("Its person may no longer use it, so it was stopped."),
    "vanished": later("The run does not answer; what became of it is being looked into."),
}

# Why a place has not begun a job that was handed to it.
WAITS: Mapping[str, str] = {
    "unseen": later("%(place)s has not looked at it yet."),
    "machines": later("It waits for free machines."),
    "turn": later("Other work comes first."),
    "limit": later("A limit of the account or the queue is reached."),
    "refused": later(
        "It asks for more than the account, the queue or the partition allows, so it will not begin as it is."
    ),
    "dependency": later("It waits for another job."),
    "dependency_never": later("It waits for another job that failed or is gone, so it will never begin."),
    "begin": later("It may not begin before a set time."),
    "held_user": later("It is held back by the account that runs the node's jobs."),
    "held_admin": later("It is held back by an administrator of the cluster."),
    "down": later("The partition, or machines that it needs, are down or kept for other work."),
    "licenses": later("It waits for a licence."),
    "reservation": later("It waits for a reservation to begin."),
    "readying": later("Its machines are being made ready."),
    "other": later("%(place)s gives a reason of its own."),
}


class _Known(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


def sentence(code: str, facts: Mapping[str, Any]) -> str:
    """The sentence for a code in the language of the reader."""
    text = SENTENCES.get(code, "")
    return _(text) % _Known(facts) if text else ""


def waiting_sentence(code: str, facts: Mapping[str, Any]) -> str:
    """Why a place has not begun a job, in the language of the reader."""
    return _(WAITS.get(code, WAITS["other"])) % _Known(facts)
