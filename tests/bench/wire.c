// What the wire's interpreters cost, beside parsers that fill no structs. wire SECONDS prints
// lines: name, bytes of the text, nanoseconds of one, bytes of memory that it took.
// SPDX-License-Identifier: Apache-2.0
#include <expat.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench_dynamodb.h"
#include "bench_ec2.h"
#include "bench_s3.h"
#include "src/wire/ec2.h"
#include "src/wire/validate.h"

enum { MANY = 1000, ROUNDS = 32 };

bool bench_simdjson(const char *text, size_t len);

struct bench {
    double seconds;
    struct arena arena; // of one request, reset after each
    struct wire_patterns patterns;
    struct str json;                           // a PutItem of 1 KiB
    struct dynamodb_put_item_input put;        // the same, decoded
    struct ec2_describe_instances_result list; // 1,000 instances
    struct s3_list_objects_v2_output keys;     // 1,000 keys
    struct str xml;                            // what expat reads
};

static const struct wire_operation *
operation_of(const struct wire_service *s, const char *name)
{
    const struct wire_operation *op = wire_operation_find(s, str_of(name));
    CHECK(op != NULL);
    return op;
}

static size_t
decode_json(struct bench *b)
{
    const struct wire_operation *op = operation_of(bench_dynamodb, "PutItem");
    struct dynamodb_put_item_input in;
    struct wire_problem problem;
    CHECK(wire_json_decode(bench_dynamodb->model, op->input, b->json, &b->arena, &in, &problem) ==
          OK);
    struct wire_checks checks = {bench_dynamodb->model, WIRE_WORDING_JOINED, &b->patterns};
    CHECK(wire_validate(&checks, op->input, &in, &b->arena, &problem) == OK);
    return b->json.len;
}

static size_t
encode_json(struct bench *b)
{
    struct buf out;
    buf_init(&out, &b->arena, 512);
    wire_json_encode(bench_dynamodb->model, operation_of(bench_dynamodb, "PutItem")->input, &b->put,
                     &out);
    return out.len;
}

static size_t
parse_jansson(struct bench *b)
{
    json_t *root = json_loadb(b->json.ptr, b->json.len, 0, NULL);
    CHECK(root != NULL);
    json_decref(root);
    return b->json.len;
}

static size_t
parse_simdjson(struct bench *b)
{
    CHECK(bench_simdjson(b->json.ptr, b->json.len));
    return b->json.len;
}

static size_t
encode_ec2(struct bench *b)
{
    struct buf out;
    buf_init(&out, &b->arena, 512);
    wire_ec2_encode(bench_ec2, operation_of(bench_ec2, "DescribeInstances"), &b->list,
                    STR("b25f48e8-84fd-11e6-80d9-574e0c4664cb"), &out);
    b->xml = buf_str(&out);
    return out.len;
}

static size_t
encode_s3(struct bench *b)
{
    struct wire_response response;
    wire_response_init(&response, &b->arena, false);
    wire_rest_encode(bench_s3, operation_of(bench_s3, "ListObjectsV2"), WIRE_REST_XML, &b->keys,
                     &response);
    b->xml = buf_str(&response.body);
    return response.body.len;
}

static size_t
parse_expat(struct bench *b)
{
    XML_Parser parser = XML_ParserCreate(NULL);
    CHECK(XML_Parse(parser, b->xml.ptr, (int)b->xml.len, 1) == XML_STATUS_OK);
    XML_ParserFree(parser);
    return b->xml.len;
}

static double
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

// The best of many rounds: what disturbs a round only makes it longer.
static void
measure(struct bench *b, const char *name, size_t (*run)(struct bench *b), bool keeps_arena)
{
    double best = 1e9, began = now();
    size_t bytes = 0, used = 0, repeats = 1;
    while (now() - began < b->seconds) {
        double round = now();
        for (size_t i = 0; i < repeats; i++) {
            bytes = run(b);
            used = b->arena.used_bytes;
            if (!keeps_arena)
                arena_reset(&b->arena);
        }
        double took = (now() - round) / (double)repeats;
        best = took < best ? took : best;
        if (took * (double)repeats < b->seconds / ROUNDS)
            repeats *= 2;
    }
    printf("%s\t%zu\t%.1f\t%zu\n", name, bytes, best * 1e9, keeps_arena ? 0 : used);
}

