"""Files of any make become one table, or are refused with a sentence that says what they are."""

import csv
import gzip
import io
import json
import os
import subprocess
import sys
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from alignment.integrations.importers import workbooks
from alignment.integrations.importers.reading import header, lines
from alignment.integrations.importers.staging import stage
from alignment.integrations.importers.tables import MAX_CELL, NotATableError, Table

DATA = os.environ.get("ACCORD_PUBLIC_DATA", "")
PUBLIC = pytest.mark.skipif(not DATA, reason="ACCORD_PUBLIC_DATA does not name the folder of the public data")


@pytest.fixture
def read(tmp_path: Path):
    """Stage a content; returns what is known of the table and its rows."""

    def reading(content: bytes | str, name: str = "leads.csv") -> tuple[Table, list[dict[str, str]]]:
        source = tmp_path / name
        source.write_bytes(content.encode() if isinstance(content, str) else content)
        table = stage(source, tmp_path / "staged.csv")
        return table, [line.cells for line in lines(tmp_path / "staged.csv")]

    return reading


@pytest.fixture
def refused(read):
    """Why a content is no table."""

    def refusing(content: bytes | str, name: str = "leads.csv") -> str:
        with pytest.raises(NotATableError) as refusal:
            read(content, name)
        return str(refusal.value)

    return refusing


def workbook(*rows: list, sheets: dict[str, list[list]] | None = None) -> bytes:
    book = Workbook()
    book.remove(book.active)
    for name, content in (sheets or {"Leads": list(rows)}).items():
        sheet = book.create_sheet(name)
        for row in content:
            sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


class TestEncodings:
    TEXT = "Name,Stadt\nJürgen Größe,Zürich\nIngrid Sjöberg,Malmö\n"

    @pytest.mark.parametrize(
        ("codec", "name"),
        [
            ("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8"), ("utf-16", "UTF-16"), ("utf-16-le", "UTF-16"),
            ("utf-16-be", "UTF-16"), ("cp1252", "Windows-1252"),
        ],
    )  # fmt: skip
    def test_the_file_says_how_it_is_written(self, read, codec, name):
        table, rows = read(self.TEXT.encode(codec))
        assert (table.columns, table.encoding) == (("Name", "Stadt"), name)
        assert rows == [
            {"Name": "Jürgen Größe", "Stadt": "Zürich"},
            {"Name": "Ingrid Sjöberg", "Stadt": "Malmö"},
        ]

    def test_a_character_beyond_the_sample_decides_too(self, read):
        text = "Name,City\n" + "Ana,Porto\n" * 60_000 + "Jürgen,Köln\n"
        table, rows = read(text.encode("cp1252"))
        assert (table.encoding, table.rows, rows[-1]["City"]) == ("Windows-1252", 60_001, "Köln")

    def test_a_few_broken_characters_do_not_make_utf_8_something_else(self, read):
        content = ("Name,City\n" + "Jürgen,Köln\n" * 20).encode() + b"J\xfcrgen,Bonn\n"
        table, rows = read(content)
        assert (table.encoding, rows[-1]["Name"]) == ("UTF-8", "J�rgen")
        assert "1 broken characters" in table.notes[0]

    def test_what_nobody_can_read_is_refused(self, refused):
        assert "neither UTF-8 nor UTF-16 nor Windows-1252" in refused(
            "Имя,Город\nАня,Ћуприја\n".encode("cp1251") + b"\x81"
        )

    def test_nul_is_cut(self, read):
        _, rows = read(b"Name,City\nA\x00na,Porto\n")
        assert rows == [{"Name": "Ana", "City": "Porto"}]


