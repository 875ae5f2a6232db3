"""Pages obey the content security policy by themselves, escape what they print, and load nothing from elsewhere."""

import re

from tests.architecture.source import PACKAGES, ROOT, matches, modules, templates, text

NOT_IN_TEMPLATES = {
    r"<style\b": "styles are in static/css",
    r"\sstyle\s*=": "lengths are SVG attributes, all else is a class",
    r"<script\b(?![^>]*\ssrc=)": "scripts are in static/js",
    r"\son[a-z]+\s*=": "events are heard in static/js",
    r"\bhx-on\b|\bhx-(vals|headers)=['\"]js:": "htmx may not evaluate code",
    r"javascript:": "links lead to pages",
    r"\|\s*safe\b|\bautoescape\s+off\b": "everything is escaped",
    r"(?:src|href)=\"(?:https?:)?//": "nothing is loaded from elsewhere",
}
NOT_IN_SHEETS = {r"url\(['\"]?(?:https?:)?//|@import\s+url": "nothing is loaded from elsewhere"}
NOT_IN_SCRIPTS = {
    r"\beval\(|\bnew Function\(": "text is not code",
    r"\.(inner|outer)HTML\b|\binsertAdjacentHTML\b|\bdocument\.write\b": "HTML comes from templates, which escape",
    r"\b(fetch|import|EventSource)\(['\"](?:https?:)?//": "nothing is loaded from elsewhere",
}
SHEETS = sorted((ROOT / "static" / "css").glob("*.css"))
SCRIPTS = sorted((ROOT / "static" / "js").glob("*.js"))
# Django puts it on the errors of a whole form.
NAMED_BY_PACKAGES = {"nonfield"}
# About elements that a package draws.
FOR_PACKAGES = {"api-docs.css"}


def test_templates_have_nothing_inline():
    assert not matches(templates(), NOT_IN_TEMPLATES)


def test_sheets_load_nothing_from_elsewhere():
    assert not matches(SHEETS, NOT_IN_SHEETS)


def test_scripts_run_no_text():
    assert not matches(SCRIPTS, NOT_IN_SCRIPTS)


def test_every_class_of_the_sheets_is_on_some_element():
    """As a word, or put together in a template from a stem: `heat-{{ shade }}`."""
    own = [sheet for sheet in SHEETS if sheet.name not in FOR_PACKAGES]
    rules = re.sub(r"/\*.*?\*/", "", "".join(text(sheet) for sheet in own), flags=re.DOTALL)
    classes = set(re.findall(r"\.([a-z][a-z0-9-]*)(?=[^}]*\{)", rules)) - NAMED_BY_PACKAGES
    markup = "".join(text(path) for path in [*templates(), *SCRIPTS, *modules(*PACKAGES)])

    assert not {
        name
        for name in classes
        if not re.search(rf"(?<![\w-]){name}(?![\w-])", markup)
        and f"{name[: name.rfind('-') + 1] or name}{{{{" not in markup
    }


def test_every_class_of_the_templates_is_known_to_a_sheet_or_a_script():
    """Else a part of a page has no look: a graphic without a colour is black, and unseen on a dark page."""
    known = "".join(text(path) for path in [*SHEETS, *SCRIPTS])

    assert not {
        name
        for path in templates()
        for value in re.findall(r'class="([^"]*)"', text(path))
        for name in re.sub(r"{[%{].*?[%}]}", " ", re.sub(r"[\w-]*{{.*?}}[\w-]*", " ", value)).split()
        if not re.search(rf"[.'\"]{name}(?![\w-])", known)
    }
