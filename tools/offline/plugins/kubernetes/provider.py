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
from tools.offline.plugins.kubernetes.awaiting.rule import Wait
from tools.offline.plugins.kubernetes.awaiting.workloads import JobRule
from tools.offline.plugins.kubernetes.configuration import ProviderSettings, replaced_settings
from tools.offline.plugins.kubernetes.errors import (
    ClusterUnreachableError,
    KubernetesError,
    UnknownKindError,
    UnsupportedError,
)
from tools.offline.plugins.kubernetes.immutable import immutable_fields
from tools.offline.plugins.kubernetes.naming import AUTONAMED, has_same_name, named, with_namespace, without_namespace
from tools.offline.plugins.kubernetes.normalize import normalized, with_dashes, with_underscores
from tools.offline.plugins.kubernetes.objects import (
    ObjectReference,
    annotation,
    at,
    is_annotated,
    is_patch,
    reference,
)
from tools.offline.plugins.kubernetes.operations import Operations
from tools.offline.plugins.kubernetes.state import pruned, stored, with_secrets
from tools.offline.plugins.kubernetes.waiting import Waiter
from tools.offline.plugins.responses import PluginError, diff_response, errors_as_responses, refuse_unimplemented
from tools.offline.plugins.values import Object, concealed, decode, encode, revealed

VERSION: Final = "4.34.2"  # the version that this follows
REPLACE_UNREADY: Final = "pulumi.com/replaceUnready"
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
            inputs = checked_names(request.type, new)
            if annotation(inputs, AUTONAMED):
                self._log.say_warning(
                    request.urn, f'ignoring user-specified value for internal annotation "{AUTONAMED}"'
                )
            item = self._with_default_namespace(named(inputs, old, request.name, request.randomSeed))
            shown = with_underscores(concealed(item, new))
            return messages.CheckResponse(inputs=encode(with_secrets(as_mapping(shown))))

    def Diff(self, request: messages.DiffRequest, context: grpc.ServicerContext) -> messages.DiffResponse:
        with errors_as_responses(context):
            old_live, base, new = self._compared(decode(request.olds), decode(request.news))
            patches = is_patch(request.urn.split("::")[2], new)
            immutable = immutable_fields(new, self._settings.mutable_kinds, is_patch=patches)
            is_first_deleted = has_same_name(old_live, new)
            changed = dict(changes(base, new))
            response = diff_response(changed, immutable, is_first_deleted=is_first_deleted, are_inputs=False)
            if is_annotated(new, REPLACE_UNREADY) and self._is_replaced(request.urn, new, old_live):
                response.changes = messages.DiffResponse.DIFF_SOME
                response.replaces.append(f'.metadata.annotations["{REPLACE_UNREADY}"]')
                response.deleteBeforeReplace = is_first_deleted
            return response

    def Create(self, request: messages.CreateRequest, context: grpc.ServicerContext) -> messages.CreateResponse:
        with errors_as_responses(context):
            inputs = decode(request.properties)
            if request.preview:
                return messages.CreateResponse(properties=encode(self._operations.preview_create(request.urn, inputs)))
            name, outputs = self._operations.create(request.urn, inputs, request.timeout)
            return messages.CreateResponse(id=name, properties=encode(outputs))

    def Update(self, request: messages.UpdateRequest, context: grpc.ServicerContext) -> messages.UpdateResponse:
        with errors_as_responses(context):
            versions = decode(request.olds), decode(request.news)
            if request.preview:
                outputs = self._operations.preview_update(request.urn, *versions)
            else:
                outputs = self._operations.update(request.urn, *versions, request.timeout)
            return messages.UpdateResponse(properties=encode(outputs))

    def Read(self, request: messages.ReadRequest, context: grpc.ServicerContext) -> messages.ReadResponse:
        with errors_as_responses(context):
            olds, old_inputs = decode(request.properties), decode(request.inputs)
            target = identified(request.type, request.id, olds)
            state = self._operations.read(target, olds, old_inputs)
            if state is None:
                return messages.ReadResponse()
            outputs, inputs = state
            return messages.ReadResponse(id=request.id, properties=encode(outputs), inputs=encode(inputs))

    def Delete(self, request: messages.DeleteRequest, context: grpc.ServicerContext) -> Empty:
        with errors_as_responses(context):
            olds = decode(request.properties)
            target = identified(request.type, request.id, olds)
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

    def _compared(self, olds: Object, news: Object) -> tuple[Object, Object, Object]:
        """Return the last known object, its part that was an input, and the new inputs, all without secret marks."""
        old_inputs, old_live = (as_mapping(with_dashes(each)) for each in stored(olds))
        new = normalized(as_mapping(with_dashes(news)))
        base = as_mapping(pruned(old_live, normalized(old_inputs)))
        metadata = {key: value for key, value in base.get("metadata", {}).items() if key != "resourceVersion"}
        if at(new, "metadata", "name"):
            metadata["name"] = at(old_live, "metadata", "name")
        base = {"apiVersion": new.get("apiVersion"), "kind": new.get("kind"), **base, "metadata": metadata}
        base, new = (self._with_canonical_namespace(each) for each in (base, new))
        return self._with_canonical_namespace(old_live), base, new

    def _with_canonical_namespace(self, item: Object) -> Object:
        try:
            is_namespaced = self._api.is_namespaced(item["apiVersion"], item["kind"])
        except (UnknownKindError, ClusterUnreachableError):
            is_namespaced = True
        return with_namespace(item, "default") if is_namespaced else without_namespace(item)

    def _is_replaced(self, urn: str, new: Object, old_live: Object) -> bool:
        """Return whether an object with `REPLACE_UNREADY` is made anew: a Job that has not completed."""
        if new.get("kind") != "Job":
            self._log.say_warning(urn, "replaceUnready annotation is not supported for this resource")
            return False
        try:
            live = self._api.get(reference(old_live))
        except KubernetesError as error:
            self._log.say_warning(urn, f"skipping replaceUnready check: {error}")
            return False
        return live is not None and not JobRule(Wait(api=self._api, applied=live, before=live)).look(live).is_ready