class TestDelimiters:
    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    def test_every_usual_one_is_found(self, read, delimiter):
        table, rows = read(f"Name{delimiter}City{delimiter}Note\nAna{delimiter}Porto{delimiter}x\n")
        assert (table.delimiter, rows) == (delimiter, [{"Name": "Ana", "City": "Porto", "Note": "x"}])

    def test_the_rows_agree_on_it_not_the_first_one(self, read):
        table, _ = read("Name;Umsatz;Ort\nAna;1.234,50;Köln, Bonn\nBen;2.000,00;Ulm\nCem;3,5;Hof, Rehau\n")
        assert table.delimiter == ";"

    def test_what_stands_in_quotes_does_not_count(self, read):
        _, rows = read('Name,Note\nAna,"a;b;c;d"\nBen,"e;f;g;h"\n')
        assert rows[0] == {"Name": "Ana", "Note": "a;b;c;d"}

    def test_lines_in_quotes_are_one_cell(self, read):
        _, rows = read('Name,Note\r\nAna,"first\r\nsecond, ""quoted"""\r\nBen,x\r\n')
        assert [row["Note"] for row in rows] == ['first\r\nsecond, "quoted"', "x"]

    def test_old_line_ends(self, read):
        _, rows = read("Name,City\rAna,Porto\rBen,Ulm\r")
        assert [row["City"] for row in rows] == ["Porto", "Ulm"]

    def test_a_single_column_stays_one(self, read):
        table, rows = read("Email\nana@acme.example\nben@acme.example\n")
        assert (table.columns, len(rows)) == (("Email",), 2)

    def test_sentences_with_commas_are_no_table(self, read):
        table, rows = read("Comment\nwell, yes\nno\nperhaps, later, who knows\nfine\n")
        assert (table.columns, rows[0]) == (("Comment",), {"Comment": "well, yes"})

    def test_quotes_after_a_blank(self, read):
        _, rows = read('Name, City, Note\nAna, "Porto, PT", "x"\nBen, "Ulm, DE", "y, z"\n')
        assert rows[0] == {"Name": "Ana", "City": "Porto, PT", "Note": "x"}

    def test_quotes_behind_a_backslash(self, read):
        _, rows = read('Name,Note\nAna,"said \\"a, b\\", and left"\nBen,"c, d"\n')
        assert rows[0]["Note"] == 'said "a, b", and left'

    def test_a_backslash_alone_is_one(self, read):
        _, rows = read('Name,Path\nAna,"C:\\temp\\"\nBen,"D:\\"\n')
        assert [row["Path"] for row in rows] == ["C:\\temp\\", "D:\\"]

    def test_excels_own_line(self, read):
        _, rows = read("sep=;\nName;City\nAna;Porto\n")
        assert rows == [{"Name": "Ana", "City": "Porto"}]


class TestHeader:
    def test_blank_trailing_columns_and_lines_go(self, read):
        table, rows = read("Name,City,,\n\nAna,Porto,,\n,,,\n\nBen,Ulm,,\n\n")
        assert (table.columns, len(rows)) == (("Name", "City"), 2)

    def test_rows_keep_the_numbers_that_a_spreadsheet_shows(self, read, tmp_path):
        read("Report of March\n\nName,City,Note\n\nAna,Porto,x\n\n\nBen,Ulm,y\nCem,Hof,z\n")
        assert [line.number for line in lines(tmp_path / "staged.csv")] == [5, 8, 9]

    def test_titles_above_it_are_skipped_and_said(self, read):
        table, rows = read(
            "Leads by month,,\nAs of 2024-03-01,,\nName,City,Email\nAna,Porto,a@a.example\nBen,Ulm,b@b.example\n"
        )
        assert (table.columns, len(rows)) == (("Name", "City", "Email"), 2)
        assert "2 rows above the header" in table.notes[0]

    def test_a_name_twice_gets_a_number(self, read):
        table, rows = read("Email,Email,Name,Email\na@a.example,b@b.example,Ana,c\n")
        assert table.columns == ("Email", "Email (2)", "Name", "Email (3)")
        assert rows[0]["Email (2)"] == "b@b.example"
        assert "“Email” more than once" in table.notes[0]

    def test_a_blank_name_between_others_is_made_up(self, read):
        table, rows = read("Name,,City\nAna,x,Porto\n")
        assert (table.columns, rows[0]["Column 2"]) == (("Name", "Column 2", "City"), "x")

    def test_a_trailing_column_without_a_name_that_rows_fill_is_kept(self, read):
        table, _ = read("Name,City,\n" + "Ana,Porto,x\n" * 20)
        assert table.columns == ("Name", "City", "Column 3")

    @pytest.mark.parametrize("first", ["1,2,3", "ana@acme.example,Ana,Porto", "2024-01-02,12.5,"])
    def test_a_first_row_of_data_is_noticed(self, read, first):
        table, rows = read(f"{first}\n4,5,6\n")
        assert table.header_is_made_up
        assert (table.columns[0], len(rows)) == ("Column 1", 2)
        assert "holds data" in table.notes[0]

    def test_the_header_once_more_is_no_row(self, read):
        table, rows = read("Name,City\nAna,Porto\nName,City\nBen,Ulm\nName,Ulm\n")
        assert [row["City"] for row in rows] == ["Porto", "Ulm", "Ulm"]
        assert "1 more rows" in table.notes[0]

    def test_names_over_several_lines_are_one_line(self, read):
        table, _ = read('"Name of\nthe lead ",City\nAna,Porto\n')
        assert table.columns == ("Name of the lead", "City")

    def test_a_row_with_more_cells_is_a_fault_of_that_row(self, read, tmp_path):
        read("Name,City\nAna,Porto,stray\nBen,Ulm\nCem\n")
        assert [bool(line.fault) for line in lines(tmp_path / "staged.csv")] == [True, False, False]


