"""Sphinx: `make docs`."""

import sys
from pathlib import Path

import bcl_fast

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "bcl_fast"
copyright = "the bcl_fast developers; MIT licence"
version = release = bcl_fast.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc", "commands"]
exclude_patterns = ["README.md", "_ext"]
templates_path = ["_templates"]
default_role = "py:obj"
nitpicky = False  # default_role makes a link where there is something to link to

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
autosummary_generate = True
smartquotes = False  # two dashes are the beginning of an option
autodoc_typehints = "none"  # they are in the signature's docstring, with shapes
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

html_theme = "pydata_sphinx_theme"
html_title = "bcl_fast"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
# Pages of no section have no column of its pages at the left.
html_sidebars = {page: [] for page in ("index", "install", "tutorial", "performance", "comparison", "about")}
html_theme_options = {
    "navbar_align": "left",
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": {"**": ["page-toc"], "index": []},
}
