// The work that every client does against SQS, by the AWS SDK for JavaScript v3.
// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import * as s from "@aws-sdk/client-sqs";

const sqs = new s.SQSClient({endpoint: process.env.AWS_ENDPOINT_URL, region: "us-east-1"});
const QueueName = `js-${process.pid}`;

const {QueueUrl} = await sqs.send(new s.CreateQueueCommand({QueueName}));
const sent = await sqs.send(new s.SendMessageCommand({QueueUrl, MessageBody: "höllo"}));
const {Messages: [one]} = await sqs.send(new s.ReceiveMessageCommand({QueueUrl}));
assert.equal(one.Body, "höllo");
assert.equal(one.MessageId, sent.MessageId);
await sqs.send(new s.DeleteMessageCommand({QueueUrl, ReceiptHandle: one.ReceiptHandle}));

const Entries = [0, 1, 2].map((n) => ({Id: `e${n}`, MessageBody: `body ${n}`}));
const batch = await sqs.send(new s.SendMessageBatchCommand({QueueUrl, Entries}));
assert.equal(batch.Successful.length, 3);
const got = [];
while (got.length < 3) {
  const {Messages = []} = await sqs.send(new s.ReceiveMessageCommand({QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 5}));
  got.push(...Messages);
}
const deleted = await sqs.send(new s.DeleteMessageBatchCommand({
  QueueUrl, Entries: got.map((m, n) => ({Id: `e${n}`, ReceiptHandle: m.ReceiptHandle}))}));
assert.equal(deleted.Successful.length, 3);

const poll = sqs.send(new s.ReceiveMessageCommand({QueueUrl, WaitTimeSeconds: 20}));
await sqs.send(new s.SendMessageCommand({QueueUrl, MessageBody: "late"}));
assert.equal((await poll).Messages[0].Body, "late");

await assert.rejects(sqs.send(new s.GetQueueUrlCommand({QueueName: "none"})), (error) => {
  assert.ok(error instanceof s.QueueDoesNotExist);
  return error.$metadata.httpStatusCode === 400;
});
await sqs.send(new s.DeleteQueueCommand({QueueUrl}));
console.log("done");
