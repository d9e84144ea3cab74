"""``python -m tsunagu.client`` is the ``tsunagu`` command."""

import sys

from tsunagu.client.cli import main

sys.exit(main())
