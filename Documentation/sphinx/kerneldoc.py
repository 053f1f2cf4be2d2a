# SPDX-License-Identifier: GPL-2.0-only
"""The directive ``.. kernel-doc:: PATH``: the kernel-doc comments of a file, or
of all .h and .c files of a folder, rendered by the kernel's own script.

Options: ``:doc: TITLE`` takes that DOC section alone, ``:no-docs:`` everything
but DOC sections.
"""
import os
import re
import subprocess

import sphinx
from docutils import nodes
from docutils.parsers.rst import Directive, directives
from docutils.statemachine import StringList
from sphinx.errors import ExtensionError
from sphinx.util.nodes import nested_parse_with_titles

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))


def script():
    """The kernel-doc script that scripts/setup has put into the cache."""
    cache = os.environ.get("VD_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "viaduct")
    path = os.path.join(cache, "src/scripts/kernel-doc")
    if not os.path.exists(path):
        raise ExtensionError(f"no {path}: run scripts/setup sources")
    return path


def sources(path):
    """Path itself, or what lies in that folder, headers before their .c files."""
    whole = os.path.join(TOP, path)
    if not os.path.isdir(whole):
        return [path]
    names = [n for n in os.listdir(whole) if n.endswith((".h", ".c"))]
    return [os.path.join(path, n)
            for n in sorted(names, key=lambda n: (n[:-2], n.endswith(".c")))]


def apart(text):
    """Tags have a name space of their own in C, not in Sphinx: a function that bears
    the name of a structure is declared in one of its own."""
    tags = set(re.findall(r"^\.\. c:struct:: (\w+)$", text, re.M))
    pushed = False
    for line in text.splitlines():
        if pushed and line and not line.startswith(" "):
            yield from (".. c:namespace-pop::", "")
            pushed = False
        found = re.match(r"\.\. c:function:: .*?(\w+) \(", line)
        if found and found.group(1) in tags:
            yield from (".. c:namespace-push:: functions", "")
            pushed = True
        yield line


class KernelDoc(Directive):
    """Runs kernel-doc and parses the reStructuredText that it prints."""
    required_arguments = 1
    option_spec = {"doc": directives.unchanged_required, "no-docs": directives.flag}

    def arguments_for_script(self):
        if "doc" in self.options:
            return ["-function", self.options["doc"]]
        return ["-no-doc-sections"] if "no-docs" in self.options else []

    def run(self):
        env = self.state.document.settings.env
        paths = sources(self.arguments[0])
        for path in paths:
            env.note_dependency(os.path.join(TOP, path))
        done = subprocess.run(
            ["perl", script(), "-rst", "-sphinx-version", sphinx.__version__,
             *self.arguments_for_script(), *paths],
            cwd=TOP, capture_output=True, text=True, check=False)
        if done.returncode:
            raise self.error(f"kernel-doc {self.arguments[0]}: {done.stderr}")
        text = done.stdout.expandtabs()
        lines = StringList(list(apart(text)), source=self.arguments[0])
        node = nodes.section()
        node.document = self.state.document
        nested_parse_with_titles(self.state, lines, node)
        return node.children


def setup(app):
    app.add_directive("kernel-doc", KernelDoc)
    return {"version": "1", "parallel_read_safe": True}
