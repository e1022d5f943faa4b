"""Long studies of eicon itself, run by hand."""
