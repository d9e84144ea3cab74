"""Starting with the system: a user unit of systemd or a line of cron on Linux, a task on Windows, an agent on macOS.

Everything that is done is shown first. Nothing needs administrator rights.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import NamedTuple
from xml.sax.saxutils import escape

_NAME = "tsunagu-agent"


class Deed(NamedTuple):
    """One thing to do: a file to write, or a command to run (with text for its standard input)."""

    command: tuple[str, ...] = ()
    path: str = ""
    content: str = ""
    stdin_from: tuple[str, ...] = ()

    def shown(self) -> str:
        """The same for people."""
        if self.path:
            return f"{self.path}:\n" + "".join(f"    {line}\n" for line in self.content.splitlines())
        return "    " + subprocess.list2cmdline(self.command)


def start_command(home: str) -> list[str]:
    """How this very agent is started again."""
    program = os.path.abspath(sys.argv[0])
    if program.endswith(".pyz"):
        return [sys.executable, program, "--home", home]
    return [sys.executable, "-m", str(__package__), "--home", home]


def deeds(home: str) -> list[Deed]:
    """What makes the agent start with the system."""
    command = start_command(home)
    if sys.platform == "win32":
        line = subprocess.list2cmdline([_windowless(command[0]), *command[1:]])
        return [
            Deed(
                ("schtasks", "/Create", "/F", "/TN", _NAME, "/SC", "ONLOGON", "/RL", "LIMITED", "/TR", line)
            ),
            Deed(("schtasks", "/Run", "/TN", _NAME)),
        ]
    if sys.platform == "darwin":
        path = os.path.expanduser(f"~/Library/LaunchAgents/org.tsunagu.{_NAME}.plist")
        return [Deed(path=path, content=_plist(command)), Deed(("launchctl", "load", "-w", path))]
    if has_user_systemd():
        path = os.path.join(_unit_folder(), f"{_NAME}.service")
        return [
            Deed(path=path, content=_unit(command)),
            Deed(("systemctl", "--user", "daemon-reload")),
            Deed(("systemctl", "--user", "enable", "--now", f"{_NAME}.service")),
            Deed(("loginctl", "enable-linger")),  # without it the unit ends when the person signs out
        ]
    return [Deed(("crontab", "-"), stdin_from=("crontab", "-l"), content=_cron_line(command))]


def undo_deeds() -> list[Deed]:
    """What takes it back."""
    if sys.platform == "win32":
        return [Deed(("schtasks", "/Delete", "/F", "/TN", _NAME))]
    if sys.platform == "darwin":
        return [
            Deed(
                (
                    "launchctl",
                    "unload",
                    "-w",
                    os.path.expanduser(f"~/Library/LaunchAgents/org.tsunagu.{_NAME}.plist"),
                )
            )
        ]
    if has_user_systemd():
        return [Deed(("systemctl", "--user", "disable", "--now", f"{_NAME}.service"))]
    return [Deed(("crontab", "-"), stdin_from=("crontab", "-l"))]


def do(deed: Deed) -> None:
    """Do it.

    Raises:
        OSError, subprocess.CalledProcessError: it did not work.
    """
    if deed.path:
        os.makedirs(os.path.dirname(deed.path), exist_ok=True)
        with open(deed.path, "w", encoding="utf-8") as file:
            file.write(deed.content)
        return
    text = None
    if deed.stdin_from:
        now = subprocess.run(  # noqa: S603 - fixed words
            list(deed.stdin_from), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
        )
        kept = [
            line for line in now.stdout.decode("utf-8", "surrogateescape").splitlines() if _NAME not in line
        ]
        lines = [*kept, deed.content] if deed.content else kept
        text = ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")
    subprocess.run(list(deed.command), input=text, check=True)  # noqa: S603 - fixed words and our own path


def has_user_systemd() -> bool:
    """Whether this account can have units of its own."""
    return (
        bool(shutil.which("systemctl"))
        and os.path.isdir("/run/systemd/system")
        and bool(os.environ.get("XDG_RUNTIME_DIR"))
    )


def _unit_folder() -> str:
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return os.path.join(base, "systemd", "user")


def _unit(command: list[str]) -> str:
    quoted = " ".join(
        '"' + part.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$") + '"'
        for part in command
    )
    return (
        "[Unit]\nDescription=Tsunagu capture agent\nAfter=network.target\n\n"
        f"[Service]\nExecStart={quoted}\nRestart=always\nRestartSec=30\nNice=10\nIOSchedulingClass=idle\n\n"
        "[Install]\nWantedBy=default.target\n"
    )


def _cron_line(command: list[str]) -> str:
    quoted = " ".join("'" + part.replace("'", "'\\''").replace("%", "\\%") + "'" for part in command)
    return f"@reboot {quoted} >/dev/null 2>&1 # {_NAME}"


def _plist(command: list[str]) -> str:
    arguments = "".join(f"<string>{escape(part)}</string>" for part in command)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0"><dict>'
        f"<key>Label</key><string>org.tsunagu.{_NAME}</string><key>ProgramArguments</key><array>{arguments}</array>"
        "<key>RunAtLoad</key><true/><key>KeepAlive</key><true/></dict></plist>\n"
    )


def _windowless(python: str) -> str:
    beside = os.path.join(os.path.dirname(python), "pythonw.exe")
    return beside if os.path.exists(beside) else python
