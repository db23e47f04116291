"""Process of the plugin."""

import importlib

from tools.offline.plugins import sdk_bypass

if __name__ == "__main__":
    sdk_bypass.bypass()
    importlib.import_module("tools.offline.plugins.kubernetes.start").main()