class TestFooters:
    REPORT = (
        '"Lead Owner","First Name","Email"\n"Kim","Ana","a@a.example"\n"Kim","Ben","b@b.example"\n\n'
        '"Open leads"\n"Copyright (c) 2000-2024 salesforce.com, inc. All rights reserved."\n'
        '"Confidential Information - Do Not Distribute"\n"Generated By: Kim Park 3/1/2024 9:15 AM"\n"Acme"\n'
    )

    def test_a_reports_footer_is_skipped_and_said(self, read):
        table, rows = read(self.REPORT)
        assert [row["First Name"] for row in rows] == ["Ana", "Ben"]
        assert "from row 5" in table.notes[0]

    def test_grand_totals_are_skipped(self, read):
        _, rows = read('Owner,Name,Amount\nKim,Ana,5\n"Grand Totals (1 records)",,5\n')
        assert len(rows) == 1

    def test_a_short_row_in_the_middle_is_a_row(self, read):
        _, rows = read("Owner,Name,Amount\nKim,Ana,5\n\nTotal Systems,,\nKim,Ben,6\n")
        assert [row["Owner"] for row in rows] == ["Kim", "Total Systems", "Kim"]

    def test_short_rows_at_the_end_that_say_nothing_are_rows(self, read):
        _, rows = read("Owner,Name,Amount\nKim,Ana,5\n\nPat,,\n")
        assert [row["Owner"] for row in rows] == ["Kim", "Pat"]


