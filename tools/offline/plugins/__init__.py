"""Small stand-ins for Pulumi's plugins, for machines that cannot fetch the official ones; those win where found."""
