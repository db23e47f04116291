"""The plugin's process."""

import shutil
import sys
import tempfile

from pulumi.runtime.proto import provider_pb2_grpc

from tools.plugins.engine_log import EngineLog
from tools.plugins.kubernetes.provider import KubernetesProvider
from tools.plugins.process import engine_address, serve


def main() -> None:
    scratch = tempfile.mkdtemp(prefix="synapse-kubernetes-")
    tempfile.tempdir = scratch  # the client writes certificates and keys to files
    provider = KubernetesProvider(EngineLog(engine_address(sys.argv)))

    def end() -> None:
        provider.cancelled.set()
        shutil.rmtree(scratch, ignore_errors=True)

    serve(lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server), end)


if __name__ == "__main__":
    main()