class TestWorkbooks:
    def test_a_sheet_is_read_whatever_its_name_says(self, read):
        content = workbook(
            ["Name", "Since", "Called", "Amount", "Phone", "Optin", "Gone"],
            [
                "Ana",
                datetime.fromisoformat("2024-03-15"),
                datetime.fromisoformat("2024-03-15 14:05"),
                1234.5,
                351912345678,
                True,
                None,
            ],
        )
        table, rows = read(content, "leads.csv")
        assert (table.format, table.sheet) == ("xlsx", "Leads")
        assert rows == [
            {
                "Name": "Ana", "Since": "2024-03-15", "Called": "2024-03-15 14:05:00", "Amount": "1234.5",
                "Phone": "351912345678", "Optin": "true", "Gone": "",
            }
        ]  # fmt: skip

    def test_the_first_sheet_with_rows_counts_and_the_others_are_said(self, read):
        table, rows = read(workbook(sheets={"Cover": [], "Leads": [["Name"], ["Ana"]], "Old": [["Name"], ["Ben"]]}))
        assert (table.sheet, rows) == ("Leads", [{"Name": "Ana"}])
        assert table.notes == ("Only the sheet “Leads” is read; Old is not.",)

    def test_titles_and_numbers_of_rows_are_those_of_the_sheet(self, read, tmp_path):
        read(
            workbook(
                ["Leads of March"], [], ["Name", "City", "Email"], ["Ana", "Porto", "x"], [None], ["Ben", "Ulm", "y"]
            )
        )
        assert [line.number for line in lines(tmp_path / "staged.csv")] == [4, 6]

    def test_a_pivot_table_is_refused(self, refused):
        assert "pivot table" in refused(workbook(["Row Labels", "Sum of Amount"], ["Web", 12], ["Grand Total", 12]))

    def test_a_workbook_without_rows_is_refused(self, refused):
        assert "no sheet with rows" in refused(workbook(sheets={"Leads": []}))

    def test_a_bomb_is_refused_before_it_unpacks(self, refused, monkeypatch):
        monkeypatch.setattr(workbooks, "MAX_UNPACKED", 1_000)
        assert "unpacks to more than" in refused(workbook(["Name"], ["Ana"]))

    def test_entities_are_not_expanded(self, refused):
        content = workbook(["Name"], ["Ana"])
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
            for part in old.infolist():
                text = old.read(part)
                if part.filename == "xl/workbook.xml":
                    text = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + text.removeprefix(
                        b"<?xml version='1.0'?>"
                    )
                new.writestr(part.filename, text)
        assert "cannot be read" in refused(out.getvalue())

    def test_a_damaged_one_is_refused(self, refused):
        content = bytearray(workbook(["Name"], ["Ana"]))
        content[200:600] = b"\x00" * 400
        assert refused(bytes(content))


