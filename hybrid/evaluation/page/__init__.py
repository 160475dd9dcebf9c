"""The report of a run as one HTML file: a module and a partial template for each section."""
