# SPDX-License-Identifier: GPL-2.0-only
import os
import sys

sys.path.insert(0, os.path.abspath("sphinx"))

project = "Viaduct"
author = "The Viaduct developers"
copyright = "2026, the Viaduct developers"
master_doc = "index"
html_theme = "alabaster"
html_theme_options = {"page_width": "70em", "fixed_sidebar": True}
exclude_patterns = []
extensions = ["kerneldoc", "sphinx.ext.graphviz"]
graphviz_output_format = "svg"
# Functions of the module are C, and refer to types that the kernel documents.
primary_domain = "c"
highlight_language = "none"
c_id_attributes = ["__user", "__force", "noinline"]
