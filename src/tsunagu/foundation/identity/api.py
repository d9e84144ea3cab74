"""The door of identity: people, access tokens, sign-in links."""

from tsunagu.foundation.identity.bearers import (
    absent_person,
    actor_for_token,
    actor_of_record,
    is_active,
    require_lasting_session,
    token_ends_at,
)
from tsunagu.foundation.identity.closing import (
    close_account,
    hand_over_guests,
    may_succeed,
    open_accounts,
    reopen_account,
    sponsors,
)
from tsunagu.foundation.identity.errors import (
    BadEmailError,
    BadScopeError,
    BadStayError,
    LastAdministratorError,
    NotSignedInError,
    NotSponsorError,
    StandInSessionError,
)
from tsunagu.foundation.identity.federation.assurance import TWO_FACTORS, Assurance
from tsunagu.foundation.identity.federation.assurance import of_local as local_assurance
from tsunagu.foundation.identity.federation.assurance import together as joined_assurance
from tsunagu.foundation.identity.federation.claims import Claims, Subject
from tsunagu.foundation.identity.federation.errors import (
    AddressTakenError,
    AlreadyLinkedError,
    AssertionRefusedError,
    FeedRefusedError,
    NoAccountError,
    UnknownProviderError,
    WeakSignInError,
)
from tsunagu.foundation.identity.federation.feeds import is_configured as is_federated
from tsunagu.foundation.identity.federation.feeds import known as known_providers
from tsunagu.foundation.identity.federation.feeds import refresh_all as refresh_feeds
from tsunagu.foundation.identity.federation.feeds import search as search_providers
from tsunagu.foundation.identity.federation.feeds import status as feed_status
from tsunagu.foundation.identity.federation.groups import Membership
from tsunagu.foundation.identity.federation.groups import parse as parse_membership
from tsunagu.foundation.identity.federation.service_provider import begin as begin_sign_in
from tsunagu.foundation.identity.federation.service_provider import describe as describe_service_provider
from tsunagu.foundation.identity.federation.service_provider import entity_id as service_provider_id
from tsunagu.foundation.identity.federation.service_provider import receive as receive_answer
from tsunagu.foundation.identity.federation.sign_ins import Outcome, Purpose, claims_of
from tsunagu.foundation.identity.federation.sign_ins import finish as finish_sign_in
from tsunagu.foundation.identity.federation.tasks import request_refresh as request_feed_refresh
from tsunagu.foundation.identity.federation.types import FeedCard, ProviderCard
from tsunagu.foundation.identity.guests import (
    GuestCard,
    end_stay,
    end_stays,
    extend_stay,
    guests_of,
    invite,
    renew_invitation,
    stay_is_over,
)
from tsunagu.foundation.identity.linking import IdentityCard, admit, identities_of, institutions_of, unlink
from tsunagu.foundation.identity.linking import holder as holder_of_claims
from tsunagu.foundation.identity.linking import link as link_identity
from tsunagu.foundation.identity.openid.errors import (
    BadProviderSettingError,
    ProviderDownError,
    SignInAbandonedError,
)
from tsunagu.foundation.identity.openid.providers import OpenIDProvider
from tsunagu.foundation.identity.openid.providers import configured as openid_providers
from tsunagu.foundation.identity.openid.providers import look_at as look_at_openid
from tsunagu.foundation.identity.openid.providers import of_issuer as openid_provider_of
from tsunagu.foundation.identity.openid.relying_party import begin as begin_openid
from tsunagu.foundation.identity.openid.relying_party import receive as receive_openid
from tsunagu.foundation.identity.programs.asking import (
    POLL_S,
    SentBackError,
    answer_device,
    begin_device,
    waiting_device,
)
from tsunagu.foundation.identity.programs.asking import allow as allow_program
from tsunagu.foundation.identity.programs.asking import asked as asked_by_program
from tsunagu.foundation.identity.programs.asking import decline as decline_program
from tsunagu.foundation.identity.programs.asking import introspect as introspect_token
from tsunagu.foundation.identity.programs.asking import refuse as refuse_program
from tsunagu.foundation.identity.programs.asking import revoke as revoke_program_token
from tsunagu.foundation.identity.programs.asking import token as program_token
from tsunagu.foundation.identity.programs.asking import waiting as device_by_code
from tsunagu.foundation.identity.programs.connections import (
    SignedIn,
    api_resource,
    connections_of,
)
from tsunagu.foundation.identity.programs.connections import end as end_connection
from tsunagu.foundation.identity.programs.connections import forget_old as forget_program_secrets
from tsunagu.foundation.identity.programs.errors import (
    BadProgramError,
    ProgramRefusedError,
    StrongerSignInError,
    UnknownProgramError,
    WrongCodeError,
)
from tsunagu.foundation.identity.programs.keys import public_keys
from tsunagu.foundation.identity.programs.registration import invite as invite_program
from tsunagu.foundation.identity.programs.registration import register_itself, withdraw_unused
from tsunagu.foundation.identity.programs.registry import CLI, programs
from tsunagu.foundation.identity.programs.registry import register as register_program
from tsunagu.foundation.identity.programs.registry import withdraw as withdraw_program
from tsunagu.foundation.identity.programs.saying import resource_metadata, server_metadata, user_info
from tsunagu.foundation.identity.programs.types import (
    CODE,
    DEVICE,
    GRANTS,
    REFRESH,
    Asked,
    ConnectionCard,
    Consent,
    ProgramCard,
)
from tsunagu.foundation.identity.selectors import (
    find_person,
    has_own_sign_in,
    has_people,
    people,
    tokens_of,
)
from tsunagu.foundation.identity.services import (
    actor_for_person,
    ensure_person,
    issue_instrument_token,
    issue_token,
    make_sign_in_link,
    revoke_instrument_tokens,
    revoke_token,
    set_preferences,
    use_sign_in_link,
)
from tsunagu.foundation.identity.stand_ins import (
    BadStandInError,
    InstitutionCard,
    StandIn,
    belongs_to_institution,
    end_over_stand_ins,
    end_stand_in,
    institutions,
    is_standing_in,
    may_be_stood_in_for,
    stand_in_for,
    start_stand_in,
)
from tsunagu.foundation.identity.types import (
    ANONYMOUS,
    SYSTEM,
    VERBS,
    Actor,
    ActorKind,
    PersonCard,
    TokenCard,
    TokenScope,
    Verb,
)

