#!/usr/bin/env python3
# Tests of the generator and of what fetches its models.
# SPDX-License-Identifier: Apache-2.0
import json
import os
import subprocess
import tempfile
import unittest
import zipfile
from pathlib import Path
from typing import Any

import fetch_models
from gen.endpoints import check_union
from gen import actions, names, records, service_c
from gen.model import Model, apply_patch, load_model
from gen.problem import Problem
from gen.routes import Guard
from gen.service import Operation, Service, assemble_service, load_service
from gen.shapes import Row
from gen.tables import TextPool, checked_shapes

ROOT = Path(__file__).resolve().parent.parent
MODELS = Path(os.environ.get("C10M_MODELS") or fetch_models.default_cache())


def row(service: Service, path: str) -> Row:
    shape, member = path.split(".")
    return next(r for r in service.shapes[shape].rows if r.name == member)


# The services that c10m is for, and the models that they need.
MISSION = {
    "SQS": "sqs", "STS": "sts", "IAM": "iam", "KMS": "kms", "S3": "s3", "S3 Control": "s3control",
    "DynamoDB": "dynamodb", "DynamoDB Streams": "dynamodbstreams",
    "Application Auto Scaling": "application-autoscaling", "Organizations": "organizations",
    "EC2": "ec2", "EC2 Instance Connect": "ec2-instance-connect", "EBS": "ebs",
    "Elastic Load Balancing": "elbv2", "Elastic Load Balancing (classic)": "elb",
    "Auto Scaling": "autoscaling", "RDS": "rds", "RDS Data": "rds-data",
    "ElastiCache": "elasticache", "Neptune": "neptune", "DocumentDB": "docdb", "Lambda": "lambda",
    "API Gateway": "apigateway", "API Gateway v2": "apigatewayv2",
    "API Gateway Management": "apigatewaymanagementapi", "Step Functions": "stepfunctions",
    "SNS": "sns", "EventBridge": "events", "Scheduler": "scheduler", "Pipes": "pipes",
    "CloudWatch": "cloudwatch", "CloudWatch Logs": "logs", "X-Ray": "xray",
    "CloudTrail": "cloudtrail", "Config": "config", "GuardDuty": "guardduty",
    "Systems Manager": "ssm", "Secrets Manager": "secretsmanager", "Route 53": "route53",
    "Route 53 Domains": "route53domains", "Route 53 Resolver": "route53resolver",
    "CloudFront": "cloudfront", "ACM": "acm", "ACM PCA": "acm-pca", "WAFv2": "wafv2",
    "Shield": "shield", "Cognito user pools": "cognito-idp",
    "Cognito identity pools": "cognito-identity", "CodeCommit": "codecommit",
    "CodeBuild": "codebuild", "CodeDeploy": "codedeploy", "CodePipeline": "codepipeline",
    "CodeConnections": "codeconnections", "CodeStar": "codestar", "Cloud9": "cloud9",
    "Cloud Map": "servicediscovery", "CloudFormation": "cloudformation",
    "Cloud Control": "cloudcontrol", "Resource Groups Tagging": "resourcegroupstaggingapi",
    "Kinesis": "kinesis", "Firehose": "firehose", "SES": "ses", "SES v2": "sesv2", "ECR": "ecr",
    "ECS": "ecs", "Elastic Beanstalk": "elasticbeanstalk",
}  # fmt: skip


class MissionTest(unittest.TestCase):
    def test_every_service_has_a_pinned_model(self) -> None:
        pins = json.loads((ROOT / "models/pins.json").read_text())["releases"]
        pinned = {path.split("/")[0] for release in pins.values() for path in release["models"]}
        self.assertEqual(pinned, set(MISSION.values()))
        self.assertEqual(len(MISSION), len(pinned))


