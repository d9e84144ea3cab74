"""The node's REST interface as this client uses it: JSON in, JSON out, problems as errors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from tsunagu.client.errors import BadAnswerError, NotSignedInError, UsageError, from_problem
from tsunagu.client.messages import text
from tsunagu.client.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tsunagu.client.account import Account
    from tsunagu.client.transport import Answer

_OK_FROM, _OK_BELOW = 200, 300


class Node:
    """One node, one token, one thread."""

    def __init__(self, account: Account, transport: Transport | None = None) -> None:
        self.account = account
        self.transport = transport or Transport()

    def close(self) -> None:
        """Close the connections."""
        self.transport.close()

    def bearer(self) -> str:
        """The token to show, renewed when it is about to end.

        Raises:
            NotSignedInError: the node ended the connection.
        """
        if self.account.refresh:
            from tsunagu.client import signing_in

            if signing_in.is_old(self.account):
                self.account = signing_in.renewed(self.account)
        return self.account.token

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """GET ``/api/v1`` + path."""
        return self._call("GET", path, query=query)

    def post(self, path: str, content: Any = None, *, repeatable: bool = False) -> dict[str, Any]:
        """POST JSON; repeated after a broken connection only when the caller says that this is safe."""
        return self._call("POST", path, content={} if content is None else content, repeatable=repeatable)

    def patch(self, path: str, content: Any) -> dict[str, Any]:
        """PATCH JSON."""
        return self._call("PATCH", path, content=content)

    def put(self, path: str, content: Any) -> dict[str, Any]:
        """PUT JSON."""
        return self._call("PUT", path, content=content)

    def delete(self, path: str, content: Any = None) -> dict[str, Any]:
        """DELETE, with a JSON body where the interface wants one."""
        return self._call("DELETE", path, content=content)

    def pages(self, path: str, key: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Every item of a list, page by page, as it is asked for."""
        after: str | None = None
        while True:
            page = self.get(path, **query, **({} if after is None else {"after": after}))
            yield from page.get(key, ())
            following = page.get("next")
            if following is None:
                return
            if following == after:
                raise BadAnswerError(
                    text("bad_answer", url=self.account.url), remedy=text("bad_answer_remedy")
                )
            after = following

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, Any] | None = None,
        content: Any = None,
        repeatable: bool = True,
    ) -> dict[str, Any]:
        url = f"{self.account.url}/api/v1{path}"
        chosen = {key: value for key, value in (query or {}).items() if value is not None}
        if chosen:
            url += "?" + urlencode(chosen)
        headers = {"Authorization": f"Bearer {self.bearer()}", "Accept": "application/json"}
        body = None
        if content is not None:
            body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
            headers["Content-Type"] = "application/json"
        answer = self.transport.request(method, url, headers=headers, body=body, repeatable=repeatable)
        return self._read(answer)

    def _read(self, answer: Answer) -> dict[str, Any]:
        if _OK_FROM <= answer.status < _OK_BELOW:
            content = parse_json(answer.body) if answer.body else {}
            if content is None:
                raise BadAnswerError(
                    text("bad_answer", url=self.account.url), remedy=text("bad_answer_remedy")
                )
            return content
        raise refusal(answer, self.account.url)


def refusal(answer: Answer, url: str) -> Exception:
    """The error for an answer that is not a success."""
    problem = parse_json(answer.body)
    if problem is None or "title" not in problem:
        where = answer.headers.get("Location", "")
        shown = text("bad_status", url=url, status=answer.status) + (f" ({where})" if where else "")
        return BadAnswerError(shown, remedy=text("bad_answer_remedy"))
    # A capability that ran out is asked for again; a sign-in that is too weak says itself what to do.
    own_words = ("core.capability", "identity.stronger_sign_in")
    if answer.status == 401 and not str(problem.get("code", "")).startswith(own_words):  # noqa: PLR2004
        return NotSignedInError(text("token_refused", url=url), remedy=text("no_token_remedy"))
    return from_problem(answer.status, problem)


def parse_json(body: bytes) -> dict[str, Any] | None:
    """A JSON object, or None when it is something else."""
    try:
        content = json.loads(body)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def dataset_path(name: str) -> str:
    """The REST path of ``PROJECT/DATASET``.

    Raises:
        UsageError: the name has another form.
    """
    project, slash, dataset = name.partition("/")
    if not (project and slash and dataset) or "/" in dataset:
        raise UsageError(text("bad_dataset_name", name=name), remedy=text("bad_dataset_name_remedy"))
    return f"/datasets/{quote(project, safe='')}/{quote(dataset, safe='')}"
