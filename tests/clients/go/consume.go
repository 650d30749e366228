// Consumes a queue until it is told to stop: consume URL FILE. Appends each body to the file.
// SPDX-License-Identifier: Apache-2.0
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const consumers = 4

func handle(ctx context.Context, c *sqs.Client, url string, file *os.File, messages []types.Message) {
	var entries []types.DeleteMessageBatchRequestEntry
	for n, m := range messages {
		_, err := fmt.Fprintln(file, *m.Body)
		check(err)
		entries = append(entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(fmt.Sprint("e", n)), ReceiptHandle: m.ReceiptHandle})
	}
	if len(entries) > 0 {
		// What is not deleted comes again.
		_, _ = c.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: entries})
	}
}

func consume(c *sqs.Client, url, path string) {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	check(err)
	stop, end := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer end()
	var all sync.WaitGroup
	for range consumers {
		all.Add(1)
		go func() {
			defer all.Done()
			for stop.Err() == nil {
				out, err := c.ReceiveMessage(stop, &sqs.ReceiveMessageInput{
					QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: 2, VisibilityTimeout: 5})
				if err == nil { // else the server is away for a moment
					handle(context.Background(), c, url, file, out.Messages)
				}
			}
		}()
	}
	all.Wait()
}