class SqsTest(unittest.TestCase):
    """The current model has no query protocol; its names there come from an older release."""

    service: Service

    @classmethod
    def setUpClass(cls) -> None:
        cls.service = load_service(ROOT, MODELS, "sqs")

    def test_names_in_forms(self) -> None:
        for path, query_name in {
            "CreateQueueRequest.Attributes": "Attribute",
            "CreateQueueRequest.tags": "Tag",
            "GetQueueAttributesRequest.AttributeNames": "AttributeName",
            "SendMessageRequest.MessageAttributes": "MessageAttribute",
            "SendMessageRequest.MessageBody": "MessageBody",
            "SendMessageBatchRequest.Entries": "SendMessageBatchRequestEntry",
            "MessageAttributeValue.StringListValues": "StringListValue",
            "QueueAttributeMap.key": "Name",
            "QueueAttributeMap.value": "Value",
            "TagMap.key": "Key",
        }.items():
            with self.subTest(path):
                self.assertEqual(row(self.service, path).query_name, query_name)

    def test_names_in_xml(self) -> None:
        for path, xml_name in {
            "ReceiveMessageResult.Messages": "Message",
            "Message.Attributes": "Attribute",
            "ListQueuesResult.QueueUrls": "QueueUrl",
            "SendMessageBatchResult.Successful": "SendMessageBatchResultEntry",
            "SendMessageBatchResult.Failed": "BatchResultErrorEntry",
        }.items():
            with self.subTest(path):
                self.assertEqual(row(self.service, path).xml_name, xml_name)
                self.assertIn("WIRE_FLATTENED", row(self.service, path).flags)

    def test_names_in_json_are_the_members_own(self) -> None:
        self.assertEqual(row(self.service, "CreateQueueRequest.Attributes").json_name, "Attributes")
        self.assertEqual(row(self.service, "ReceiveMessageResult.Messages").json_name, "Messages")

    def test_what_the_older_model_lacks_follows_the_rules(self) -> None:
        lacking = row(self.service, "ReceiveMessageRequest.MessageSystemAttributeNames")
        self.assertEqual(lacking.query_name, "MessageSystemAttributeNames")

    def test_errors(self) -> None:
        errors = {error.enumerator: error for error in self.service.errors}
        error = errors["SQS_QUEUE_DOES_NOT_EXIST"]
        self.assertEqual(error.name, "QueueDoesNotExist")
        self.assertEqual(error.query_code, "AWS.SimpleQueueService.NonExistentQueue")
        self.assertEqual((error.status, error.is_sender), (400, True))
        self.assertEqual(errors["SQS_OVER_LIMIT"].status, 403)
        self.assertEqual(errors["SQS_INVALID_SECURITY"].query_code, "InvalidSecurity")

    def test_own_checks_are_left_out_of_the_tables(self) -> None:
        self.assertEqual(self.service.shapes["QueueAttributeName"].constraint.enum, ())

    def test_service(self) -> None:
        self.assertEqual(self.service.protocols, ["WIRE_JSON_1_0", "WIRE_QUERY"])
        self.assertEqual(self.service.api_version, "2012-11-05")
        self.assertEqual(
            self.service.metadata("xmlNamespace"), "http://queue.amazonaws.com/doc/2012-11-05/"
        )

    def test_handlers(self) -> None:
        header = "\n".join(service_c.header_lines(self.service))
        self.assertIn("int sqs_send_message(struct call *c,", header)
        self.assertIn(
            "int sqs_delete_queue(struct call *c, const struct sqs_delete_queue_request *in);",
            header,
        )


class StsTest(unittest.TestCase):
    def test_service(self) -> None:
        service = load_service(ROOT, MODELS, "sts")
        built = [op for op in service.operations if op.is_built]
        self.assertEqual([op.name for op in built], ["GetCallerIdentity"])
        self.assertEqual(built[0].result_wrapper, "GetCallerIdentityResult")
        self.assertEqual(service.protocols, ["WIRE_QUERY"])
        self.assertEqual(row(service, "GetCallerIdentityResponse.Arn").xml_name, "Arn")
        error = next(e for e in service.errors if e.name == "IDPRejectedClaimException")
        self.assertEqual((error.query_code, error.status), ("IDPRejectedClaim", 403))
        self.assertEqual(error.enumerator, "STS_IDP_REJECTED_CLAIM_EXCEPTION")


