"""What can go wrong between this node and a federation."""

from __future__ import annotations

from tsunagu.core.errors import ConflictError, InvalidInputError, NotFoundError, TsunaguError


class FeedRefusedError(InvalidInputError):
    """A metadata feed cannot be trusted; the last good copy stays in use."""

    code = "identity.feed_refused"
    default_message = "The metadata feed was refused; the last good copy stays in use."
    default_remedy = "Ask the federation's operator, and compare the pinned certificate with theirs."


class BadFeedSettingError(InvalidInputError):
    """A table of ``federation_feeds`` cannot be used."""

    code = "identity.bad_feed_setting"
    default_message = "A metadata feed is not described completely in tsunagu.toml."
    default_remedy = "Each [[federation_feeds]] has a name, a certificate, and a url or a file."


class UnknownProviderError(NotFoundError):
    """No feed knows this identity provider."""

    code = "identity.unknown_provider"
    default_message = "This institution is in none of the metadata feeds of this node."
    default_remedy = "Choose your institution again, or ask the administrator to add its federation."


class AssertionRefusedError(TsunaguError):
    """What an identity provider sent cannot be trusted; nobody was signed in."""

    code = "identity.assertion_refused"
    status = 403
    exit_code = 3
    default_message = "The answer of your institution was refused, so you are not signed in."
    default_remedy = "Start again from the sign-in page; if it stays, tell the administrator the time below."


class WeakSignInError(TsunaguError):
    """The institution signed the person in, but not as strongly as was asked."""

    code = "identity.weak_sign_in"
    status = 403
    exit_code = 3
    default_message = (
        "Your institution confirmed who you are, but not with the second factor that was asked for."
    )
    default_remedy = "Confirm with a passkey or a one-time code of this node instead."


class AddressTakenError(ConflictError):
    """An account with the asserted address exists and is not linked; an address alone never links."""

    code = "identity.address_taken"
    default_message = (
        "An account with your e-mail address exists here, and it is not linked to your institution."
    )
    default_remedy = "Sign in to that account as before, then link your institution on the account page."


class AlreadyLinkedError(ConflictError):
    """The identity belongs to another account."""

    code = "identity.already_linked"
    default_message = "This identity of your institution already belongs to another account."
    default_remedy = "Sign in with it and unlink it there first."


class NoAccountError(TsunaguError):
    """The node makes no accounts by itself."""

    code = "identity.no_account"
    status = 403
    exit_code = 3
    default_message = "You have no account here, and this node makes none by itself."
    default_remedy = "Ask the administrator or a project owner for an invitation."