def checked_names(resource_type: str, new: Object) -> Object:
    """Return the normalized inputs. Raises PluginError for a name that server-side apply cannot have."""
    inputs = normalized(as_mapping(with_dashes(new)))
    metadata = inputs.get("metadata")
    if is_patch(resource_type, inputs) and isinstance(metadata, dict) and not metadata.get("name"):
        raise PluginError("patch resources require the `.metadata.name` field to be set")
    if isinstance(metadata, dict) and metadata.get("generateName") and not metadata.get("name"):
        raise PluginError("the `.metadata.generateName` field is not supported in Server-Side Apply mode")
    return inputs


def as_mapping(value: object) -> Object:
    return value if isinstance(value, dict) else {}


def identified(resource_type: str, identifier: str, olds: Object) -> ObjectReference:
    """Return the reference of a resource in the state; an import has only its type and id."""
    _, version, kind = resource_type.split(":", 2)
    namespace, _, name = identifier.rpartition("/")
    plain = revealed(olds)
    api_version = at(plain, "apiVersion") or version.removeprefix("core/")
    return ObjectReference(api_version, at(plain, "kind") or kind, name, namespace)


def refuse_unsupported(resource_type: str, inputs: Object) -> None:
    """Raise UnsupportedError for a resource that is not one plain object."""
    kind = resource_type.rpartition(":")[2]
    if kind.endswith("List") and "items" in inputs:
        raise PluginError(
            "list resources exist for compatibility with YAML manifests and Helm charts, and cannot be created "
            "directly. Use the underlying resource type instead"
        )
    if resource_type.startswith(UNSUPPORTED_TYPES) or "apiVersion" not in inputs:
        raise UnsupportedError(_unsupported(resource_type))


def _unsupported(what: str) -> str:
    return (
        f"{what} needs the official Pulumi Kubernetes plugin, which this machine does not have: "
        f"run `pulumi plugin install resource kubernetes {VERSION}` on a machine with internet access"
    )
