"""Small stand-ins for Pulumi's official plugins, used only where those are not installed and cannot be downloaded."""
