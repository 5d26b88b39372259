"""`python -m webpubsub` is the command `webpubsub`."""

import sys

from webpubsub.cli import main

sys.exit(main())
