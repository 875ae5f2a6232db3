"""Bringing records in from files of any make.

`staging` turns a file into one form (`contents`, `encodings`, `delimiters`, `workbooks`, `headers`, `footers`), which
`reading` reads in slices. `proposals` says what its columns probably are (`presets`, `words`), `notations` how its
dates and amounts are written. A `mapping` (`rules`) says what a row means; `rows` and `deal_rows` translate, `bringing`
receives, and `job` runs it.
"""