class ActionsTest(unittest.TestCase):
    """What IAM asks for: by the operation's name, by its page, or as service.json says."""

    def declared(self, raw: dict[str, Any], name: str = "sqs") -> dict[str, list[str]]:
        found, _ = actions.declarations(raw, MODELS / "actions", name, "x")
        return {operation: [action.name for action in row] for operation, row in found.items()}

    def test_of_its_own_name(self) -> None:
        raw = {"operations": ["SendMessage", "ListQueues"], "authorise": True}
        want = {"SendMessage": ["sqs:SendMessage"], "ListQueues": ["sqs:ListQueues"]}
        self.assertEqual(self.declared(raw), want)

    def test_by_its_page(self) -> None:
        raw = {"operations": ["ListObjectsV2", "ListBuckets"], "authorise": True}
        want = {"ListObjectsV2": ["s3:ListBucket"], "ListBuckets": ["s3:ListAllMyBuckets"]}
        raw["actions"] = {"ListObjectsV2": {"needs": ["s3:ListBucket"], "reason": "so it is"}}
        self.assertEqual(self.declared(raw, "s3"), want)

    def test_a_batch_has_no_action(self) -> None:
        with self.assertRaisesRegex(Problem, "IAM has no action for 'SendMessageBatch'"):
            self.declared({"operations": ["SendMessageBatch"], "authorise": True})

    def test_a_resource_wants_a_hook(self) -> None:
        with self.assertRaisesRegex(Problem, "'SendMessage' is about a queue: write the hook"):
            self.declared({"operations": ["SendMessage"]})

    def test_own_declarations(self) -> None:
        own = {"needs": ["sqs:SendMessage", "kms:Decrypt"], "reason": "so it is"}
        raw = {"operations": ["SendMessage"], "actions": {"SendMessage": own}, "authorise": True}
        self.assertEqual(self.declared(raw), {"SendMessage": ["sqs:SendMessage", "kms:Decrypt"]})
        own["needs"] = []
        self.assertEqual(self.declared(raw), {"SendMessage": []})
        for change, problem in (
            ({"reason": ""}, "a reason is wanted"),
            ({"needs": ["sqs:Nope"]}, "IAM knows no action 'sqs:Nope'"),
            ({"needs": ["nope:Nope"]}, "IAM knows no service 'nope'"),
            ({"more": 1}, "'more' means nothing here"),
        ):
            with self.subTest(problem), self.assertRaisesRegex(Problem, problem):
                self.declared({**raw, "actions": {"SendMessage": {**own, **change}}})
        with self.assertRaisesRegex(Problem, "'Nope' is not among the operations"):
            self.declared({**raw, "actions": {"Nope": {"needs": [], "reason": "none"}}})

    def test_tables(self) -> None:
        lines = "\n".join(service_c.tables_lines(load_service(ROOT, MODELS, "sqs")))
        self.assertRegex(lines, r"1, ACCESS_WRITE\}, // sqs:SendMessage")
        self.assertRegex(lines, r"true\}, // queue")
        self.assertIn(".authorise = sqs_authorise,", lines)
        self.assertIn(".throttled = SQS_REQUEST_THROTTLED + 1,", lines)


def small_model(shapes: dict[str, Any], protocol: str = "query") -> Model:
    """One operation, Do, whose input and output are the shape In."""
    metadata = {"protocol": protocol, "apiVersion": "1", "endpointPrefix": "x"}
    http = {"method": "POST", "requestUri": "/"}
    errors = [{"shape": name} for name, shape in shapes.items() if shape.get("exception")]
    do = {"input": {"shape": "In"}, "output": {"shape": "In"}, "http": http, "errors": errors}
    operations = {"Do": do}
    shapes = {"String": {"type": "string"}} | shapes
    return Model({"metadata": metadata, "operations": operations, "shapes": shapes}, "a model")


def small_service(shapes: dict[str, Any], protocol: str = "query") -> Service:
    models = [small_model(shapes, protocol)]
    return assemble_service({"name": "x", "operations": ["Do"]}, models, "x")


AWKWARD = {
    "In": {
        "type": "structure",
        "members": {
            "default": {"shape": "String"},
            "with-dash": {"shape": "String"},
            "Self": {"shape": "In"},
            "Metadata": {"shape": "Metadata"},
            "Entries": {"shape": "Entries"},
            "Error": {"shape": "Error"},
            "Quoted": {"shape": "Quoted"},
        },
    },
    "Metadata": {"type": "map", "key": {"shape": "String"}, "value": {"shape": "MetadataEntry"}},
    "MetadataEntry": {"type": "structure", "members": {"Of": {"shape": "Metadata"}}},
    "Entries": {"type": "list", "member": {"shape": "Nested"}},
    "Nested": {"type": "list", "member": {"shape": "Nothing"}},
    "Nothing": {"type": "structure", "members": {}},
    "Error": {"type": "structure", "members": {}, "exception": True},
    "Locked": {
        "type": "structure",
        "members": {"message": {"shape": "String"}, "Owner": {"shape": "String"}},
        "exception": True,
    },
    "Quoted": {"type": "string", "pattern": '^["\\\\\u00e9]\t7$', "min": 1, "enum": ["a", "b"]},
}


# A handler that faults with an error's own members, by the function that the header has for it.
FAULTING = """
int use(struct call *c);
int
use(struct call *c)
{
    return x_locked(c, &(struct x_locked){.Owner = STR("me")}, "By %d.", 2);
}
"""


