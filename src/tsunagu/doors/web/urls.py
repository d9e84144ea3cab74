"""Addresses of the pages."""

from __future__ import annotations

from django.urls import path, re_path
from django.views.generic import RedirectView
from django.views.i18n import set_language

from tsunagu.doors.web.views import (
    access,
    agent,
    ai_use,
    arrivals,
    datasets,
    documents,
    federation,
    guests,
    history,
    home,
    keeping,
    mapping,
    metadata,
    openid,
    patterns,
    plans,
    programs,
    rules,
    sealing,
    stand_ins,
    stewardship,
)

# Names hold dots too, which Django's slug converter does not know.
_NAME = r"(?P<project>[a-z0-9._-]+)"
_DATASET = rf"^d/{_NAME}/(?P<dataset>[a-z0-9._-]+)"

urlpatterns = [
    path("", home.home, name="home"),
    path("datasets", home.search, name="datasets"),
    path("projects", home.projects, name="projects"),
    re_path(rf"^projects/{_NAME}$", home.project, name="project"),
    re_path(rf"^projects/{_NAME}/members$", access.members, name="members"),
    re_path(rf"^projects/{_NAME}/guests$", guests.guests, name="guests"),
    re_path(rf"^projects/{_NAME}/plan$", plans.plan, name="plan"),
    re_path(rf"^projects/{_NAME}/plan/edit$", plans.edit, name="plan_edit"),
    re_path(rf"^projects/{_NAME}/plan[.]json$", plans.document, name="plan_document"),
    path("welcome/<str:secret>", home.welcome, name="welcome"),
    re_path(rf"{_DATASET}$", datasets.overview, name="dataset"),
    re_path(rf"{_DATASET}/croissant[.]json$", documents.croissant, name="croissant"),
    re_path(rf"{_DATASET}/ro-crate-metadata[.]json$", documents.ro_crate, name="ro_crate"),
    re_path(rf"{_DATASET}/files$", datasets.files, name="files"),
    re_path(rf"{_DATASET}/files/(?P<folder>.+)$", datasets.files, name="folder"),
    re_path(rf"{_DATASET}/file/(?P<path>.+)$", datasets.file, name="file"),
    re_path(rf"{_DATASET}/download/(?P<path>.+)$", datasets.download, name="download"),
    re_path(rf"{_DATASET}/progress$", datasets.progress, name="progress"),
    re_path(rf"{_DATASET}/metadata$", metadata.metadata, name="metadata"),
    re_path(rf"{_DATASET}/provenance$", history.history, name="provenance"),
    re_path(rf"{_DATASET}/runs/(?P<run>[0-9A-Z]+)$", history.run, name="run"),
    re_path(rf"{_DATASET}/versions$", history.versions, name="versions"),
    re_path(rf"{_DATASET}/freeze$", history.freeze, name="freeze"),
    re_path(rf"{_DATASET}/access$", access.access, name="access"),
    re_path(rf"{_DATASET}/keeping$", keeping.kept, name="keeping"),
    re_path(rf"{_DATASET}/seal$", sealing.seal, name="seal"),
    re_path(rf"{_DATASET}/ai-use$", ai_use.use, name="ai_use"),
    re_path(rf"{_DATASET}/ask$", access.ask, name="ask"),
    re_path(rf"{_DATASET}/upload$", arrivals.upload, name="upload"),
    re_path(
        r"^receipts/(?P<run>[0-9A-Z]+)\.(?P<form>json|txt)$", arrivals.saved_receipt, name="saved_receipt"
    ),
    path("receipts/<str:run>", arrivals.receipt, name="receipt"),
    path("instruments", stewardship.list_all, name="instruments"),
    re_path(r"^instruments/(?P<name>[a-z0-9._-]+)$", stewardship.show, name="instrument"),
    path("rules", rules.rules, name="rules"),
    path("keeping", keeping.office, name="keeping_office"),
    path("ai-services", ai_use.services, name="ai_services"),
    path("mapping", mapping.mapping, name="mapping"),
    path("patterns", patterns.patterns, name="patterns"),
    path("saml/metadata", federation.metadata, name="saml_metadata"),
    path("saml/discover", federation.discover, name="saml_discover"),
    path("saml/chosen", federation.chosen, name="saml_chosen"),
    path("saml/start", federation.start, name="saml_start"),
    path("saml/acs", federation.acs, name="saml_acs"),
    path("saml/finish/<str:code>", federation.finish, name="saml_finish"),
    path("openid/<slug:provider>/start", openid.start, name="openid_start"),
    path("openid/<slug:provider>/callback", openid.callback, name="openid_callback"),
    path("institutions", stand_ins.institutions, name="institutions"),
    path("federations", federation.feeds, name="feeds"),
    path("oauth/authorize", programs.authorize, name="authorize"),
    path("device", programs.device, name="device"),
    path("programs", programs.registered, name="programs"),
    path("account/programs", programs.connections, name="connections"),
    path("account/institutions", federation.identities, name="identities"),
    path("account/confirm", federation.step_up, name="step_up"),
    path("account", stewardship.account, name="account"),
    path("agent/tsunagu_agent.pyz", agent.agent, name="agent_file"),
    path("agent/verify_version.py", agent.script, name="verify_script"),
    path("language", set_language, name="set_language"),
    path("favicon.ico", RedirectView.as_view(url="/static/web/icon.svg"), name="favicon"),
]
