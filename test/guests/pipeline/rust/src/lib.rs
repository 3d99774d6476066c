//! The middle: takes records from the source's stream and gives lines of text on a stream of its own, from a task that
//! runs on after `report` has returned; the last line is the sum, which the source's future has to agree with.

wit_bindgen::generate!({
    path: "wit",
    world: "pipeline-middle",
    generate_all,
});

use wit_bindgen::{FutureReader, StreamReader, StreamWriter, spawn_local};
use wjit::guests::source::{Sample, samples};

struct Middle;
export!(Middle);

async fn write(mut samples: StreamReader<Sample>, sum: FutureReader<u64>, mut lines: StreamWriter<String>) {
    let (mut count, mut own_sum) = (0, 0);
    while let Some(Sample { kind, at, value }) = samples.next().await {
        count += 1;
        own_sum += u64::from(value);
        let kind = ["one", "two", "three"][usize::from(kind)];
        let line = format!("{kind}: {value} at {at:#x}{}", " …".repeat(count % 3));
        if lines.write_one(line).await.is_some() {
            return; // nobody reads on: nor do we
        }
    }
    let agree = if sum.await == own_sum { "agreed" } else { "not agreed" };
    lines.write_one(format!("{count} samples, sum {own_sum}, {agree}")).await;
}

impl exports::wjit::guests::report::Guest for Middle {
    async fn report(count: u32) -> StreamReader<String> {
        let (samples, sum) = samples(count).await;
        let (writer, reader) = wit_stream::new();
        spawn_local(write(samples, sum, writer));
        reader
    }
}
