"""What can go wrong between nodes."""

from __future__ import annotations

from tsunagu.core.errors import (
    CapabilityRefusedError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    TsunaguError,
)


class ForgedRequestError(CapabilityRefusedError):
    """A message of another node that is not signed as it should be, is old, or was heard before."""

    code = "compute.forged_request"
    default_message = (
        "This message does not come from a node that this one knows, it is old, or it was heard before."
    )
    default_remedy = "Compare the fingerprints of the keys and the clocks of both nodes."


class NotOfferedError(TsunaguError):
    """There is no offer in force that covers the request."""

    code = "compute.not_offered"
    status = 403
    exit_code = 3
    default_message = "The other node does not offer this."
    default_remedy = "Ask its administrator for an offer, or ask for less."


class SiteSilentError(TsunaguError):
    """The other node does not answer, or not as itself."""

    code = "compute.site_silent"
    status = 502
    exit_code = 8
    default_message = "The other node does not answer, or its answer is not signed with its key."
    default_remedy = (
        "Try again later; if it stays, compare the address and the fingerprint with its administrator."
    )


class BadPartnerError(InvalidInputError):
    """An offer or a site that cannot be as it is described."""

    code = "compute.bad_partner"
    default_message = "This agreement cannot be made as it is described."


class NameTakenError(ConflictError):
    """There is one already."""

    code = "compute.partner_exists"
    default_message = "There is an agreement of that name, or with that key, already."
    default_remedy = "End the other one first."


class NoSuchPartnerError(NotFoundError):
    """There is no such offer or site."""

    code = "compute.no_such_partner"
    default_message = "There is no such agreement with another node."
