// The work that every client does against SQS, by the AWS SDK for Java v2.
// SPDX-License-Identifier: Apache-2.0
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.QueueDoesNotExistException;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequestEntry;

public class Work {
    static void expect(boolean holds, String what) {
        if (!holds) throw new AssertionError("not so: " + what);
    }

    static List<Message> receive(SqsClient sqs, String url, int count) {
        List<Message> got = new ArrayList<>();
        while (got.size() < count) {
            got.addAll(sqs.receiveMessage(r -> r.queueUrl(url).maxNumberOfMessages(10).waitTimeSeconds(5)).messages());
        }
        return got;
    }

    static void oneMessage(SqsClient sqs, String url) {
        var sent = sqs.sendMessage(r -> r.queueUrl(url).messageBody("h\u00f6llo"));
        Message one = receive(sqs, url, 1).get(0);
        expect(one.body().equals("h\u00f6llo"), "what was sent is received");
        expect(one.messageId().equals(sent.messageId()), "it has its id");
        sqs.deleteMessage(r -> r.queueUrl(url).receiptHandle(one.receiptHandle()));
    }

    static void batches(SqsClient sqs, String url) {
        var entries = IntStream.range(0, 3).mapToObj(n -> SendMessageBatchRequestEntry.builder()
            .id("e" + n).messageBody("body " + n).build()).toList();
        expect(sqs.sendMessageBatch(r -> r.queueUrl(url).entries(entries)).successful().size() == 3, "a batch is sent");
        List<Message> got = receive(sqs, url, 3);
        var ends = IntStream.range(0, 3).mapToObj(n -> DeleteMessageBatchRequestEntry.builder()
            .id("e" + n).receiptHandle(got.get(n).receiptHandle()).build()).toList();
        expect(sqs.deleteMessageBatch(r -> r.queueUrl(url).entries(ends)).successful().size() == 3, "a batch is deleted");
    }

    static void longPoll(SqsClient sqs, String url) {
        var poll = CompletableFuture.supplyAsync(() -> sqs.receiveMessage(r -> r.queueUrl(url).waitTimeSeconds(20)));
        sqs.sendMessage(r -> r.queueUrl(url).messageBody("late"));
        expect(poll.join().messages().get(0).body().equals("late"), "a long poll ends with a message");
    }

    static void ownError(SqsClient sqs) {
        try {
            sqs.getQueueUrl(r -> r.queueName("none"));
            expect(false, "a queue that is not there has no URL");
        } catch (QueueDoesNotExistException e) {
            expect(e.statusCode() == 400, "an error has its type and status");
        }
    }

    public static void main(String[] args) {
        try (SqsClient sqs = SqsClient.create()) {
            String name = "java-" + ProcessHandle.current().pid();
            String url = sqs.createQueue(r -> r.queueName(name)).queueUrl();
            oneMessage(sqs, url);
            batches(sqs, url);
            longPoll(sqs, url);
            ownError(sqs);
            sqs.deleteQueue(r -> r.queueUrl(url));
            System.out.println("done");
        }
    }
}
