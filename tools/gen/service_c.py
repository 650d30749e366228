# Writes a service's header and tables.
# SPDX-License-Identifier: Apache-2.0
from . import members, names
from .actions import ResourceType
from .service import Error, Operation, Service
from .structs import struct_lines
from .tables import Tables


def origin(what: str, sources: list[str]) -> list[str]:
    lines = [
        f"// {what}",
        "// SPDX-License-Identifier: Apache-2.0",
        "// Made by tools/generate.py from:",
    ]
    return lines + [f"//   {source}" for source in sources]


def _sources(service: Service) -> list[str]:
    return [f"services/{service.name}/service.json", *(model.label for model in service.models)]


def header_lines(service: Service) -> list[str]:
    lines = origin(f"What {service.name} takes, answers and implements.", _sources(service))
    lines += ["#pragma once", "", '#include "src/cloud/service.h"']
    if any(error.shape for error in service.errors):
        lines.append('#include "src/cloud/fault.h"')
    lines += [""]
    lines += struct_lines(service.shapes)
    if service.errors:
        lines += [f"enum {service.prefix}_error {{"]
        lines += [f"    {error.enumerator}, // {error.name}" for error in service.errors]
        lines += ["};", ""]
    for error in service.errors:
        if error.shape:
            lines += _constructor_lines(service, error)
    lines += [_prototype(service, op) for op in service.operations if op.is_built]
    if service.has_state:
        lines += [f"int {service.prefix}_init(struct cloud *cloud, void **state);"]
        lines += [f"void {service.prefix}_fini(void *state);"]
    if service.has_split:
        lines += [f"int {service.prefix}_split(struct call *c, struct str *owner);"]
    if service.has_check:
        lines += [f"int {service.prefix}_check(struct check *c);"]
    if service.has_authorise:
        lines += [f"int {service.prefix}_authorise(struct call *c, struct access *access);"]
    if service.has_cors:
        lines += [
            f"int {service.prefix}_cors(struct cloud *cloud, void *state, "
            "const struct http_request *request, struct cors_rules *out);"
        ]
    if service.has_measure:
        lines += [f"void {service.prefix}_measure(struct call *c);"]
    return lines + ["", f"extern const struct service {service.prefix}_service;"]


def _constructor_lines(service: Service, error: Error) -> list[str]:
    """Knows the struct of the error's members, which fault_with() does not."""
    name = service.prefix + "_" + names.snake(error.name)
    return [
        f"// {error.name} with its members. As fault() and fault_with() in src/cloud/fault.h.",
        "static inline MUST_USE PRINTF(3, 4) int",
        f"{name}(struct call *c, const {service.shapes[error.shape].c_type} *members,",
        "    const char *format, ...)",
        "{",
        "    va_list args;",
        "    va_start(args, format);",
        f"    int code = fault_with(c, {error.enumerator}, members, format, args);",
        "    va_end(args);",
        "    return code;",
        "}",
        "",
    ]


def _prototype(service: Service, op: Operation) -> str:
    arguments = ["struct call *c"]
    if op.input:
        arguments.append(f"const {service.shapes[op.input].c_type} *in")
    if op.output:
        arguments.append(f"{service.shapes[op.output].c_type} *out")
    line = f"int {op.c_name}({', '.join(arguments)});"
    return line if len(line) <= 100 else line.replace(", ", ",\n" + " " * (len(op.c_name) + 5))


