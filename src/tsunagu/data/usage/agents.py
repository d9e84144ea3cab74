"""Who asks, by the name that a program gives itself: a person's browser, a person's script, or a robot.

The Code of Practice for Research Data (COUNTER, release RD1) leaves crawlers out and counts scripts. The patterns here are
our own; an operator may add the list that COUNTER keeps (setting ``usage_robots_file``).
"""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Literal

from tsunagu.core import settings
from tsunagu.core.errors import InvalidInputError

Kind = Literal["regular", "machine", "robot"]

# Looked for first: COUNTER's list of robots names these clients too, and they are what researchers work with.
_MACHINES = (
    r"tsunagu", r"huggingface_hub", r"hf_hub", r"^datasets/", r"python", r"aiohttp", r"httpx", r"urllib", r"pooch",
    r"^curl", r"wget", r"aria2", r"rclone", r"^java/", r"okhttp", r"apache-httpclient", r"^go-http-client", r"node-fetch",
    r"axios", r"undici", r"libwww-perl", r"lwp::", r"^ruby", r"faraday", r"^r \(", r"libcurl", r"httr", r"julia",
    r"matlab", r"powershell", r"fsspec", r"duckdb", r"postmanruntime", r"^dataverse",
)  # fmt: skip
# Crawlers, watchers, previews of links and harvesters; those that feed language models among them.
_ROBOTS = (
    r"bot\b", r"bot[/_-]", r"crawl", r"spider", r"slurp", r"scrape", r"archiv", r"harvest", r"sickle", r"oai", r"scythe",
    r"mediapartners", r"facebookexternalhit", r"facebookcatalog", r"embedly", r"preview", r"feed", r"validator",
    r"lighthouse", r"pagespeed", r"monitor", r"uptime", r"pingdom", r"nagios", r"zabbix", r"kube-probe", r"healthcheck",
    r"headless", r"phantomjs", r"selenium", r"playwright", r"puppeteer", r"baidu", r"yandex", r"sogou", r"duckduckgo",
    r"bing", r"google-", r"googleother", r"gptbot", r"chatgpt", r"oai-search", r"anthropic", r"claude", r"ccbot",
    r"perplexity", r"cohere", r"bytespider", r"amazonbot", r"applebot", r"diffbot", r"ia_archiver", r"semrush", r"ahrefs",
    r"nutch", r"heritrix", r"scrapy", r"colly", r"linkcheck", r"w3c", r"search engine",
)  # fmt: skip


class BadRobotsFileError(InvalidInputError):
    """The operator's list of robots cannot be used."""

    code = "usage.bad_robots_file"
    default_message = "The list of robots cannot be used, so nothing can be counted."
    default_remedy = (
        "Give in usage_robots_file a file with one pattern a line, or COUNTER's own JSON; or leave it empty."
    )


def kind_of(agent: str, *, has_token: bool = False) -> Kind:
    """What a User-Agent stands for; one that nobody knows is a person's browser, and none at all a script.

    Args:
        agent: The header as it came.
        has_token: Whether the request bore an access token: then a program asked for a person, whatever it calls itself.

    Raises:
        BadRobotsFileError: the operator's list cannot be read.
    """
    if has_token or not agent.strip() or _machines().search(agent):
        return "machine"
    return "robot" if _robots(settings.current().usage_robots_file).search(agent) else "regular"


@functools.cache
def _machines() -> re.Pattern[str]:
    return re.compile("|".join(_MACHINES), re.IGNORECASE)


@functools.cache
def _robots(file: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{one})" for one in (*_ROBOTS, *read_patterns(file))), re.IGNORECASE)


def read_patterns(file: str) -> list[str]:
    """The patterns of the operator's file: lines, or a JSON list of ``{"pattern": ...}``; none where there is no file.

    Raises:
        BadRobotsFileError: it is not there, or one of its patterns is none.
    """
    if not file:
        return []
    try:
        text = Path(file).read_text("utf-8")
        if text.lstrip().startswith("["):
            found = [str(one["pattern"]) for one in json.loads(text)]
        else:
            found = [line.strip() for line in text.splitlines() if line.strip() and line[0] != "#"]
        for one in found:
            re.compile(one)
    except (OSError, ValueError, KeyError, TypeError, re.error) as error:
        raise BadRobotsFileError(f"The list of robots {file} cannot be used: {error}.") from error
    return found