__all__ = [
    "ANONYMOUS",
    "CLI",
    "CODE",
    "DEVICE",
    "GRANTS",
    "POLL_S",
    "REFRESH",
    "SYSTEM",
    "TWO_FACTORS",
    "VERBS",
    "Actor",
    "ActorKind",
    "AddressTakenError",
    "AlreadyLinkedError",
    "Asked",
    "AssertionRefusedError",
    "Assurance",
    "BadEmailError",
    "BadProgramError",
    "BadProviderSettingError",
    "BadScopeError",
    "BadStandInError",
    "BadStayError",
    "Claims",
    "ConnectionCard",
    "Consent",
    "FeedCard",
    "FeedRefusedError",
    "GuestCard",
    "IdentityCard",
    "InstitutionCard",
    "LastAdministratorError",
    "Membership",
    "NoAccountError",
    "NotSignedInError",
    "NotSponsorError",
    "OpenIDProvider",
    "Outcome",
    "PersonCard",
    "ProgramCard",
    "ProgramRefusedError",
    "ProviderCard",
    "ProviderDownError",
    "Purpose",
    "SentBackError",
    "SignInAbandonedError",
    "SignedIn",
    "StandIn",
    "StandInSessionError",
    "StrongerSignInError",
    "Subject",
    "TokenCard",
    "TokenScope",
    "UnknownProgramError",
    "UnknownProviderError",
    "Verb",
    "WeakSignInError",
    "WrongCodeError",
    "absent_person",
    "actor_for_person",
    "actor_for_token",
    "actor_of_record",
    "admit",
    "allow_program",
    "answer_device",
    "api_resource",
    "asked_by_program",
    "begin_device",
    "begin_openid",
    "begin_sign_in",
    "belongs_to_institution",
    "claims_of",
    "close_account",
    "connections_of",
    "decline_program",
    "describe_service_provider",
    "device_by_code",
    "end_connection",
    "end_over_stand_ins",
    "end_stand_in",
    "end_stay",
    "end_stays",
    "ensure_person",
    "extend_stay",
    "feed_status",
    "find_person",
    "finish_sign_in",
    "forget_program_secrets",
    "guests_of",
    "hand_over_guests",
    "has_own_sign_in",
    "has_people",
    "holder_of_claims",
    "identities_of",
    "institutions",
    "institutions_of",
    "introspect_token",
    "invite",
    "invite_program",
    "is_active",
    "is_federated",
    "is_standing_in",
    "issue_instrument_token",
    "issue_token",
    "joined_assurance",
    "known_providers",
    "link_identity",
    "local_assurance",
    "look_at_openid",
    "make_sign_in_link",
    "may_be_stood_in_for",
    "may_succeed",
    "open_accounts",
    "openid_provider_of",
    "openid_providers",
    "parse_membership",
    "people",
    "program_token",
    "programs",
    "public_keys",
    "receive_answer",
    "receive_openid",
    "refresh_feeds",
    "refuse_program",
    "register_itself",
    "register_program",
    "renew_invitation",
    "reopen_account",
    "request_feed_refresh",
    "require_lasting_session",
    "resource_metadata",
    "revoke_instrument_tokens",
    "revoke_program_token",
    "revoke_token",
    "search_providers",
    "server_metadata",
    "service_provider_id",
    "set_preferences",
    "sponsors",
    "stand_in_for",
    "start_stand_in",
    "stay_is_over",
    "token_ends_at",
    "tokens_of",
    "unlink",
    "use_sign_in_link",
    "user_info",
    "waiting_device",
    "withdraw_program",
    "withdraw_unused",
]
