//! Sockets, three ways: wasi:sockets@0.3.0 and @0.2.12 by their own functions, and std::net (0.2 too). The first word says
//! what to do:
//!
//!   3             every function of 0.3, its error cases included; prints what each gives
//!   2             the same of 0.2
//!   unpermitted   sends a datagram too many (0.2) and traps
//!   denied        what a guest without --net gets from both
//!   std-server    TCP and UDP echo through std::net: prints "port TCP UDP", serves three connections, then three datagrams
//!   std-client TCP UDP
//!   talk PORT BYTES
//!                 0.3: connects to 127.0.0.1:PORT, sends BYTES and receives until the end, prints how both ended
//!   stall PORT WHAT
//!                 0.3: connects, then traps (WHAT: trap) or waits for ever (wait) with operations of all kinds under way
//!   crowded-accept
//!                 0.3: accepts when no descriptor is left, and cancels that
//!   two-receives  0.3: receives two datagrams at once
//!   results       0.3: drops all of a connection but one of its results
//!   dropped       0.2: waits for sockets in vain and drops them
//!   asking        0.2: connects, accepts and looks a name up without ever waiting
//!   crowd PORT N
//!                 0.3: makes N sockets, then connects one; prints how that went

wit_bindgen::generate!({
    path: "wit",
    world: "net",
    generate_all,
});

mod ends;
mod faults;
mod std_net;
mod v2;
mod v3;

struct Program;
export!(Program);

/// "ok", or the error's name.
pub fn code<T, E: std::fmt::Debug>(result: Result<T, E>) -> String {
    match result {
        Ok(_) => "ok".to_string(),
        Err(error) => format!("{error:?}"),
    }
}

impl exports::wasi::cli0_3_0::run::Guest for Program {
    async fn run() -> Result<(), ()> {
        let words: Vec<String> = std::env::args().skip(1).collect();
        let number = |i: usize| words.get(i).and_then(|word| word.parse().ok()).unwrap_or(0u64);
        match words.first().map(String::as_str) {
            Some("3") => v3::check().await.map_err(|error| println!("0.3: {error:?}")),
            Some("2") => v2::check().map_err(|error| println!("0.2: {error:?}")),
            Some("unpermitted") => v2::unpermitted().map_err(|error| println!("0.2: {error:?}")),
            Some("denied") => {
                v3::denied().await;
                v2::denied();
                Ok(())
            }
            Some("std-server") => std_net::serve().map_err(|error| println!("std: {error}")),
            Some("std-client") => {
                std_net::ask(number(1) as u16, number(2) as u16).map_err(|error| println!("std: {error}"))
            }
            Some("talk") => faults::talk(number(1) as u16, number(2) as usize).await,
            Some("stall") => faults::stall(number(1) as u16, &words[2]).await,
            Some("crowded-accept") => ends::crowded_accept().await.map_err(|error| println!("0.3: {error:?}")),
            Some("two-receives") => ends::two_receives().await.map_err(|error| println!("0.3: {error:?}")),
            Some("results") => ends::results().await.map_err(|error| println!("0.3: {error:?}")),
            Some("dropped") => ends::dropped().map_err(|error| println!("0.2: {error:?}")),
            Some("asking") => ends::asking().map_err(|error| println!("0.2: {error:?}")),
            Some("crowd") => faults::crowd(number(1) as u16, number(2) as usize).await,
            _ => Err(()),
        }
    }
}
