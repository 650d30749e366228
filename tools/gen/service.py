# One service as its tables need it: services/<name>/service.json together with AWS's models.
# SPDX-License-Identifier: Apache-2.0
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import members, names
from .actions import Declaration, declarations
from .model import Model, NameOverlay, json_name, load_model, overlay_names
from .endpoints import check_union, guest_operations
from .problem import Problem, check_keys, read_json
from .routes import Guard, guards, route_order
from .shapes import CNames, Shapes, build_shapes
from .streams import split_streams

_PROTOCOLS = {
    "query": "WIRE_QUERY",
    "ec2": "WIRE_EC2",
    "rest-json": "WIRE_REST_JSON",
    "rest-xml": "WIRE_REST_XML",
    "smithy-rpc-v2-cbor": "WIRE_RPC_V2_CBOR",
}

# own_checks: constraints of the model ("enum") that the service checks in its own words and order.
# check: the service has one of its keys, for fsck (src/cloud/service.h).
# buckets: S3's way of addressing (src/cloud/service.h).
# refused, ignored, stored: members that no code reads, by operation, each with its reason (members.py).
# action_prefix, actions, resource_types, authorise, anonymous: what IAM asks for (actions.py).
# "authorise": the service's hook says which resources a call is about. "anonymous": it admits callers
# without a signature, one by one, in that hook.
# endpoint_of, split: services that share an endpoint (endpoints.py). "split": the service is the host, and
# its hook says whose a call is.
# validation: in whose words and by which error (of the model or of `errors`) an input is refused.
_OPTIONAL = {"errors", "state", "check", "buckets", "json_namespace", "own_checks", "validation"}
_OPTIONAL |= {"endpoint_of", "split", *members.KINDS}
# throttled: the error of the model that too many calls get, where that is not ThrottlingException.
# hidden: members that records do not show. data_events: operations that are about what is in a resource.
# "digests": Content-MD5 and x-amz-checksum-* are compared with bodies.
# "measure": the service counts its calls in metrics. "cors": its hook says the CORS rules of a resource.
_OPTIONAL |= {"hidden", "data_events", "measure", "throttled", "cors", "digests"}
_OPTIONAL |= {"action_prefix", "actions", "resource_types", "authorise", "anonymous"}
_WORDINGS = ("joined", "sqs", "ec2")


@dataclass(frozen=True)
class Operation:
    name: str
    c_name: str  # of the handler
    is_built: bool
    input: str | None
    output: str | None
    result_wrapper: str
    method: str
    uri: str
    guard: Guard
    input_root: str
    output_root: str
    host_prefix: str
    status: int
    is_unsigned: bool
    is_root_value: bool
    checksum: str  # of enum wire_checksum


@dataclass(frozen=True)
class Error:
    enumerator: str
    name: str
    query_code: str
    status: int
    is_sender: bool
    shape: str | None  # of its own members
    message_name: str


@dataclass(frozen=True)
class Service:
    name: str
    prefix: str  # of its names in C
    has_state: bool
    has_buckets: bool
    json_namespace: str
    models: tuple[Model, ...]
    operations: tuple[Operation, ...]
    errors: tuple[Error, ...]
    shapes: Shapes
    refused: dict[str, list[str]]  # paths of members, by operation
    wording: str  # of what is wrong with an input
    invalid_error: int  # row of the error for that, counted from 1; 0: the common one
    # By operation: those that are built. Empty without IAM's reference.
    actions: dict[str, Declaration] = field(default_factory=dict)
    action_files: tuple[Path, ...] = ()
    has_authorise: bool = False
    has_check: bool = False
    has_split: bool = False
    host: str = ""  # whose endpoint it shares
    guest_files: tuple[Path, ...] = ()
    admits_anonymous: bool = False
    throttled: str = ""  # in C
    hidden: tuple[str, ...] = ()
    data_events: frozenset[str] = frozenset()
    has_measure: bool = False
    has_cors: bool = False
    checks_digests: bool = False

    def metadata(self, key: str) -> Any:
        """Of the first model that says it."""
        return next((m.metadata[key] for m in self.models if key in m.metadata), None)

    @property
    def signing_name(self) -> str:
        return str(self.metadata("signingName") or self.metadata("endpointPrefix"))

    @property
    def api_version(self) -> str:
        """A form's Version belongs to the model that has the query protocol."""
        by_query = [m for m in self.models if not {"query", "ec2"}.isdisjoint(m.protocols)]
        return str((by_query or self.models)[0].metadata["apiVersion"])

    @property
    def xml_namespace(self) -> str:
        return next((m.xml_namespace for m in self.models if m.xml_namespace), "")

    @property
    def routes(self) -> list[int]:
        """Rows of operations; none when no protocol of the service has URIs."""
        if not self.models[0].is_rest:
            return []
        rows = {op.name: row for row, op in enumerate(self.operations)}
        guarded = {op.name: op.guard for op in self.operations}
        return [rows[name] for name in route_order(self.models[0], guarded)]

    @property
    def protocols(self) -> list[str]:
        return list(dict.fromkeys(_protocol(m, p) for m in self.models for p in m.protocols))


