"""Pages obey the content security policy by themselves, escape what they print, and load nothing from elsewhere."""

from tests.architecture.source import ROOT, matches, templates

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


def test_templates_have_nothing_inline():
    assert not matches(templates(), NOT_IN_TEMPLATES)


def test_sheets_load_nothing_from_elsewhere():
    assert not matches(sorted((ROOT / "static").rglob("*.css")), NOT_IN_SHEETS)


def test_scripts_run_no_text():
    assert not matches(sorted((ROOT / "static" / "js").rglob("*.js")), NOT_IN_SCRIPTS)
