"""Connectomes that come with eicon, and the script that derived them; see LICENCES.md."""
