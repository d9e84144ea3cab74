"""What can go wrong with workflows."""

from __future__ import annotations

from tsunagu.core.errors import InvalidInputError


class BadWorkflowError(InvalidInputError):
    """A CWL document that cannot be run here; the message says where and why."""

    code = "workflows.bad_workflow"
    default_message = "This CWL document cannot be run."


class NoCwltoolError(InvalidInputError):
    """The environment for a workflow holds no cwltool."""

    code = "workflows.no_cwltool"
    default_message = "The lock file names no cwltool, so its environment cannot run a workflow."
    default_remedy = "Add cwltool to it, pinned by hashes; or leave the lock file out."