class StructTest(unittest.TestCase):
    def link(self, folder: str, handlers: str) -> str:
        """What the linker says to the tables of a service with one operation, Do."""
        service = small_service({"In": {"type": "structure", "members": {}}})
        out = Path(folder, "services/x")
        out.mkdir(parents=True, exist_ok=True)
        (out / "x_api.h").write_text("\n".join(service_c.header_lines(service)) + "\n")
        (out / "x_tables.c").write_text("\n".join(service_c.tables_lines(service)) + "\n")
        (out / "x.c").write_text(f'#include "services/x/x_api.h"\n{handlers}')
        command = [os.environ.get("CC", "cc"), "-std=gnu17", "-shared", "-fPIC", "-Wl,-z,defs"]
        command += [f"-I{ROOT}", f"-I{folder}", "-o", str(out / "x.so")]
        command += [str(out / "x.c"), str(out / "x_tables.c")]
        return subprocess.run(command, capture_output=True, text=True, check=False).stderr

    def test_a_listed_operation_without_a_handler_does_not_link(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.assertIn("undefined reference to `x_do'", self.link(folder, ""))
            handler = "int x_do(struct call *c, const struct x_in *in, struct x_in *out)"
            self.assertEqual(self.link(folder, handler + " { return 0; }\n"), "")

    def test_an_error_is_no_operation(self) -> None:
        error = {"type": "structure", "members": {"A": {"shape": "String"}}, "exception": True}
        with self.assertRaisesRegex(Problem, "the error do is an operation's name in C"):
            small_service({"In": {"type": "structure", "members": {}}, "do": error})

    def test_awkward_shapes_compile(self) -> None:
        service = small_service(AWKWARD)
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder, "services/x")
            out.mkdir(parents=True)
            (out / "x_api.h").write_text("\n".join(service_c.header_lines(service)) + "\n")
            tables = "\n".join(service_c.tables_lines(service))
            (out / "x_tables.c").write_text(tables + FAULTING)
            command = [os.environ.get("CC", "cc"), "-std=gnu17", "-Wall", "-Wextra", "-Wpedantic"]
            command += ["-Wno-unused-parameter", "-Werror", "-fsyntax-only", f"-I{ROOT}"]
            command += [f"-I{folder}", str(out / "x_tables.c")]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_shapes_that_the_tables_cannot_hold_are_refused(self) -> None:
        empty = {"type": "structure", "members": {}}
        for body, text in (
            ({"type": "list", "member": {"shape": "Empty"}, "sparse": True}, "sparse"),
        ):
            members = {"Body": {"shape": "Body"}}
            shapes = {"In": {"type": "structure", "members": members}, "Body": body, "Empty": empty}
            with self.subTest(text), self.assertRaisesRegex(Problem, f"x: Do: In.Body .*{text}"):
                small_service(shapes)

    def test_streams_are_types_of_their_own(self) -> None:
        members: dict[str, Any] = {
            "Body": {"shape": "Body", "streaming": True},
            "Plain": {"shape": "Body"},
        }
        shapes: dict[str, Any] = {
            "In": {"type": "structure", "members": members},
            "Body": {"type": "blob"},
        }
        service = small_service(shapes)
        kinds = {row.name: service.shapes[row.shape].kind for row in service.shapes["In"].rows}
        self.assertEqual(kinds, {"Body": "WIRE_STREAM", "Plain": "WIRE_BLOB"})
        header = "\n".join(service_c.header_lines(service))
        self.assertIn("    struct stream *Body;\n    struct str Plain;", header)

    def test_events_are_answered_and_not_asked_with(self) -> None:
        events: dict[str, Any] = {
            "In": {"type": "structure", "members": {"Events": {"shape": "Events"}}},
            "Events": {
                "type": "structure",
                "members": {"Some": {"shape": "Some"}},
                "eventstream": True,
            },
            "Some": {
                "type": "structure",
                "members": {
                    "Kind": {"shape": "String", "eventheader": True},
                    "Data": {"shape": "String", "eventpayload": True},
                },
                "event": True,
            },
        }
        with self.assertRaisesRegex(Problem, "In.Events is an event stream that clients send"):
            small_service(events)
        model = small_model(events)
        model.operations["Do"] = {**model.operations["Do"], "output": {"shape": "In"}}
        del model.operations["Do"]["input"]
        service = assemble_service({"name": "x", "operations": ["Do"]}, [model], "x")
        self.assertIn("struct event_source *Events;", "\n".join(service_c.header_lines(service)))
        self.assertEqual(
            [row.location for row in service.shapes["Some"].rows],
            ["WIRE_IN_EVENT_HEADER", "WIRE_IN_EVENT_PAYLOAD"],
        )

    def test_refused_members_have_their_rows(self) -> None:
        shapes: dict[str, Any] = {
            "In": {"type": "structure", "members": {"A": {"shape": "String"}, "B": {"shape": "B"}}},
            "B": {"type": "structure", "members": {"C": {"shape": "String"}}},
        }
        raw: dict[str, Any] = {"name": "x", "operations": ["Do"], "refused": {"Do": {"B.C": "why"}}}
        service = assemble_service(raw, [small_model(shapes, "query")], "x")
        lines = service_c.tables_lines(service)
        first = lines.index("static const struct wire_refusal refusals[] = {")
        # Rows: C of B, then A and B of In; B leads to C.
        self.assertEqual(lines[first + 1 : first + 5], ["    // Do", "    {0, 1},", "    {2, 0},", "};"])
        raw["refused"] = {"Do": {"B.D": "why"}}
        with self.assertRaisesRegex(Problem, "B has no member 'D'"):
            assemble_service(raw, [small_model(shapes, "query")], "x")

    def test_validation(self) -> None:
        members = {"A": {"shape": "String"}}
        shapes: dict[str, Any] = {"In": {"type": "structure", "members": members}}
        raw: dict[str, Any] = {"name": "x", "operations": ["Do"]}
        for protocol, said, expected in (
            ("query", {}, ("joined", 0)),
            ("ec2", {}, ("ec2", 0)),
            ("query", {"wording": "sqs"}, ("sqs", 0)),
            ("query", {"error": "Bad"}, ("joined", 1)),
        ):
            bad = {"type": "structure", "members": {}, "exception": True}
            model = small_model(shapes | {"Bad": bad}, protocol)
            service = assemble_service(raw | {"validation": said}, [model], "x")
            self.assertEqual((service.wording, service.invalid_error), expected)
        for said, text in (
            ({"wording": "loud"}, "the wording is one of joined, sqs, ec2"),
            ({"error": "Worse"}, "there is no error 'Worse'"),
            ({"words": "sqs"}, "words"),
        ):
            with self.subTest(text), self.assertRaisesRegex(Problem, text):
                assemble_service(raw | {"validation": said}, [small_model(shapes, "query")], "x")

    def test_endpoints_are_shared(self) -> None:
        shapes: dict[str, Any] = {
            "In": {"type": "structure", "members": {"A": {"shape": "String"}, "B": {"shape": "B"}}},
            "B": {"type": "structure", "members": {"C": {"shape": "String"}}},
        }
        host = small_model(shapes, "query")
        shared = assemble_service({"name": "x", "operations": [], "split": True}, [host], "x", frozenset({"Do"}))
        self.assertEqual((shared.operations[0].input, shared.operations[0].is_built), ("In", False))
        self.assertIn("int x_split(struct call *c, struct str *owner);", service_c.header_lines(shared))
        check_union(host, small_model({"In": shapes["In"], "B": shapes["B"]}, "query"), ["Do"], "g")
        wider = {"C": {"shape": "String"}, "D": {"shape": "String"}}
        renamed = {"C": {"shape": "String", "locationName": "See"}}
        other = {"C": {"shape": "In"}}
        for members, text in (
            (wider, "g: Do: B: a model has no member 'D'"),
            (renamed, "'C' has other names"),
            (other, "a structure, in a model a string"),
        ):
            guest = small_model({"In": shapes["In"], "B": shapes["B"] | {"members": members}}, "query")
            with self.subTest(text), self.assertRaisesRegex(Problem, text):
                check_union(host, guest, ["Do"], "g")
        with self.assertRaisesRegex(Problem, "a model has no operation 'Undo'"):
            check_union(host, guest, ["Undo"], "g")

    def test_rds_reads_what_neptune_and_documentdb_read(self) -> None:
        models = {
            name: load_model(MODELS, ROOT / "models/patches", "1.44.5", f"{name}/2014-10-31")
            for name in ("rds", "neptune", "docdb")
        }
        common = set.intersection(*(set(model.operations) for model in models.values()))
        self.assertEqual(len(common), 54)
        for guest in ("neptune", "docdb"):
            operations = list(models[guest].operations)
            check_union(models["rds"], models[guest], operations, guest)

    def test_shapes_without_rules_are_known(self) -> None:
        shapes = {
            "In": {"type": "structure", "members": {"A": {"shape": "A"}, "B": {"shape": "B"}}},
            "A": {"type": "structure", "members": {"B": {"shape": "B"}, "C": {"shape": "Cs"}}},
            "B": {"type": "structure", "members": {"B": {"shape": "B"}, "S": {"shape": "String"}}},
            "Cs": {"type": "list", "member": {"shape": "C"}},
            "C": {"type": "structure", "members": {"S": {"shape": "String"}}, "required": ["S"]},
        }
        self.assertEqual(checked_shapes(small_service(shapes).shapes), {"In", "A", "Cs", "C"})

    def test_errors_that_the_model_lacks(self) -> None:
        own = {"Odd": {"name": "OddException", "query": "Odd", "status": 418, "sender": True}}
        models = [small_model({"In": {"type": "structure", "members": {}}}, "query")]
        service = assemble_service({"name": "x", "operations": ["Do"], "errors": own}, models, "x")
        self.assertEqual([error.enumerator for error in service.errors], ["X_ODD"])
        self.assertEqual(service.errors[0].status, 418)

    def test_two_shapes_of_one_name_in_c(self) -> None:
        shapes: dict[str, Any] = {"FooBar": {"type": "structure"}, "foo_bar": {"type": "structure"}}
        members = {"A": {"shape": "FooBar"}, "B": {"shape": "foo_bar"}}
        with self.assertRaisesRegex(Problem, "x_foo_bar"):
            small_service(shapes | {"In": {"type": "structure", "members": members}})

    def test_operations_that_are_not_listed_have_no_handler(self) -> None:
        model = small_model({"In": {"type": "structure", "members": {}}})
        service = assemble_service({"name": "x", "operations": []}, [model], "x")
        self.assertNotIn("x_do(", "\n".join(service_c.header_lines(service)))
        self.assertIn("    NULL, // Do", service_c.tables_lines(service))

    def test_unknown_operation(self) -> None:
        with self.assertRaisesRegex(Problem, "has no operation 'Undo'"):
            models = [small_model({"In": {"type": "structure"}})]
            assemble_service({"name": "x", "operations": ["Undo"]}, models, "x")

    def test_ec2_names(self) -> None:
        members = {
            "Plain": {"shape": "String"},
            "Located": {"shape": "String", "locationName": "locatedAt"},
            "Queried": {"shape": "String", "locationName": "a", "queryName": "b"},
        }
        service = small_service({"In": {"type": "structure", "members": members}}, "ec2")
        query_names = [r.query_name for r in service.shapes["In"].rows]
        self.assertEqual(query_names, ["Plain", "LocatedAt", "b"])
        self.assertEqual(row(service, "In.Located").xml_name, "locatedAt")


