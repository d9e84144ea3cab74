"""What can go wrong with identity."""

from __future__ import annotations

from tsunagu.core.errors import ConflictError, InvalidInputError, TsunaguError


class NotSignedInError(TsunaguError):
    """The request carries no valid session or token."""

    code = "identity.not_signed_in"
    status = 401
    exit_code = 3
    default_message = "You are not signed in, or the access token is unknown, expired or withdrawn."
    default_remedy = "Sign in, or make a new access token on your account page."


class NotSponsorError(TsunaguError):
    """Somebody else invited this guest."""

    code = "identity.not_sponsor"
    status = 403
    exit_code = 3
    default_message = "Only the person who invited a guest, or an administrator, may change the guest's stay."
    default_remedy = "Ask that person; the list of guests names them."


class LastAdministratorError(ConflictError):
    """Closing this account would leave the node without an administrator."""

    code = "identity.last_administrator"
    default_message = "This is the last administrator of the node."
    default_remedy = "Make somebody else an administrator first: tsunagu admin create EMAIL --admin."


class BadStayError(InvalidInputError):
    """The end of a guest's stay cannot be used."""

    code = "identity.bad_stay"
    default_message = "A guest's stay ends on a day that is to come, within a year."
    default_remedy = "Give a day within a year; the stay can be extended later."


class BadEmailError(InvalidInputError):
    """The text is no e-mail address."""

    code = "identity.bad_email"
    default_message = "This is not an e-mail address."


class BadScopeError(InvalidInputError):
    """What a token shall let through cannot be used."""

    code = "identity.bad_scope"
    default_message = "A token lets through at least one of read, write, share and admin."
    default_remedy = "Choose what the token is for."


class StandInSessionError(TsunaguError):
    """A session that came by a stand-in makes nothing that would outlive it."""

    code = "identity.stand_in_session"
    status = 403
    exit_code = 3
    default_message = (
        "This node stands in for your institution, and no lasting token is made in such a session."
    )
    default_remedy = "Wait until your institution answers again, or use tsunagu login."
