// The work that every client does against SQS, by the AWS SDK for Rust.
// SPDX-License-Identifier: Apache-2.0
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, Message, SendMessageBatchRequestEntry,
};
use aws_sdk_sqs::{Client, Error};

async fn receive(sqs: &Client, url: &str, count: usize) -> Result<Vec<Message>, Error> {
    let mut got = Vec::new();
    while got.len() < count {
        let poll = sqs.receive_message().queue_url(url).max_number_of_messages(10);
        got.extend(poll.wait_time_seconds(5).send().await?.messages.unwrap_or_default());
    }
    Ok(got)
}

async fn one_message(sqs: &Client, url: &str) -> Result<(), Error> {
    let sent = sqs.send_message().queue_url(url).message_body("höllo").send().await?;
    let one = receive(sqs, url, 1).await?.remove(0);
    assert_eq!(one.body(), Some("höllo"));
    assert_eq!(one.message_id(), sent.message_id());
    let receipt = one.receipt_handle().unwrap();
    sqs.delete_message().queue_url(url).receipt_handle(receipt).send().await?;
    Ok(())
}

async fn batches(sqs: &Client, url: &str) -> Result<(), Error> {
    let mut send = sqs.send_message_batch().queue_url(url);
    for n in 0..3 {
        let entry = SendMessageBatchRequestEntry::builder().id(format!("e{n}"));
        send = send.entries(entry.message_body(format!("body {n}")).build()?);
    }
    assert_eq!(send.send().await?.successful().len(), 3);
    let mut delete = sqs.delete_message_batch().queue_url(url);
    for (n, message) in receive(sqs, url, 3).await?.into_iter().enumerate() {
        let entry = DeleteMessageBatchRequestEntry::builder().id(format!("e{n}"));
        delete = delete.entries(entry.receipt_handle(message.receipt_handle.unwrap()).build()?);
    }
    assert_eq!(delete.send().await?.successful().len(), 3);
    Ok(())
}

async fn long_poll(sqs: &Client, url: &str) -> Result<(), Error> {
    let poll = sqs.receive_message().queue_url(url).wait_time_seconds(20).send();
    let send = sqs.send_message().queue_url(url).message_body("late").send();
    let (polled, sent) = tokio::join!(poll, send);
    sent?;
    assert_eq!(polled?.messages()[0].body(), Some("late"));
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let sqs = Client::new(&aws_config::load_from_env().await);
    let name = format!("rust-{}", std::process::id());
    let made = sqs.create_queue().queue_name(name).send().await?;
    let url = made.queue_url().unwrap();
    one_message(&sqs, url).await?;
    batches(&sqs, url).await?;
    long_poll(&sqs, url).await?;
    let missing = sqs.get_queue_url().queue_name("none").send().await.unwrap_err();
    assert!(missing.into_service_error().is_queue_does_not_exist());
    sqs.delete_queue().queue_url(url).send().await?;
    println!("done");
    Ok(())
}
