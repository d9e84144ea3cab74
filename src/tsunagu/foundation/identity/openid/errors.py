"""What can go wrong between this node and an OpenID provider."""

from __future__ import annotations

from tsunagu.core.errors import InvalidInputError, TsunaguError


class BadProviderSettingError(InvalidInputError):
    """A table of ``openid_providers`` cannot be used."""

    code = "identity.bad_openid_setting"
    default_message = "An OpenID provider is not described completely in tsunagu.toml."
    default_remedy = "Each [[openid_providers]] has an id, an issuer and a client_id of its own."


class ProviderDownError(TsunaguError):
    """The provider did not answer, or its description of itself cannot be used."""

    code = "identity.provider_down"
    status = 502
    exit_code = 8
    default_message = "The sign-in service of your institution does not answer as it should."
    default_remedy = "Try again later, or sign in another way."


class SignInAbandonedError(TsunaguError):
    """The provider said that the person did not sign in, or did not agree."""

    code = "identity.sign_in_abandoned"
    status = 403
    exit_code = 3
    default_message = "The sign-in was not completed there, so you are not signed in."
    default_remedy = "Start again from the sign-in page."
