"""What can go wrong with identity."""

from __future__ import annotations

from tsunagu.core.errors import InvalidInputError, TsunaguError


class NotSignedInError(TsunaguError):
    """The request carries no valid session or token."""

    code = "identity.not_signed_in"
    status = 401
    exit_code = 3
    default_message = "You are not signed in, or the access token is unknown, expired or withdrawn."
    default_remedy = "Sign in, or make a new access token on your account page."


class BadEmailError(InvalidInputError):
    """The text is no e-mail address."""

    code = "identity.bad_email"
    default_message = "This is not an e-mail address."