class TestRefusals:
    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (b"", "empty"),
            (b"\n \r\n\n", "empty"),
            (b"\xef\xbb\xbf", "empty"),
            (b"<!DOCTYPE html><html><body><table>", "web page"),
            (b"  <table border=1><tr><td>Name</td>", "web page"),
            (b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">', "XML"),
            (b'[{"email": "ana@acme.example"}]', "JSON"),
            (b'{"leads": []}', "JSON"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "old Excel workbook"),
            (gzip.compress(b"Name,City\n", mtime=0), "gzip"),
            (b"%PDF-1.7\n", "PDF"),
            (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
            (b"Rar!\x1a\x07", "RAR"),
            (b"PK\x03\x04garbage", "damaged"),
            (bytes(range(256)) * 20, "binary"),
            (b"BEGIN:VCARD\nVERSION:3.0\n", "vCard"),
        ],
    )
    def test_what_is_no_table_is_named(self, refused, content, sentence):
        assert sentence in refused(content)

    @pytest.mark.parametrize(
        ("part", "sentence"),
        [
            ("leads.csv", "zip archive"), ("content.xml", "OpenDocument"), ("word/document.xml", "Word"),
            ("xl/workbook.bin", ".xlsb"), ("Index/Document.iwa", "Numbers"),
        ],
    )  # fmt: skip
    def test_archives_are_not_opened(self, refused, part, sentence):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr(part, "Name,City\n")
        assert sentence in refused(out.getvalue())

    def test_a_cell_without_an_end(self, refused):
        text = 'Name,Note\nAna,x\nBen,"never closed\n' + "more and more text\n" * (MAX_CELL // 10)
        assert "Row 3 has a cell of more than 100,000 characters" in refused(text)

    def test_too_many_columns(self, refused):
        assert "has 1,001" in refused(",".join(f"c{number}" for number in range(1_001)) + "\n")

    def test_too_many_rows(self, refused, monkeypatch):
        monkeypatch.setattr("alignment.integrations.importers.staging.MAX_ROWS", 3)
        assert "more than 3 rows" in refused("Name,City\n" + "Ana,Porto\n" * 4)

    def test_a_file_too_large(self, refused, monkeypatch):
        monkeypatch.setattr("alignment.integrations.importers.contents.MAX_BYTES", 10)
        assert "larger than" in refused("Name,City\nAna,Porto\n")

    def test_nothing_half_written_stays(self, refused, tmp_path):
        (tmp_path / "staged.csv").write_text("#,Name\n2,Ana\n")
        refused("Name,City\n" + '"never closed' + "x" * (MAX_CELL + 10))
        assert (tmp_path / "staged.csv").read_text() == "#,Name\n2,Ana\n"
        assert {path.name for path in tmp_path.iterdir()} == {"leads.csv", "staged.csv"}


class TestReading:
    def test_reading_goes_on_from_any_row(self, read, tmp_path):
        read('Name,Note\nAna,"a\nb"\nBen,ü\n\nCem,"c,d"\nDan,e\n')
        whole = list(lines(tmp_path / "staged.csv"))
        assert header(tmp_path / "staged.csv") == ["Name", "Note"]
        for place, line in enumerate(whole, start=1):
            assert list(lines(tmp_path / "staged.csv", number=line.number, start=line.end)) == whole[place:]

    def test_cells_are_to_the_letter(self, read):
        _, rows = read('Name,Note\n  Ana ,"\t=1+1 "\n')
        assert rows == [{"Name": "  Ana ", "Note": "\t=1+1 "}]


@PUBLIC
class TestPublicFiles:
    # What csv-spectrum expects is not what these files hold: another number, and line ends that were lost.
    CHANGED = {"location_coordinates": {"Contact Phone Number": "2095257564"}}

    @pytest.mark.parametrize(
        "name",
        [
            "comma_in_quotes", "empty", "empty_crlf", "escaped_quotes", "json", "location_coordinates", "newlines",
            "newlines_crlf", "quotes_and_newlines", "simple", "simple_crlf", "utf8",
        ],
    )  # fmt: skip
    def test_csv_spectrum_reads_as_its_json_says(self, read, name):
        folder = Path(DATA) / "nasty_csv" / "csv-spectrum"
        content = (folder / "csvs" / f"{name}.csv").read_bytes()
        said = json.loads((folder / "json" / f"{name}.json").read_text(encoding="utf-8"))
        expected = [{**row, **self.CHANGED.get(name, {})} for row in (said if isinstance(said, list) else [said])]
        _, rows = read(content)
        if b"\r\n" not in content:
            expected = [{key: text.replace("\r\n", "\n") for key, text in row.items()} for row in expected]
        assert rows == expected

    @pytest.mark.parametrize(
        ("name", "columns", "rows"),
        [
            ("blanks", "a b c d e f", [["", "NA", "N/A", "NONE", "NULL", "."]]),
            ("no_header_row", "Column_1 Column_2 Column_3", [["1", "2", "3"]]),
            ("test_header_newline", "start_end b c", [["d", "e", "f"]]),
            ("test_latin1", "a b c", [["1", "2", "3"], ["4", "5", "©"]]),
            ("test_utf16_little", "a b c", [["1", "2", "3"], ["4", "5", "ʤ"]]),
            ("test_utf8_bom", "foo bar baz", [["1", "2", "3"], ["4", "5", "ʤ"]]),
        ],
    )
    def test_csvkit(self, read, name, columns, rows):
        table, found = read((Path(DATA) / "nasty_csv" / "csvkit" / f"{name}.csv").read_bytes())
        assert [name.replace(" ", "_") for name in table.columns] == columns.split()
        assert [list(row.values()) for row in found] == rows

    def test_naughty_strings_survive_to_the_letter(self, read):
        naughty = json.loads((Path(DATA) / "nasty_csv" / "blns" / "blns.json").read_text(encoding="utf-8"))
        out = io.StringIO(newline="")
        writer = csv.writer(out)
        writer.writerow(["Id", "Text"])
        writer.writerows([[number, text] for number, text in enumerate(naughty)])
        for codec in ("utf-8", "utf-16"):
            _, rows = read(out.getvalue().encode(codec))
            assert [row["Text"] for row in rows] == [text.replace("\x00", "") for text in naughty]

    @pytest.mark.parametrize("name", ["payloadbox.txt", "payloadsallthethings.txt"])
    def test_formulas_are_texts(self, read, name):
        payloads = (Path(DATA) / "nasty_csv" / "csv-injection" / name).read_text(encoding="utf-8").splitlines()
        out = io.StringIO(newline="")
        csv.writer(out).writerows([["Id", "Text"], *([number, text] for number, text in enumerate(payloads))])
        _, rows = read(out.getvalue())
        assert [row["Text"] for row in rows] == payloads


# A file full of other control characters is taken for a binary one.
CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\t\n\r"), max_size=12)


class TestAnything:
    @settings(max_examples=100, deadline=None)
    @given(
        rows=st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=8),
        delimiter=st.sampled_from(",;\t|"),
        codec=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
        end=st.sampled_from(["\n", "\r\n"]),
    )
    def test_what_is_written_is_read(self, tmp_path_factory, rows, delimiter, codec, end):
        out = io.StringIO(newline="")
        writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
        writer.writerows([["Name", "City", "Note"], ["Ana", "Porto", "x"], *rows, ["Ben", "Ulm", "y"]])
        folder = tmp_path_factory.mktemp("any")
        (folder / "source").write_bytes(out.getvalue().encode(codec))
        stage(folder / "source", folder / "staged")
        found = [list(line.cells.values()) for line in lines(folder / "staged")]
        assert found == [["Ana", "Porto", "x"], *(row for row in rows if any(map(str.strip, row))), ["Ben", "Ulm", "y"]]

    @settings(max_examples=200, deadline=None)
    @given(
        start=st.sampled_from([b"", b"Name,City\n", b"PK\x03\x04", b"\xff\xfe", b'"', b"<", b"{", b"\xef\xbb\xbf"]),
        rest=st.binary(max_size=300),
    )
    def test_no_content_does_more_than_be_refused(self, tmp_path_factory, start, rest):
        folder = tmp_path_factory.mktemp("any")
        (folder / "source").write_bytes(start + rest)
        refusal = ""
        try:
            stage(folder / "source", folder / "staged")
        except NotATableError as error:
            refusal = str(error)
        assert refusal.endswith(".") if refusal else list(lines(folder / "staged")) or header(folder / "staged")

    @pytest.mark.parametrize("text", ["1" * 90_000 + "x", " " * 90_000 + "x", "2024-01-01 10:00" + " " * 90_000 + "x"])
    def test_long_cells_cost_no_time(self, read, text):
        """Patterns that go back and forth over such cells would take minutes; the run's own limit would notice."""
        _, rows = read(f"Name,City\nAna,{text}\n")
        assert rows[0]["City"] == text
        read(f"{text},City\nAna,x\n")


MEASURE = """
import sys, tracemalloc
from pathlib import Path
from alignment.integrations.importers.reading import lines
from alignment.integrations.importers.staging import stage
tracemalloc.start()
source, target = Path(sys.argv[1]), Path(sys.argv[2])
stage(source, target)
for line in lines(target):
    pass
print(tracemalloc.get_traced_memory()[1])
"""


def test_memory_does_not_grow_with_the_rows(tmp_path):
    """Staging and reading a hundred times the rows takes the same memory."""
    peaks = []
    for rows in (2_000, 100_000):
        source = tmp_path / f"{rows}.csv"
        with source.open("w", encoding="cp1252", newline="") as out:
            out.write("Email;Name;Company;Created\n")
            out.writelines(
                f"p{n}@c{n % 99}.example;Jürgen {n};Company {n};2024-03-{n % 28 + 1:02}\n" for n in range(rows)
            )
        measured = subprocess.run(
            [sys.executable, "-c", MEASURE, source, tmp_path / "staged.csv"],
            check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        peaks.append(int(measured.stdout))
    assert peaks[1] < 1.5 * peaks[0]