def _protocol(model: Model, protocol: str) -> str:
    if protocol == "json":
        return f"WIRE_JSON_{model.metadata['jsonVersion'].replace('.', '_')}"
    if protocol not in _PROTOCOLS:
        raise Problem(f"{model.label}: the protocol '{protocol}' is unknown")
    return _PROTOCOLS[protocol]


def service_names(root: Path) -> list[str]:
    return sorted(file.parent.name for file in (root / "services").glob("*/service.json"))


def load_service(root: Path, models_dir: Path, name: str) -> Service:
    path = root / "services" / name / "service.json"
    raw = read_json(path)
    where = f"services/{name}/service.json"
    check_keys(where, raw, {"name", "models", "operations"}, _OPTIONAL)
    if raw["name"] != name:
        raise Problem(f"{where}: the name is '{raw['name']}', but the folder is '{name}'")
    if not raw["models"]:
        raise Problem(f"{where}: a service needs a model")
    for entry in raw["models"]:
        check_keys(f"{where}: models", entry, {"release", "path"}, set())
    patches = root / "models/patches"
    models = [
        load_model(models_dir, patches, entry["release"], entry["path"]) for entry in raw["models"]
    ]
    shared, guest_files = guest_operations(root, name) if raw.get("split") else (set(), [])
    if host := raw.get("endpoint_of"):
        check_union(_host_model(root, models_dir, host, where), models[0], raw["operations"], where)
    service = assemble_service(raw, models, where, frozenset(shared))
    declared, files = declarations(
        raw, models_dir / "actions", service.signing_name, where
    )
    return replace(
        service, actions=declared, action_files=tuple(files), guest_files=tuple(guest_files)
    )


def _host_model(root: Path, models_dir: Path, host: str, where: str) -> Model:
    path = root / "services" / host / "service.json"
    if not path.is_file():
        raise Problem(f"{where}: endpoint_of: there is no service '{host}'")
    raw = read_json(path)
    if not raw.get("split"):
        raise Problem(f"{where}: endpoint_of: {path} has no \"split\"")
    entry = raw["models"][0]
    return load_model(models_dir, root / "models/patches", entry["release"], entry["path"])


def assemble_service(
    raw: dict[str, Any], models: list[Model], where: str, shared: frozenset[str] = frozenset()
) -> Service:
    name, listed = raw["name"], raw["operations"]
    for model in models:
        model.leave_checks(raw.get("own_checks", []))
    _check_operations(models[0], listed, where)
    message_names = _take_messages(models[0])
    split_streams(models[0])
    prefix = name.replace("-", "_")
    c_names = CNames(prefix, taken=(f"{prefix}_error",))
    roots = _roots(models[0], listed, where)
    shared_inputs = _inputs(models[0], sorted(shared))
    roots |= {shape: f"{where}: {shape}" for shape in sorted(shared_inputs) if shape not in roots}
    overlay: NameOverlay = {}
    for older in reversed(models[1:]):
        overlay.update(overlay_names(models[0], older, listed))
    shapes = build_shapes(models[0], roots, c_names, overlay, _inputs(models[0], listed) | shared_inputs)
    errors = _errors(models, raw.get("errors", {}), prefix, where, message_names, roots)
    wording, invalid_error = _validation(raw, models[0], errors, where)
    return Service(
        name=name,
        prefix=prefix,
        has_state=raw.get("state", False),
        has_check=raw.get("check", False),
        has_buckets=raw.get("buckets", False),
        json_namespace=raw.get("json_namespace", f"com.amazonaws.{name}"),
        models=tuple(models),
        operations=tuple(_operations(models, set(listed), shared, prefix)),
        errors=tuple(errors),
        shapes=shapes,
        refused=_refused(raw, models[0], shapes, where),
        has_authorise=raw.get("authorise", False),
        has_split=raw.get("split", False),
        host=raw.get("endpoint_of", ""),
        admits_anonymous=raw.get("anonymous", False),
        wording=wording,
        invalid_error=invalid_error,
        throttled=_throttled(raw, errors, where),
        hidden=tuple(_known_members(raw, shapes, where)),
        data_events=frozenset(_data_events(raw, listed, where)),
        has_measure=raw.get("measure", False),
        has_cors=raw.get("cors", False),
        checks_digests=raw.get("digests", False),
    )


