"""Long studies, run by hand: `python -m studies.NAME`."""
