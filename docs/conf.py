"""Configuration of Sphinx. `make docs` builds the documentation."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# The reference must not depend on the plugins and weights of this machine.
os.environ["RESTOREKIT_PLUGINS"] = ""
os.environ.pop("RESTOREKIT_WEIGHTS", None)
sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from restorekit.version import __version__

project = "restorekit"
author = "The restorekit developers"
project_copyright = author
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
    "reference",
]
exclude_patterns = ["_build", "_generated"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"restorekit {release}"
html_show_sourcelink = False

sphinx_gallery_conf = {
    "examples_dirs": "../examples/gallery",
    "gallery_dirs": "gallery",
    "abort_on_example_error": True,
    "backreferences_dir": "_generated/examples",  # for the thumbnails on the front page
    "capture_repr": (),  # only what is printed is shown
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "within_subsection_order": "FileNameSortKey",
    "write_computation_times": False,
}

# For `make linkcheck`: anchors of other sites may be made by scripts.
linkcheck_anchors = False
linkcheck_ignore = [r"http://127\.0\.0\.1"]
linkcheck_timeout = 20

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
default_role = "code"  # for `names` in docstrings
napoleon_use_ivar = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
