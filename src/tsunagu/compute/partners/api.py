"""The door of partners: offers to other nodes, sites of other nodes, and the signed messages between them."""

from tsunagu.compute.partners.errors import (
    BadPartnerError,
    ForgedRequestError,
    NameTakenError,
    NoSuchPartnerError,
    NotOfferedError,
    SiteSilentError,
)
from tsunagu.compute.partners.offers import (
    fingerprint,
    get_offer,
    list_offers,
    lock_offer,
    offer,
    offers_to,
    own_card,
    withdraw,
)
from tsunagu.compute.partners.sites import (
    DEFAULT_LEVELS,
    add_site,
    close_site,
    find_site,
    known_sites,
    list_sites,
    open_sites,
)
from tsunagu.compute.partners.types import NewOffer, NewSite, OfferCard, OwnCard, Request, SiteCard
from tsunagu.compute.partners.wire import PATH, answered, ask, hear, own_key_id, sign

__all__ = [
    "DEFAULT_LEVELS",
    "PATH",
    "BadPartnerError",
    "ForgedRequestError",
    "NameTakenError",
    "NewOffer",
    "NewSite",
    "NoSuchPartnerError",
    "NotOfferedError",
    "OfferCard",
    "OwnCard",
    "Request",
    "SiteCard",
    "SiteSilentError",
    "add_site",
    "answered",
    "ask",
    "close_site",
    "find_site",
    "fingerprint",
    "get_offer",
    "hear",
    "known_sites",
    "list_offers",
    "list_sites",
    "lock_offer",
    "offer",
    "offers_to",
    "open_sites",
    "own_card",
    "own_key_id",
    "sign",
    "withdraw",
]
