"""One script for each DVC stage: read params and inputs, call the package, write the outputs.

The package is not installed: this puts the checkout's own src first on the import path, so that an
experiment that DVC runs in another folder runs the code of that folder.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
