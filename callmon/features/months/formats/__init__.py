"""A report as CSV, JSON, HTML, PDF and XLSX."""
