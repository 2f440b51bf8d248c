"""The demo's entrance."""

import sys

from multimodal_api.demo.run import main

if __name__ == "__main__":
    sys.exit(main())
