# SPDX-License-Identifier: GPL-2.0-only
project = "Viaduct"
author = "The Viaduct developers"
copyright = "2026, the Viaduct developers"
master_doc = "index"
html_theme = "alabaster"
exclude_patterns = []