def rest_service(operations: dict[str, Any], shapes: dict[str, Any]) -> Service:
    metadata = {"protocol": "rest-xml", "apiVersion": "1", "endpointPrefix": "x"}
    shapes = {"String": {"type": "string"}} | shapes
    model = Model({"metadata": metadata, "operations": operations, "shapes": shapes}, "a model")
    return assemble_service({"name": "x", "operations": list(operations)}, [model], "x")


class RestTest(unittest.TestCase):
    """S3's model: the one with the most of HTTP in it."""

    service: Service

    @classmethod
    def setUpClass(cls) -> None:
        cls.service = every_operation("1.44.5", "s3/2006-03-01")

    def operation(self, name: str) -> Operation:
        return next(op for op in self.service.operations if op.name == name)

    def test_places(self) -> None:
        for path, place, name in (
            ("PutObjectRequest.Bucket", "URI", "Bucket"),
            ("PutObjectRequest.Metadata", "PREFIX_HEADERS", "x-amz-meta-"),
            ("PutObjectRequest.ContentMD5", "HEADER", "Content-MD5"),
            ("UploadPartRequest.PartNumber", "QUERY", "partNumber"),
            ("PutObjectRequest.Body", "BODY", "Body"),
        ):
            with self.subTest(path):
                self.assertEqual(row(self.service, path).location, f"WIRE_IN_{place}")
                self.assertEqual(row(self.service, path).xml_name, name)

    def test_payloads(self) -> None:
        shape = self.service.shapes["PutObjectRequest"]
        self.assertEqual(shape.rows[shape.payload_row - 1].name, "Body")
        self.assertIn("WIRE_STREAMING", row(self.service, "PutObjectRequest.Body").flags)
        root = row(self.service, "DeleteObjectsRequest.Delete").xml_name
        self.assertEqual(root, "Delete")

    def test_namespaces(self) -> None:
        uri = "http://s3.amazonaws.com/doc/2006-03-01/"
        self.assertEqual(self.service.xml_namespace, uri)
        prefixed = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        self.assertEqual(row(self.service, "Grant.Grantee").xml_namespace, prefixed)
        self.assertIn("WIRE_XML_ATTRIBUTE", row(self.service, "Grantee.Type").flags)

    def test_what_the_patch_adds(self) -> None:
        self.assertEqual(self.operation("ListObjectsV2").output_root, "ListBucketResult")
        self.assertTrue(self.operation("GetBucketLocation").is_root_value)
        self.assertTrue(self.service.metadata("bareErrors"))

    def test_twins_are_guarded(self) -> None:
        order = [self.service.operations[index].name for index in self.service.routes]
        names = ["UploadPartCopy", "UploadPart", "CopyObject", "PutObject"]
        self.assertEqual([name for name in order if name in names], names)
        self.assertEqual(self.operation("UploadPart").guard.query, ("partNumber", "uploadId"))
        self.assertEqual(self.operation("CopyObject").guard.header, "x-amz-copy-source")
        self.assertEqual(self.operation("PutObject").guard, Guard())
        newer, older = "GetBucketLifecycleConfiguration", "GetBucketLifecycle"
        self.assertLess(order.index(newer), order.index(older))

    def test_errors_have_their_own_members(self) -> None:
        error = next(e for e in self.service.errors if e.name == "InvalidObjectState")
        self.assertEqual((error.shape, error.status), ("InvalidObjectState", 403))
        members = [r.name for r in self.service.shapes["InvalidObjectState"].rows]
        self.assertEqual(members, ["StorageClass", "AccessTier"])
        plain = next(e for e in self.service.errors if e.name == "NoSuchKey")
        self.assertEqual((plain.shape, plain.status), (None, 404))

    def test_operations_are_sorted(self) -> None:
        names_ = [op.name for op in self.service.operations]
        self.assertEqual(names_, sorted(names_))

    def test_the_parameters_of_an_output_are_in_its_body(self) -> None:
        members = {"A": {"shape": "String", "location": "querystring", "locationName": "a"}}
        shapes = {"Both": {"type": "structure", "members": members}}
        http = {"method": "GET", "requestUri": "/"}
        service = rest_service({"Do": {"http": http, "output": {"shape": "Both"}}}, shapes)
        self.assertEqual(row(service, "Both.A").location, "WIRE_IN_BODY")

    def test_a_pattern_that_nothing_matches(self) -> None:
        http = {"method": "GET", "requestUri": "/{a}.{b}"}
        with self.assertRaisesRegex(Problem, r"no pattern of ours matches the URI /\{a\}"):
            rest_service({"Do": {"http": http}}, {})


