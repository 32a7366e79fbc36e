"""`python -m audioft`."""

import sys

from audioft.cli import main

sys.exit(main())
