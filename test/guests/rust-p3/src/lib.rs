//! A program of async functions for wasi:cli/run@0.3.0. Its std still talks to WASI 0.2: arguments, variables, println.
//! Prints its arguments and the variable GREETING through std, waits on two timers at once, then reads stdin through a
//! stream and prints its lines in reverse order through a stream.

wit_bindgen::generate!({
    path: "wit",
    world: "command",
    generate_all,
});

use std::cell::RefCell;
use wasi::cli::{stdin, stdout};
use wasi::clocks::monotonic_clock;
use wit_bindgen::StreamResult;

struct Program;
export!(Program);

const MILLISECOND: u64 = 1_000_000;

async fn timers() {
    let order = RefCell::new(Vec::new());
    let start = monotonic_clock::now();
    futures::join!(
        async {
            monotonic_clock::wait_for(60 * MILLISECOND).await;
            order.borrow_mut().push("long");
        },
        async {
            monotonic_clock::wait_for(10 * MILLISECOND).await;
            order.borrow_mut().push("short");
        },
    );
    let enough = monotonic_clock::now() - start >= 60 * MILLISECOND;
    println!("timers: {}, {}", order.into_inner().join(", "), if enough { "ok" } else { "too early" });
}

async fn read_stdin() -> Result<Vec<u8>, ()> {
    let (mut stream, result) = stdin::read_via_stream();
    let mut text = Vec::new();
    loop {
        let (status, bytes) = stream.read(Vec::with_capacity(4096)).await;
        text.extend(bytes);
        match status {
            StreamResult::Complete(_) => {}
            StreamResult::Dropped | StreamResult::Cancelled => break,
        }
    }
    result.await.map_err(drop)?;
    Ok(text)
}

async fn write_stdout(bytes: Vec<u8>) -> Result<(), ()> {
    let (mut writer, reader) = wit_stream::new();
    let result = stdout::write_via_stream(reader);
    let left = writer.write_all(bytes).await;
    drop(writer);
    if !left.is_empty() {
        return Ok(()); // nobody reads on
    }
    result.await.map_err(drop)
}

impl exports::wasi::cli::run::Guest for Program {
    async fn run() -> Result<(), ()> {
        for (i, argument) in std::env::args().enumerate().skip(1) {
            println!("argument {i}: {argument}");
        }
        println!("GREETING: {}", std::env::var("GREETING").as_deref().unwrap_or("(not set)"));
        timers().await;
        let text = String::from_utf8(read_stdin().await?).map_err(drop)?;
        let mut reversed = format!("stdin: {} bytes\n", text.len());
        for line in text.lines().rev() {
            reversed += line;
            reversed += "\n";
        }
        write_stdout(reversed.into_bytes()).await?;
        println!("done");
        Ok(())
    }
}