def _validation(
    raw: dict[str, Any], model: Model, errors: list[Error], where: str
) -> tuple[str, int]:
    said = raw.get("validation", {})
    check_keys(f"{where}: validation", said, set(), {"wording", "error"})
    wording = said.get("wording", "ec2" if model.is_ec2 else "joined")
    if wording not in _WORDINGS:
        raise Problem(f"{where}: validation: the wording is one of {', '.join(_WORDINGS)}")
    if "error" not in said:
        return wording, 0
    names_ = [error.name for error in errors]
    if said["error"] not in names_:
        raise Problem(f"{where}: validation: there is no error '{said['error']}'")
    return wording, names_.index(said["error"]) + 1


def _refused(
    raw: dict[str, Any], model: Model, shapes: Shapes, where: str
) -> dict[str, list[str]]:
    inputs = {
        name: model.operations[name].get("input", {}).get("shape") for name in raw["operations"]
    }
    _, problems = members.listed(raw, shapes, inputs)
    if problems:
        raise Problem(f"{where}: {problems[0]}")
    return {name: list(paths) for name, paths in raw.get("refused", {}).items()}


def _known_members(raw: dict[str, Any], shapes: Shapes, where: str) -> list[str]:
    known = {row.name for shape in shapes.values() for row in shape.rows}
    for name in raw.get("hidden", []):
        if name not in known:
            raise Problem(f"{where}: hidden: no operation has a member '{name}'")
    return list(raw.get("hidden", []))


def _data_events(raw: dict[str, Any], listed: list[str], where: str) -> list[str]:
    for name in raw.get("data_events", []):
        if name not in listed:
            raise Problem(f"{where}: data_events: '{name}' is not among the operations")
    return list(raw.get("data_events", []))


def _throttled(raw: dict[str, Any], errors: list[Error], where: str) -> str:
    if "throttled" not in raw:
        return ""
    found = [error.enumerator for error in errors if error.name == raw["throttled"]]
    if not found:
        raise Problem(f"{where}: throttled: there is no error '{raw['throttled']}'")
    return found[0]


def _take_messages(model: Model) -> dict[str, str]:
    """An error's message is every service's own, so it is no member of what handlers fill in.
    Spelled as each error has it."""
    found = {}
    for name, shape in model.shapes.items():
        if not shape.get("exception"):
            continue
        members = dict(shape.get("members", {}))
        for key in [key for key in members if key.lower() == "message"]:
            found[name] = json_name(model, key, members.pop(key))
        required = [key for key in shape.get("required", []) if key in members]
        model.shapes[name] = {**shape, "members": members, "required": required}
    return found


def _check_operations(model: Model, listed: list[str], where: str) -> None:
    for name in listed:
        if name not in model.operations:
            raise Problem(f"{where}: {model.label} has no operation '{name}'")
        if listed.count(name) > 1:
            raise Problem(f"{where}: the operation '{name}' stands there twice")


def _roots(model: Model, listed: list[str], where: str) -> dict[str, str]:
    roots: dict[str, str] = {}
    for name in listed:
        for side in ("input", "output"):
            if shape := model.operations[name].get(side):
                roots.setdefault(shape["shape"], f"{where}: {name}: {shape['shape']}")
        for error in model.operations[name].get("errors", []):
            if model.shapes[error["shape"]]["members"]:
                roots.setdefault(error["shape"], f"{where}: {name}: {error['shape']}")
    return roots


def _inputs(model: Model, listed: list[str]) -> frozenset[str]:
    inputs = (model.operations[name].get("input", {}) for name in listed)
    return frozenset(ref["shape"] for ref in inputs if ref)


