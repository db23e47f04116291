"""Start the plugin's server."""

import shutil
import sys
import tempfile

from pulumi.runtime.proto import provider_pb2_grpc

from tools.offline.plugins.engine_log import EngineLog
from tools.offline.plugins.kubernetes.provider import KubernetesProvider
from tools.offline.plugins.process import engine_address, serve


def main() -> None:
    scratch = tempfile.mkdtemp(prefix="synapse-kubernetes-")
    tempfile.tempdir = scratch  # certificates and keys of a kubeconfig become temporary files
    provider = KubernetesProvider(EngineLog(engine_address(sys.argv)))

    def end() -> None:
        provider.cancelled.set()
        shutil.rmtree(scratch, ignore_errors=True)

    serve(lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server), end)
