"""Settings of the documentation; build it with ``python docs/build.py``."""

import logging
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent))

from eicon import __version__  # noqa: E402


def date_and_commit() -> str:
    """Return the date and hash of the commit that is built, ``-dirty`` if files differ; empty outside a clone."""
    if not (HERE.parent / ".git").exists():  # an unpacked archive may lie in a different repository
        return ""
    found = []
    for words in (["log", "-1", "--format=%cs %h"], ["status", "--porcelain"]):
        try:
            done = subprocess.run(["git", "-C", str(HERE), *words], capture_output=True, text=True, check=True)
        except (OSError, subprocess.SubprocessError):
            return ""
        found.append(done.stdout.strip())
    return found[0].replace(" ", " · ") + ("-dirty" if found[1] else "")


built_from = date_and_commit()
# a11y_pygments, which furo imports, shows the INFO messages of all packages; JAX has one for each missing backend.
logging.getLogger("jax._src.xla_bridge").setLevel(logging.WARNING)
project = "eicon"
author = "The eicon developers"
project_copyright = "The eicon developers; Apache-2.0"
version = release = __version__
html_title = f"eicon {version}"
html_short_title = "eicon"

extensions = ["myst_nb", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx_copybutton", "_extension"]
exclude_patterns = ["_build", "**/.ipynb_checkpoints"]
suppress_warnings: list[str] = []
nitpicky = True
default_role = "py:obj"
add_module_names = False
maximum_signature_line_length = 88
toc_object_entries = False
highlight_language = "python"

autosummary_generate = False
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_attributes_as_param_list = True
numpydoc_use_plots = False

# Outputs are shown as they are stored in the notebooks.
nb_execution_mode = "off"
nb_render_markdown_format = "myst"
myst_enable_extensions = ["deflist", "dollarmath", "colon_fence", "attrs_block", "attrs_inline"]
myst_heading_anchors = 3

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["eicon.css"]
templates_path = ["_templates"]
html_math_renderer = "mathml"
html_show_sourcelink = False
html_copy_source = False
html_context = {"built_from": built_from}
html_show_sphinx = False
html_domain_indices = False
html_use_opensearch = ""
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0077BB", "color-brand-content": "#0068A5"},
    "dark_css_variables": {"color-brand-primary": "#5CB3E4", "color-brand-content": "#5CB3E4"},
}
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/versions.html",
        "sidebar/scroll-end.html",
    ]
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