static void
fill_instances(struct bench *b, struct arena *arena)
{
    struct ec2_reservation *reservations = ARENA_ARRAY(arena, MANY, struct ec2_reservation);
    b->list.Reservations.items = reservations;
    b->list.Reservations.count = MANY;
    for (int i = 0; i < MANY; i++) {
        struct ec2_instance *instance = ARENA_NEW(arena, struct ec2_instance);
        struct ec2_tag *tags = ARENA_ARRAY(arena, 2, struct ec2_tag);
        tags[0] = (struct ec2_tag){.Key = STR("Name"), .Value = arena_print(arena, "web-%d", i)};
        tags[1] = (struct ec2_tag){.Key = STR("stage"), .Value = STR("production & test")};
        *instance = (struct ec2_instance){
            .InstanceId = arena_print(arena, "i-%017x", (unsigned)i),
            .ImageId = STR("ami-0abcdef1234567890"),
            .InstanceType = STR("m7g.large"),
            .PrivateDnsName = arena_print(arena, "ip-10-0-0-%d.ec2.internal", i),
            .PrivateIpAddress = arena_print(arena, "10.0.0.%d", i),
            .VpcId = STR("vpc-1a2b3c4d5e6f7a8b9"),
            .SubnetId = STR("subnet-1a2b3c4d5e6f7a8b9"),
            .Architecture = STR("arm64"),
            .EbsOptimized = OPT_BOOL(true),
            .LaunchTime = OPT_TIME(1700000000000 + i),
            .AmiLaunchIndex = OPT_INT(i),
            .Tags = {tags, 2},
        };
        reservations[i] = (struct ec2_reservation){.ReservationId = STR("r-0123456789abcdef0"),
                                                   .OwnerId = STR("123456789012"),
                                                   .Instances = {instance, 1}};
    }
}

static void
fill_keys(struct bench *b, struct arena *arena)
{
    struct s3_object *objects = ARENA_ARRAY(arena, MANY, struct s3_object);
    for (int i = 0; i < MANY; i++)
        objects[i] = (struct s3_object){
            .Key = arena_print(arena, "logs/2026/11/29/host-%04d/part & piece-%04d.json.gz", i, i),
            .LastModified = OPT_TIME(1700000000000 + i),
            .ETag = STR("\"9b2cf535f27731c974343645a3985328\""),
            .Size = OPT_LONG(1048576 + i),
            .StorageClass = STR("STANDARD"),
        };
    b->keys = (struct s3_list_objects_v2_output){.Name = STR("attic"),
                                                 .Prefix = STR("logs/"),
                                                 .KeyCount = OPT_INT(MANY),
                                                 .MaxKeys = OPT_INT(MANY),
                                                 .IsTruncated = OPT_BOOL(false),
                                                 .Contents = {objects, MANY}};
}

static void
fill_item(struct bench *b, struct arena *arena)
{
    struct wire_problem problem;
    struct buf json;
    buf_init(&json, arena, 2048);
    buf_put(&json, STR("{\"TableName\":\"orders\",\"Item\":{"));
    for (int i = 0; json.len < 700; i++)
        buf_print(&json, "\"attribute%d\":{\"S\":\"the value of attribute %d, some text\"},", i, i);
    buf_put(&json, STR("\"price\":{\"N\":\"12345.678\"},\"sent\":{\"BOOL\":true},\"lines\":{\"L\":["
                       "{\"M\":{\"sku\":{\"S\":\"A-1\"},\"count\":{\"N\":\"2\"}}},"
                       "{\"M\":{\"sku\":{\"S\":\"B-2\"},\"count\":{\"N\":\"1\"}}}]}},"
                       "\"ConditionExpression\":\"attribute_not_exists(pk)\","
                       "\"ReturnValues\":\"ALL_OLD\"}"));
    b->json = buf_str(&json);
    CHECK(wire_json_decode(bench_dynamodb->model, operation_of(bench_dynamodb, "PutItem")->input,
                           b->json, arena, &b->put, &problem) == OK);
}

int
main(int argc, char **argv)
{
    struct arena data;
    struct bench b = {.seconds = argc > 1 ? atof(argv[1]) : 1};
    arena_init(&data);
    arena_init(&b.arena);
    wire_patterns_init(&b.patterns);
    fill_item(&b, &data);
    fill_instances(&b, &data);
    fill_keys(&b, &data);
    measure(&b, "decode", decode_json, false);
    measure(&b, "jansson", parse_jansson, false);
    measure(&b, "simdjson", parse_simdjson, false);
    measure(&b, "encode", encode_json, false);
    measure(&b, "ec2", encode_ec2, false);
    encode_ec2(&b);
    measure(&b, "ec2 expat", parse_expat, true);
    arena_reset(&b.arena);
    measure(&b, "s3", encode_s3, false);
    encode_s3(&b);
    measure(&b, "s3 expat", parse_expat, true);
    wire_patterns_fini(&b.patterns);
    arena_fini(&b.arena);
    arena_fini(&data);
    return 0;
}