def tables_lines(service: Service) -> list[str]:
    tables = Tables(service.shapes)
    model = tables.model_lines()
    wire = wire_lines(service, tables) + _action_lines(service, tables)
    lines = origin(f"The tables of {service.name}.", _sources(service))
    lines += ["", f'#include "services/{service.name}/{service.prefix}_api.h"', ""]
    lines += tables.text.lines() + model + wire
    lines += _thunk_lines(service) + _handler_lines(service)
    lines += [
        f"const struct service {service.prefix}_service = {{",
        "    .wire = &wire,",
        "    .handlers = handlers,",
    ]
    if any(service.actions.values()):
        lines += ["    .actions = actions,"]
        lines += ["    .action_resources = action_resources,"] if _has_resources(service) else []
    lines += ["    .operation_actions = operation_actions,"]
    lines += [f'    .host = "{service.host}",'] if service.host else []
    lines += [f"    .split = {service.prefix}_split,"] if service.has_split else []
    if service.has_authorise:
        lines += [f"    .authorise = {service.prefix}_authorise,"]
    if service.checks_digests:
        lines += ["    .checks_digests = true,"]
    if service.has_cors:
        lines += [f"    .cors = {service.prefix}_cors,"]
    if service.has_measure:
        lines += [f"    .measure = {service.prefix}_measure,"]
    if service.hidden:
        lines += [f"    .hidden = {names.string_literal(' '.join(service.hidden))},"]
    if service.throttled:
        lines += [f"    .throttled = {service.throttled} + 1,"]
    if service.admits_anonymous:
        lines += ["    .admits_anonymous = true,"]
    lines += ["    .has_buckets = true,"] if service.has_buckets else []
    if service.has_check:
        lines += [f"    .check = {service.prefix}_check,"]
    if service.has_state:
        lines += [f"    .init = {service.prefix}_init,", f"    .fini = {service.prefix}_fini,"]
    return lines + ["};"]


def wire_lines(service: Service, tables: Tables) -> list[str]:
    """struct wire_service, which needs the model, and all that it points to."""
    refusals = _refusals(service, tables)
    lines = _refusal_lines(refusals) + _operation_lines(service, tables, refusals)
    lines += _error_lines(service, tables)
    return lines + _service_lines(service)


# The rows of each operation that refuses members: (row among all members, whether it is refused).
Refusals = dict[str, list[tuple[int, bool]]]


def _refusals(service: Service, tables: Tables) -> Refusals:
    found = {}
    for op in service.operations:
        if paths := service.refused.get(op.name):
            rows = members.refusals(service.shapes, op.input, paths)
            found[op.name] = sorted((tables.member_row(s, i), refused) for s, i, refused in rows)
    return found


def _refusal_lines(refusals: Refusals) -> list[str]:
    if not refusals:
        return []
    lines = ["static const struct wire_refusal refusals[] = {"]
    for name, rows in refusals.items():
        lines += [f"    // {name}"] + [f"    {{{row}, {int(is_refused)}}}," for row, is_refused in rows]
    return lines + ["};", ""]


def _operation_lines(service: Service, tables: Tables, refusals: Refusals) -> list[str]:
    lines, first = ["static const struct wire_operation operations[] = {"], 0
    for op in service.operations:
        count = len(refusals.get(op.name, []))
        fields = [*_operation_fields(op, tables), str(first), str(count), op.checksum]
        lines.append(f"    {{{', '.join(fields)}}}, // {op.name}")
        first += count
    return lines + ["};", "", *_route_lines(service)]


def _operation_fields(op: Operation, tables: Tables) -> list[str]:
    fields = [str(tables.text.add(op.name))]
    fields += [tables.shape_index(op.input), tables.shape_index(op.output)]
    texts = [op.result_wrapper, op.method, op.uri, "&".join(op.guard.query), op.guard.header]
    texts += [op.input_root, op.output_root, op.host_prefix]
    fields += [str(tables.text.add(text)) for text in texts]
    return fields + [str(op.status), *(str(f).lower() for f in (op.is_unsigned, op.is_root_value))]


def _route_lines(service: Service) -> list[str]:
    if not service.routes:
        return []
    rows = [f"    {row}, // {service.operations[row].name}" for row in service.routes]
    return ["static const uint16_t routes[] = {", *rows, "};", ""]


def _error_lines(service: Service, tables: Tables) -> list[str]:
    if not service.errors:
        return []
    lines = ["static const struct wire_error errors[] = {"]
    for error in service.errors:
        texts = f"{tables.text.add(error.name)}, {tables.text.add(error.query_code)}"
        is_sender = str(error.is_sender).lower()
        lines.append(
            f"    {{{texts}, {error.status}, {is_sender}, {tables.shape_index(error.shape)}, "
            f"{tables.text.add(error.message_name)}}}, // {error.name}, {error.query_code}"
        )
    return lines + ["};", ""]


