"""The monthly telephone statistics: rows → Report → CSV, JSON, HTML, XLSX, PDF.

`tally` counts calls, `owing` obligations, each once and into the smallest cell (a line, a language); every cut is
a sum of cells, so that the rows of a table add up. `monthly` makes the Report, pure. `layout` says what stands
where; a format module only writes what it is given. Refuses to show a person, a number, or what was not heard as
0.
"""
