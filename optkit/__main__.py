"""`python -m optkit`: the command line."""

import sys

from optkit.cli import main

sys.exit(main())