def _operations(
    models: list[Model], listed: set[str], shared: frozenset[str], prefix: str
) -> list[Operation]:
    """Of those that only guests list the input is read, too: whose a call is depends on it."""
    result = []
    guarded = guards(models[0]) if models[0].is_rest else {}
    for name, raw in sorted(models[0].operations.items()):
        is_built = name in listed
        is_read = is_built or name in shared
        result.append(
            Operation(
                name=name,
                c_name=f"{prefix}_{names.snake(name)}",
                is_built=is_built,
                input=raw["input"]["shape"] if is_read and "input" in raw else None,
                output=raw["output"]["shape"] if is_built and "output" in raw else None,
                result_wrapper=_result_wrapper(models, name) if is_built else "",
                method=raw["http"]["method"] if models[0].is_rest else "",
                uri=raw["http"]["requestUri"] if models[0].is_rest else "",
                guard=guarded.get(name, Guard()),
                input_root=raw.get("input", {}).get("locationName", ""),
                output_root=_output_root(models[0], raw),
                host_prefix=raw.get("endpoint", {}).get("hostPrefix", ""),
                status=raw.get("http", {}).get("responseCode", 200),
                is_unsigned="smithy.api#noAuth" in raw.get("auth", []),
                is_root_value=bool(raw.get("output", {}).get("rootValue")),
                checksum=_checksum(raw),
            )
        )
    return result


def _checksum(raw: dict[str, Any]) -> str:
    """By both of the traits that have said so over the years."""
    trait = raw.get("httpChecksum", {})
    if raw.get("httpChecksumRequired") or trait.get("requestChecksumRequired"):
        return "WIRE_CHECKSUM_REQUIRED"
    return "WIRE_CHECKSUM_ACCEPTED" if "requestAlgorithmMember" in trait else "WIRE_CHECKSUM_NONE"


def _output_root(model: Model, raw: dict[str, Any]) -> str:
    return str(model.trait(raw["output"], "locationName") or "") if "output" in raw else ""


def _result_wrapper(models: list[Model], name: str) -> str:
    by_query = [m for m in models if "query" in m.protocols]
    if not by_query or "output" not in models[0].operations[name]:
        return ""
    outputs = (m.operations.get(name, {}).get("output", {}) for m in by_query)
    # What the older model lacks follows the rule that all its operations follow.
    return next((o["resultWrapper"] for o in outputs if "resultWrapper" in o), name + "Result")


def _errors(
    models: list[Model],
    extra: dict[str, Any],
    prefix: str,
    where: str,
    message_names: dict[str, str],
    roots: dict[str, str],
) -> list[Error]:
    modelled = [name for name, shape in models[0].shapes.items() if shape.get("exception")]
    errors = [
        _modelled_error(models, name, prefix, message_names.get(name, ""), name in roots)
        for name in modelled
    ]
    errors += [_extra_error(key, raw, prefix, where) for key, raw in extra.items()]
    operations = {f"{prefix}_{names.snake(name)}" for name in models[0].operations}
    enumerators = [error.enumerator for error in errors]
    for error in errors:
        if enumerators.count(error.enumerator) > 1:
            raise Problem(f"{where}: two errors are both {error.enumerator} in C")
        if error.shape and error.enumerator.lower() in operations:
            raise Problem(f"{where}: the error {error.name} is an operation's name in C")
    return errors


def _modelled_error(
    models: list[Model], name: str, prefix: str, message_name: str, has_shape: bool
) -> Error:
    shapes = [model.shapes[name] for model in reversed(models) if name in model.shapes]
    is_server_fault = any(shape.get("fault") for shape in shapes)
    traits: dict[str, Any] = next((shape["error"] for shape in shapes if "error" in shape), {})
    status = traits.get("httpStatusCode", 500 if is_server_fault else 400)
    return Error(
        enumerator=names.enumerator(prefix, name),
        name=name,
        query_code=traits.get("code", name),
        status=status,
        is_sender=traits.get("senderFault", not is_server_fault and status < 500),
        shape=name if has_shape else None,
        message_name="" if message_name == "message" else message_name,
    )


def _extra_error(key: str, raw: dict[str, Any], prefix: str, where: str) -> Error:
    check_keys(f"{where}: errors: {key}", raw, {"name", "query", "status", "sender"}, set())
    return Error(
        enumerator=names.enumerator(prefix, key),
        name=raw["name"],
        query_code=raw["query"],
        status=raw["status"],
        is_sender=raw["sender"],
        shape=None,
        message_name="",
    )