class MessageTest(unittest.TestCase):
    def test_spelling(self) -> None:
        for key in ("message", "Message"):
            error = {"type": "structure", "members": {key: {"shape": "String"}}, "exception": True}
            service = small_service({"In": {"type": "structure", "members": {}}, "Bad": error})
            self.assertEqual(service.errors[0].message_name, "" if key == "message" else key)
            self.assertIsNone(service.errors[0].shape)


def every_operation(release: str, path: str) -> Service:
    model = load_model(MODELS, ROOT / "models/patches", release, path)
    name = path.split("/", maxsplit=1)[0]
    return assemble_service({"name": name, "operations": list(model.operations)}, [model], name)


class EveryModelTest(unittest.TestCase):
    def test_tables(self) -> None:
        pins = json.loads((ROOT / "models/pins.json").read_text(encoding="utf-8"))
        for release, pinned in pins["releases"].items():
            for path in pinned["models"]:
                with self.subTest(f"{release} {path}"):
                    service = every_operation(release, path)
                    self.assertTrue(service_c.header_lines(service))
                    self.assertTrue(service_c.tables_lines(service))
                    routes = service.routes
                    self.assertIn(sorted(routes), ([], list(range(len(service.operations)))))


class PatchTest(unittest.TestCase):
    def test_patches_say_why(self) -> None:
        for patch in (ROOT / "models/patches").glob("*/*.json"):
            self.assertTrue(json.loads(patch.read_text(encoding="utf-8"))["reason"])

    def test_a_patch_puts_in_and_takes_out(self) -> None:
        raw = {"shapes": {"A": {"type": "string", "pattern": "x"}, "B": {"type": "string"}}}
        apply_patch(raw, {"reason": "r", "shapes": {"A": {"max": 3, "pattern": None}}}, "p")
        self.assertEqual(raw["shapes"]["A"], {"type": "string", "max": 3})
        self.assertEqual(raw["shapes"]["B"], {"type": "string"})

    def test_a_patch_without_a_reason(self) -> None:
        with self.assertRaisesRegex(Problem, "'reason' is missing"):
            apply_patch({}, {"shapes": {}}, "p")


