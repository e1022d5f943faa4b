"""Long studies, and figures of the documentation; not part of what is installed."""
