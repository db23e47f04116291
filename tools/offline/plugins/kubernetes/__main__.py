"""Process of the plugin."""

import importlib

from tools.offline.plugins import messages_only

if __name__ == "__main__":
    messages_only.prepare()
    importlib.import_module("tools.offline.plugins.kubernetes.start").main()