class NamesTest(unittest.TestCase):
    def test_snake(self) -> None:
        for name, snake in {
            "SendMessage": "send_message",
            "DBInstance": "db_instance",
            "AssumeRoleWithSAML": "assume_role_with_saml",
            "KeyARNs": "key_arns",
            "IPAddressList": "ip_address_list",
            "MD5OfBody": "md5_of_body",
            "rds-data": "rds_data",
        }.items():
            self.assertEqual(names.snake(name), snake)

    def test_text_is_kept_once(self) -> None:
        pool = TextPool()
        self.assertEqual([pool.add(t) for t in ("", "ab", "é", "ab", "c")], [0, 1, 4, 1, 7])


def record(**members: Any) -> dict[str, Any]:
    return {"records": {"Queue": {"version": 1, "members": members}}}


class RecordsTest(unittest.TestCase):
    def test_ids(self) -> None:
        kept = records.assemble_records("sqs", record(name={"shape": "String", "id": 7}))
        self.assertEqual(kept.shapes["Queue"].rows[0].id, 7)
        self.assertEqual(kept.shapes["Queue"].c_type, "struct sqs_queue_record")

    def test_a_record_whose_version_rose_names_its_upgrade(self) -> None:
        raw = record(a={"shape": "Long", "id": 1})
        first = records.assemble_records("sqs", raw)
        self.assertNotIn("upgrade", "".join(records.header_lines(first)))
        raw["records"]["Queue"]["version"] = 2
        second = records.assemble_records("sqs", raw)
        prototype = "int sqs_queue_upgrade(uint8_t version, void *record, struct arena *arena);"
        self.assertIn(prototype, records.header_lines(second))
        self.assertIn("    .upgrade = sqs_queue_upgrade,", records.tables_lines(second))

    def test_a_layer_has_records_too(self) -> None:
        raw = record(name={"shape": "String", "id": 7})
        kept = records.assemble_records("host", raw, "src")
        self.assertIn("//   src/host/records.json", records.header_lines(kept))
        self.assertIn('#include "src/host/host_records.h"', records.tables_lines(kept))

    def test_rows_stand_in_the_order_of_their_ids(self) -> None:
        members = {"late": {"shape": "String", "id": 2}, "early": {"shape": "String", "id": 1}}
        kept = records.assemble_records("sqs", record(**members))
        self.assertEqual([r.id for r in kept.shapes["Queue"].rows], [1, 2])

    def test_mistakes(self) -> None:
        one, two = {"shape": "String", "id": 1}, {"shape": "String"}
        for raw, text in (
            (record(a=one, b=one), "same id 1"),
            (record(a=two), "needs an id"),
            (record(a={"shape": "Lost", "id": 1}), "unknown shape 'Lost'"),
            (record(a=one) | {"shapes": {"Queue": {"type": "string"}}}, "defined already"),
            ({"records": {"Queue": {"members": {}}}}, "'version' is missing"),
        ):
            with self.subTest(text), self.assertRaisesRegex(Problem, text):
                records.assemble_records("sqs", raw)

    def test_stored_types_do_not_change(self) -> None:
        old = records.assemble_records("sqs", record(a={"shape": "Long", "id": 1}))
        renamed = records.assemble_records("sqs", record(b={"shape": "Long", "id": 1}))
        changed = records.assemble_records("sqs", record(a={"shape": "String", "id": 1}))
        lock = records.merged_lock(old, {})
        self.assertEqual(lock, {"Queue": {"1": "long"}})
        records.check_lock(renamed, lock)
        with self.assertRaisesRegex(Problem, "stored as 'long' and is now 'string'"):
            records.check_lock(changed, lock)

    def test_an_id_is_not_used_again(self) -> None:
        lock = {"Queue": {"1": "long"}}
        without = records.assemble_records("sqs", record(b={"shape": "Blob", "id": 2}))
        self.assertEqual(records.merged_lock(without, lock), {"Queue": {"1": "long", "2": "blob"}})


class FetchTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cache = Path(folder.name)
        self.wheel = self.cache / "wheels" / "lib-1.0-py3-none-any.whl"
        self.wheel.parent.mkdir()
        with zipfile.ZipFile(self.wheel, "w") as wheel:
            wheel.writestr("lib/data/sqs/1/service-2.json", "{}")

    def release(self, *models: str) -> fetch_models.Release:
        return fetch_models.Release("lib", "1.0", fetch_models.sha256_of(self.wheel), models)

    def test_unpacks_once(self) -> None:
        release = self.release("sqs/1")
        fetch_models.fetch(release, self.cache)
        self.assertEqual((self.cache / "1.0/sqs/1/service-2.json").read_text(), "{}")
        self.wheel.unlink()
        fetch_models.fetch(release, self.cache)

    def test_a_changed_wheel_is_not_used(self) -> None:
        release = self.release("sqs/1")
        self.wheel.write_bytes(self.wheel.read_bytes() + b"!")
        self.assertIsNone(fetch_models.find_wheel(release, self.wheel.parent))

    def test_a_model_that_is_not_there(self) -> None:
        with self.assertRaisesRegex(fetch_models.Problem, "has no model 'sqs/2'"):
            fetch_models.fetch(self.release("sqs/2"), self.cache)
        self.assertFalse((self.cache / "1.0").exists())


if __name__ == "__main__":
    unittest.main()
