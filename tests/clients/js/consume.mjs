// Consumes a queue by sqs-consumer until it is told to stop: consume.mjs URL FILE. Appends each body to the file.
// SPDX-License-Identifier: Apache-2.0
import fs from "node:fs";
import {SQSClient} from "@aws-sdk/client-sqs";
import {Consumer} from "sqs-consumer";

const [queueUrl, file] = process.argv.slice(2);
const consumer = Consumer.create({
  queueUrl,
  sqs: new SQSClient({endpoint: process.env.AWS_ENDPOINT_URL, region: "us-east-1"}),
  batchSize: 10,
  waitTimeSeconds: 2,
  visibilityTimeout: 5,
  handleMessage: async (message) => {
    fs.appendFileSync(file, message.Body + "\n");
    return message; // so that it is deleted
  },
});
// The server dies now and then; the consumer goes on.
consumer.on("error", () => {});
consumer.on("processing_error", (error) => { throw error; });
consumer.on("stopped", () => console.log("done"));
process.on("SIGTERM", () => consumer.stop());
consumer.start();
