"""``python -m tsunagu.client.agent``: the agent from an installed client."""

import sys

from .main import main

if __name__ == "__main__":
    sys.exit(main())
