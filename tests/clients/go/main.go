// The work that every client does against SQS, by the AWS SDK for Go v2.
// SPDX-License-Identifier: Apache-2.0
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func expect(holds bool, what string) {
	if !holds {
		log.Fatal("not so: " + what)
	}
}

func receive(ctx context.Context, c *sqs.Client, url *string, count int) []types.Message {
	var got []types.Message
	for len(got) < count {
		out, err := c.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: url, MaxNumberOfMessages: 10, WaitTimeSeconds: 5})
		check(err)
		got = append(got, out.Messages...)
	}
	return got
}

func main() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	check(err)
	c := sqs.NewFromConfig(cfg)
	if len(os.Args) == 4 && os.Args[1] == "consume" {
		consume(c, os.Args[2], os.Args[3])
		fmt.Println("done")
		return
	}
	made, err := c.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(fmt.Sprintf("go-%d", os.Getpid()))})
	check(err)
	url := made.QueueUrl
	sent, err := c.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("höllo")})
	check(err)
	one := receive(ctx, c, url, 1)[0]
	expect(*one.Body == "höllo" && *one.MessageId == *sent.MessageId, "what was sent is received")
	_, err = c.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: one.ReceiptHandle})
	check(err)

	var entries []types.SendMessageBatchRequestEntry
	for n := range 3 {
		entries = append(entries, types.SendMessageBatchRequestEntry{
			Id: aws.String(fmt.Sprint("e", n)), MessageBody: aws.String(fmt.Sprint("body ", n))})
	}
	batch, err := c.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: url, Entries: entries})
	check(err)
	expect(len(batch.Successful) == 3, "a batch is sent")
	var ends []types.DeleteMessageBatchRequestEntry
	for n, m := range receive(ctx, c, url, 3) {
		ends = append(ends, types.DeleteMessageBatchRequestEntry{Id: aws.String(fmt.Sprint("e", n)), ReceiptHandle: m.ReceiptHandle})
	}
	deleted, err := c.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: url, Entries: ends})
	check(err)
	expect(len(deleted.Successful) == 3, "a batch is deleted")

	polled := make(chan *sqs.ReceiveMessageOutput)
	go func() {
		out, err := c.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: url, WaitTimeSeconds: 20})
		check(err)
		polled <- out
	}()
	_, err = c.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("late")})
	check(err)
	expect(*(<-polled).Messages[0].Body == "late", "a long poll ends with a message")

	_, err = c.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("none")})
	var missing *types.QueueDoesNotExist
	expect(errors.As(err, &missing), "an error has its type")
	_, err = c.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: url})
	check(err)
	fmt.Println("done")
}