def _service_lines(service: Service) -> list[str]:
    texts = {
        "name": service.name,
        "signing_name": service.signing_name,
        "target_prefix": service.metadata("targetPrefix") or "",
        "json_namespace": service.json_namespace,
        "api_version": service.api_version,
        "xml_namespace": service.xml_namespace,
    }
    is_compatible = service.metadata("awsQueryCompatible") is not None
    lines = ["static const struct wire_service wire = {"]
    lines += [f"    .{key} = {names.string_literal(value)}," for key, value in texts.items()]
    lines += [f"    .protocols = {' | '.join(f'1 << {p}' for p in service.protocols)},"]
    has_bare_errors = bool(service.metadata("bareErrors"))
    lines += [f"    .is_query_compatible = {str(is_compatible).lower()},"]
    lines += [f"    .has_bare_errors = {str(has_bare_errors).lower()},", "    .model = &model,"]
    lines += [f"    .wording = WIRE_WORDING_{service.wording.upper()},"]
    lines += [f"    .invalid_error = {service.invalid_error},"]
    lines += ["    .refusals = refusals,"] if service.refused else []
    lines += ["    .routes = routes,"] if service.routes else []
    tables = ["operation", "error"] if service.errors else ["operation"]
    for table in tables:
        lines += [f"    .{table}s = {table}s,", f"    .{table}_count = COUNT_OF({table}s),"]
    return lines + ["};", ""]


def _has_resources(service: Service) -> bool:
    return any(a.resources for actions in service.actions.values() for a in actions)


def _action_lines(service: Service, tables: Tables) -> list[str]:
    """What each operation asks for: rows in `actions`, which point at rows in `action_resources`."""
    spans, actions, resources = [], [], []
    for op in service.operations:
        declared = service.actions.get(op.name, ())
        is_data = str(op.name in service.data_events).lower()
        spans.append(f"    {{{len(actions)}, {len(declared)}, {is_data}}}, // {op.name}")
        for action in declared:
            fields = [str(tables.text.add(t)) for t in (action.name, " ".join(action.condition_keys))]
            fields += [str(len(resources)), str(len(action.resources)), action.level]
            actions.append(f"    {{{', '.join(fields)}}}, // {action.name}")
            resources += [_resource_line(tables, resource) for resource in action.resources]
    return (
        _rows("struct action_resource", "action_resources", resources)
        + _rows("struct action", "actions", actions)
        + _rows("struct action_span", "operation_actions", spans)
    )


def _resource_line(tables: Tables, resource: ResourceType) -> str:
    texts = (resource.name, resource.arn, resource.cloud_type, " ".join(resource.condition_keys))
    fields = [str(tables.text.add(text)) for text in texts]
    return f"    {{{', '.join(fields)}, {str(resource.is_required).lower()}}}, // {resource.name}"


def _rows(c_type: str, name: str, rows: list[str]) -> list[str]:
    return [f"static const {c_type} {name}[] = {{", *rows, "};", ""] if rows else []


def _thunk_lines(service: Service) -> list[str]:
    lines = []
    for op in service.operations:
        if op.is_built:
            arguments = ["c"] + ["in"] * bool(op.input) + ["out"] * bool(op.output)
            lines += [
                "static int",
                f"call_{op.c_name}(struct call *c, const void *in, void *out)",
                "{",
            ]
            lines += [f"    return {op.c_name}({', '.join(arguments)});", "}", ""]
    return lines


def _handler_lines(service: Service) -> list[str]:
    lines = ["static service_handler_fn *const handlers[] = {"]
    for op in service.operations:
        lines.append(f"    call_{op.c_name}," if op.is_built else f"    NULL, // {op.name}")
    return lines + ["};", ""]


def registry_lines(service_names: list[str]) -> list[str]:
    prefixes = [name.replace("-", "_") for name in service_names]
    lines = origin("All services, in the order of their names.", ["the folders in services"])
    lines += ["", '#include "src/cloud/service.h"', ""]
    for name, prefix in zip(service_names, prefixes):
        lines.append(f'#include "services/{name}/{prefix}_api.h"')
    lines += ["", "const struct service *const service_registry[] = {"]
    return lines + [f"    &{prefix}_service," for prefix in prefixes] + ["    NULL,", "};"]
