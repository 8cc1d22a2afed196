"""The crash campaign, one subject a module; `crash_campaign.py` runs it."""
