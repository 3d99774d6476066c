//! A program of async functions for wasi:cli/run@0.3.0. Its std still talks to WASI 0.2: arguments, variables, println.
//! Prints its arguments and the variable GREETING through std, waits on two timers at once, then reads stdin through a
//! stream and prints its lines in reverse order through a stream.
//!
//!   cat           instead: copies stdin to stdout, in pieces of 64 KiB that pass through its memory
//!   sleeps N MS   instead: N sleeps of MS milliseconds at once; prints how many there were and how long all of it took

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

/// None if the machine stood still before both waits had begun: then their order says nothing.
async fn both_timers() -> Option<String> {
    let order = RefCell::new(Vec::new());
    let begun = RefCell::new(0);
    let start = monotonic_clock::now();
    futures::join!(
        async {
            monotonic_clock::wait_until(start + 60 * MILLISECOND).await;
            order.borrow_mut().push("long");
        },
        async {
            *begun.borrow_mut() = monotonic_clock::now();
            monotonic_clock::wait_until(start + 10 * MILLISECOND).await;
            order.borrow_mut().push("short");
        },
    );
    let enough = monotonic_clock::now() - start >= 60 * MILLISECOND;
    let at_once = begun.into_inner() < start + 10 * MILLISECOND;
    at_once.then(|| format!("{}, {}", order.into_inner().join(", "), if enough { "ok" } else { "too early" }))
}

async fn timers() {
    for _ in 0..100 {
        if let Some(text) = both_timers().await {
            return println!("timers: {text}");
        }
    }
    println!("timers: never at once");
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

async fn cat() -> Result<(), ()> {
    let (mut input, input_end) = stdin::read_via_stream();
    let (mut writer, reader) = wit_stream::new();
    let output_end = stdout::write_via_stream(reader);
    let mut buffer = Vec::with_capacity(65536);
    loop {
        let (status, bytes) = input.read(buffer).await;
        let mut left = writer.write_all(bytes).await;
        if !left.is_empty() {
            return Ok(()); // nobody reads on
        }
        if matches!(status, StreamResult::Dropped | StreamResult::Cancelled) {
            break;
        }
        left.clear();
        buffer = left;
    }
    drop(writer);
    output_end.await.map_err(drop)?;
    input_end.await.map_err(drop)
}

async fn sleeps(count: usize, milliseconds: u64) {
    let start = monotonic_clock::now();
    let done = RefCell::new(0);
    futures::future::join_all((0..count).map(|_| async {
        monotonic_clock::wait_for(milliseconds * MILLISECOND).await;
        *done.borrow_mut() += 1;
    }))
    .await;
    println!("{} sleeps, {} ms", done.borrow(), (monotonic_clock::now() - start) / MILLISECOND);
}

impl exports::wasi::cli::run::Guest for Program {
    async fn run() -> Result<(), ()> {
        let words: Vec<String> = std::env::args().skip(1).collect();
        let number = |i: usize| words.get(i).and_then(|word| word.parse().ok()).unwrap_or(0);
        match words.first().map(String::as_str) {
            Some("cat") => return cat().await,
            Some("sleeps") => return Ok(sleeps(number(1) as usize, number(2)).await),
            _ => {}
        }
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
