# What IAM asks for before an operation runs: from its service authorization reference, and from service.json.
# SPDX-License-Identifier: Apache-2.0
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .problem import Problem, check_keys, read_json

_LEVELS = {
    "List": "ACCESS_LIST",
    "Read": "ACCESS_READ",
    "Write": "ACCESS_WRITE",
    "Tagging": "ACCESS_TAGGING",
    "Permissions management": "ACCESS_PERMISSIONS",
}


@dataclass(frozen=True)
class ResourceType:
    name: str  # IAM's: "queue"
    arn: str  # "arn:${Partition}:sqs:${Region}:${Account}:${QueueName}"
    cloud_type: str  # "AWS::SQS::Queue"; "": service.json does not say
    is_required: bool
    condition_keys: tuple[str, ...]


@dataclass(frozen=True)
class Action:
    name: str  # "sqs:SendMessage"
    level: str  # in C
    condition_keys: tuple[str, ...]
    resources: tuple[ResourceType, ...]

    @property
    def needs_resource(self) -> bool:
        return any(resource.is_required for resource in self.resources)


# What an operation asks for, one after the other. Empty: it needs no permission.
Declaration = tuple[Action, ...]


class Reference:
    """The files of one directory, one for each prefix of actions."""

    def __init__(self, directory: Path, cloud_types: dict[str, str], where: str) -> None:
        self._directory = directory
        self._cloud_types = cloud_types
        self._where = where
        self._files: dict[str, Any] = {}

    def path(self, prefix: str) -> Path:
        return self._directory / f"{prefix}.json"

    def file(self, prefix: str) -> Any:
        if prefix not in self._files:
            if not self.path(prefix).exists():
                raise Problem(
                    f"{self._where}: IAM knows no service '{prefix}': say which under 'action_prefix' "
                    "(./dev fetch gets what it knows)"
                )
            self._files[prefix] = read_json(self.path(prefix))
        return self._files[prefix]

    @property
    def paths(self) -> list[Path]:
        return [self.path(prefix) for prefix in sorted(self._files)]

    def action(self, prefix: str, name: str) -> Action:
        """Both exist."""
        file = self.file(prefix)
        raw = file["actions"][name]
        resources = (
            ResourceType(
                name=kind,
                arn=file["resources"].get(kind, ""),
                cloud_type=self._cloud_types.get(kind, ""),
                is_required=row["required"],
                condition_keys=tuple(row["condition_keys"]),
            )
            for kind, row in sorted(raw["resources"].items())
        )
        keys = tuple(raw["condition_keys"])
        return Action(f"{prefix}:{name}", _LEVELS[raw["level"]], keys, tuple(resources))

    def found(self, prefix: str, operation: str) -> str | None:
        """The action of that name, or the only one that is documented with the operation."""
        actions = self.file(prefix)["actions"]
        if operation in actions:
            return operation
        documented = [name for name, raw in actions.items() if raw["operation"] == operation]
        return documented[0] if len(documented) == 1 else None


def declarations(
    raw: dict[str, Any], directory: Path, default_prefix: str, where: str
) -> tuple[dict[str, Declaration], list[Path]]:
    """Of every listed operation; and the files that this was read from."""
    prefix = raw.get("action_prefix", default_prefix)
    own = raw.get("actions", {})
    _check_own(own, raw["operations"], where)
    reference = Reference(directory, raw.get("resource_types", {}), where)
    result = {
        name: _own_declaration(reference, own[name], f"{where}: actions: {name}")
        if name in own
        else _found_declaration(reference, prefix, name, where)
        for name in raw["operations"]
    }
    if not raw.get("authorise", False):
        _check_no_resource(result, where)
    return result, reference.paths


def _check_own(own: dict[str, Any], listed: list[str], where: str) -> None:
    for name, entry in own.items():
        check_keys(f"{where}: actions: {name}", entry, {"needs", "reason"}, set())
        if name not in listed:
            raise Problem(f"{where}: actions: '{name}' is not among the operations")
        if not entry["reason"]:
            raise Problem(f"{where}: actions: {name}: a reason is wanted")


def _own_declaration(reference: Reference, entry: dict[str, Any], where: str) -> Declaration:
    actions = []
    for full_name in entry["needs"]:
        prefix, _, name = full_name.partition(":")
        if name not in reference.file(prefix)["actions"]:
            raise Problem(f"{where}: IAM knows no action '{full_name}'")
        actions.append(reference.action(prefix, name))
    return tuple(actions)


def _found_declaration(
    reference: Reference, prefix: str, operation: str, where: str
) -> Declaration:
    name = reference.found(prefix, operation)
    if name is None:
        raise Problem(
            f"{where}: IAM has no action for '{operation}': say under 'actions' what it needs, "
            'with a reason: {"needs": ["sqs:SendMessage"], "reason": "..."}'
        )
    return (reference.action(prefix, name),)


def _check_no_resource(declared: dict[str, Declaration], where: str) -> None:
    for operation, actions in declared.items():
        for action in actions:
            if action.needs_resource:
                raise Problem(
                    f"{where}: '{operation}' is about a {action.resources[0].name}: write the hook "
                    "that says which one, and 'authorise': true here"
                )
