"""Connectomes bundled with eicon, and the scripts that derived them; see LICENCES.md."""
