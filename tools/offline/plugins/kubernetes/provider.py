"""gRPC service of the plugin: decode each request, run the operation, encode the response."""

from threading import Event
from typing import Final

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import plugin_pb2, provider_pb2_grpc
from pulumi.runtime.proto import provider_pb2 as messages

from tools.offline.plugins.diff import changes
from tools.offline.plugins.engine_log import EngineLog
from tools.offline.plugins.kubernetes.api import KubernetesApi
from tools.offline.plugins.kubernetes.configuration import ProviderSettings, replaced_settings
from tools.offline.plugins.kubernetes.errors import ClusterUnreachableError, UnknownKindError, UnsupportedError
from tools.offline.plugins.kubernetes.immutable import immutable_fields
from tools.offline.plugins.kubernetes.naming import (
    has_same_name,
    named,
    object_changes,
    with_namespace,
    without_namespace,
)
from tools.offline.plugins.kubernetes.objects import ObjectReference, at
from tools.offline.plugins.kubernetes.operations import Operations
from tools.offline.plugins.kubernetes.state import with_secrets
from tools.offline.plugins.kubernetes.waiting import Waiter
from tools.offline.plugins.responses import diff_response, errors_as_responses, refuse_unimplemented
from tools.offline.plugins.values import Object, decode, encode, revealed

VERSION: Final = "4.34.2"  # the version that this follows
UNSUPPORTED_TYPES: Final = ("kubernetes:helm.sh/", "kubernetes:kustomize", "kubernetes:yaml")


class KubernetesProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Provider for any `kubernetes:<group/version>:<Kind>`."""

    def __init__(self, log: EngineLog) -> None:
        self.cancelled = Event()
        self._log = log
        self._configure(ProviderSettings())

    def _configure(self, settings: ProviderSettings) -> None:
        api = KubernetesApi(settings.kubeconfig, settings.context)
        self._settings, self._api = settings, api
        self._operations = Operations(api, settings, Waiter(api, self._log, self.cancelled))

    def GetPluginInfo(self, request: Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=VERSION)

    def CheckConfig(self, request: messages.CheckRequest, context: grpc.ServicerContext) -> messages.CheckResponse:
        return messages.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: messages.DiffRequest, context: grpc.ServicerContext) -> messages.DiffResponse:
        old, new = decode(request.old_inputs), decode(request.news)
        return diff_response(dict(changes(old, new)), replaced_settings(old, new))

    def Configure(
        self, request: messages.ConfigureRequest, context: grpc.ServicerContext
    ) -> messages.ConfigureResponse:
        self._configure(ProviderSettings.of(decode(request.args)))
        return messages.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Check(self, request: messages.CheckRequest, context: grpc.ServicerContext) -> messages.CheckResponse:
        with errors_as_responses(context):
            new, old = decode(request.news), decode(request.olds)
            refuse_unsupported(request.type, new)
            item = self._with_default_namespace(named(new, old, request.name, request.randomSeed))
            return messages.CheckResponse(inputs=encode(with_secrets(item)))

    def Diff(self, request: messages.DiffRequest, context: grpc.ServicerContext) -> messages.DiffResponse:
        old, new = decode(request.old_inputs), decode(request.news)
        immutable = immutable_fields(revealed(new), self._settings.mutable_kinds)
        return diff_response(object_changes(old, new), immutable, is_first_deleted=has_same_name(old, new))

    def Create(self, request: messages.CreateRequest, context: grpc.ServicerContext) -> messages.CreateResponse:
        with errors_as_responses(context):
            inputs = decode(request.properties)
            if request.preview:
                return messages.CreateResponse(properties=encode(self._operations.preview_create(request.urn, inputs)))
            name, outputs = self._operations.create(request.urn, inputs, request.timeout)
            return messages.CreateResponse(id=name, properties=encode(outputs))

    def Update(self, request: messages.UpdateRequest, context: grpc.ServicerContext) -> messages.UpdateResponse:
        with errors_as_responses(context):
            versions = decode(request.olds), decode(request.old_inputs), decode(request.news)
            if request.preview:
                outputs = self._operations.preview_update(request.urn, *versions)
            else:
                outputs = self._operations.update(request.urn, *versions, request.timeout)
            return messages.UpdateResponse(properties=encode(outputs))

    def Read(self, request: messages.ReadRequest, context: grpc.ServicerContext) -> messages.ReadResponse:
        with errors_as_responses(context):
            olds, old_inputs = decode(request.properties), decode(request.inputs)
            target = stored(request.type, request.id, olds)
            state = self._operations.read(request.urn, target, olds, old_inputs)
            if state is None:
                return messages.ReadResponse()
            outputs, inputs = state
            return messages.ReadResponse(id=request.id, properties=encode(outputs), inputs=encode(inputs))

    def Delete(self, request: messages.DeleteRequest, context: grpc.ServicerContext) -> Empty:
        with errors_as_responses(context):
            olds = decode(request.properties)
            target = stored(request.type, request.id, olds)
            self._operations.delete(request.urn, target, olds, request.timeout)
            return Empty()

    def Invoke(self, request: messages.InvokeRequest, context: grpc.ServicerContext) -> messages.InvokeResponse:
        refuse_unimplemented(context, _unsupported(request.tok))

    def Call(self, request: messages.CallRequest, context: grpc.ServicerContext) -> messages.CallResponse:
        refuse_unimplemented(context, _unsupported(request.tok))

    def Construct(
        self, request: messages.ConstructRequest, context: grpc.ServicerContext
    ) -> messages.ConstructResponse:
        refuse_unimplemented(context, _unsupported(request.type))

    def Cancel(self, request: Empty, context: grpc.ServicerContext) -> Empty:
        self.cancelled.set()
        return Empty()

    def _with_default_namespace(self, item: Object) -> Object:
        """Add the default namespace, where the cluster can tell that the kind is namespaced."""
        try:
            is_namespaced = self._api.is_namespaced(item["apiVersion"], item["kind"])
        except (UnknownKindError, ClusterUnreachableError):
            return item
        return with_namespace(item, self._settings.namespace) if is_namespaced else without_namespace(item)


def stored(resource_type: str, identifier: str, olds: Object) -> ObjectReference:
    """Return the reference of a resource in the state; an import has only its type and id."""
    _, version, kind = resource_type.split(":", 2)
    namespace, _, name = identifier.rpartition("/")
    plain = revealed(olds)
    api_version = at(plain, "apiVersion") or version.removeprefix("core/")
    return ObjectReference(api_version, at(plain, "kind") or kind, name, namespace)


def refuse_unsupported(resource_type: str, inputs: Object) -> None:
    """Raise UnsupportedError for a resource that is not one plain object."""
    kind = resource_type.rpartition(":")[2]
    is_list = kind.endswith("List") and "items" in inputs
    if resource_type.startswith(UNSUPPORTED_TYPES) or is_list or "apiVersion" not in inputs:
        raise UnsupportedError(_unsupported(resource_type))


def _unsupported(what: str) -> str:
    return (
        f"{what} needs the official Pulumi Kubernetes plugin, which this machine does not have: "
        f"run `pulumi plugin install resource kubernetes {VERSION}` on a machine with internet access"
    )
