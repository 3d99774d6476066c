//! What ends, or is left over, when a guest drops, cancels or repeats things.

use crate::code;
use crate::v2;
use crate::v3::{loopback, send_all};
use crate::wasi::clocks0_2_12::monotonic_clock::subscribe_duration;
use crate::wasi::clocks0_3_0::monotonic_clock::wait_for;
use crate::wasi::io::poll::{Pollable, poll};
use crate::wasi::sockets0_2_12::instance_network::instance_network;
use crate::wasi::sockets0_2_12::ip_name_lookup::resolve_addresses;
use crate::wasi::sockets0_2_12::network::{ErrorCode as ErrorCode2, IpAddressFamily as Family2};
use crate::wasi::sockets0_2_12::tcp_create_socket::create_tcp_socket;
use crate::wasi::sockets0_2_12::udp_create_socket::create_udp_socket;
use crate::wasi::sockets0_3_0::types::{ErrorCode, IpAddressFamily, TcpSocket, UdpSocket};
use futures::future::{Either, select};
use std::pin::pin;

const MILLISECOND: u64 = 1_000_000;

/// Two calls at once get a datagram each.
pub async fn two_receives() -> Result<(), ErrorCode> {
    let socket = UdpSocket::create(IpAddressFamily::Ipv4)?;
    socket.bind(loopback(0))?;
    let address = socket.get_local_address()?;
    for text in ["first", "second"] {
        socket.send(text.as_bytes().to_vec(), Some(address)).await?;
    }
    let (a, b) = futures::join!(socket.receive(), socket.receive());
    let mut texts = [a?.0, b?.0].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    texts.sort();
    println!("received {}", texts.join(", "));
    Ok(())
}

/// Nothing is left of what a connection is accepted with, and whoever waits for one goes away.
pub async fn crowded_accept() -> Result<(), ErrorCode> {
    let listener = TcpSocket::create(IpAddressFamily::Ipv4)?;
    listener.bind(loopback(0))?;
    let mut connections = listener.listen()?;
    let mut sockets = Vec::new();
    while let Ok(socket) = TcpSocket::create(IpAddressFamily::Ipv4) {
        sockets.push(socket);
    }
    for pause in [0, 1, 50] {
        let mut read = Box::pin(connections.read(Vec::with_capacity(1)));
        let begun = futures::poll!(&mut read).is_pending();
        if pause > 0 {
            wait_for(pause * MILLISECOND).await;
        }
        println!("begun: {begun}, cancelled: {:?}", read.as_mut().cancel().0);
    }
    Ok(())
}

/// The connection is open as long as one of its results is held.
pub async fn results() -> Result<(), ErrorCode> {
    let listener = TcpSocket::create(IpAddressFamily::Ipv4)?;
    listener.bind(loopback(0))?;
    let mut connections = listener.listen()?;
    for sends in [false, true] {
        let client = TcpSocket::create(IpAddressFamily::Ipv4)?;
        client.connect(listener.get_local_address()?).await?;
        let peer = connections.read(Vec::with_capacity(1)).await.1.remove(0);
        // What the client never reads makes its end a reset.
        let unread = send_all(&peer, b"unread".to_vec()).await;
        println!("to the client: {}", code(unread.1));
        let result = if sends {
            let (writer, reader) = crate::wit_stream::new();
            drop(writer);
            client.send(reader)
        } else {
            client.receive().1
        };
        drop(client);
        let (mut stream, end) = peer.receive();
        {
            let read = pin!(stream.read(Vec::with_capacity(1)));
            match select(read, pin!(wait_for(50 * MILLISECOND))).await {
                Either::Left(((how, _), _)) => println!("the peer: {how:?}, {}", code(end.await)),
                Either::Right(_) => println!("the peer waits"),
            }
        }
        drop(result);
    }
    Ok(())
}

/// Waits for it for a while, then lets go of both.
fn wait_in_vain(pollable: Pollable) {
    let timeout = subscribe_duration(20 * MILLISECOND);
    println!("ready: {:?}", poll(&[&pollable, &timeout]));
}

/// 0.2: what was waited for and then dropped has let go of its address, and peers notice, before anything else is done.
pub fn dropped() -> Result<(), ErrorCode2> {
    let network = &instance_network();
    let first = create_udp_socket(Family2::Ipv4)?;
    v2::bind_udp(&first, network, v2::loopback(0))?;
    let address = first.local_address()?;
    let (incoming, outgoing) = first.stream(None)?;
    wait_in_vain(incoming.subscribe());
    drop((incoming, outgoing, first));
    let second = create_udp_socket(Family2::Ipv4)?;
    println!("UDP, again: {}", v2::code(v2::bind_udp(&second, network, address)));

    let listener = create_tcp_socket(Family2::Ipv4)?;
    v2::bind(&listener, network, v2::loopback(0))?;
    v2::listen(&listener)?;
    let address = listener.local_address()?;
    let client = create_tcp_socket(Family2::Ipv4)?;
    let streams = v2::connect(&client, network, address)?;
    let (_peer, input, _output) = v2::wait(&listener.subscribe(), || listener.accept())?;
    wait_in_vain(streams.0.subscribe());
    drop((streams, client));
    println!("the peer: {:?}", input.read(1));

    wait_in_vain(listener.subscribe());
    drop(listener);
    let client = create_tcp_socket(Family2::Ipv4)?;
    println!("TCP: {}", v2::code(v2::connect(&client, network, address)));
    let second = create_tcp_socket(Family2::Ipv4)?;
    println!("TCP, again: {}", v2::code(v2::bind(&second, network, address).and_then(|()| v2::listen(&second))));
    Ok(())
}

/// Asks again and again, and never waits.
fn ask<T>(mut finish: impl FnMut() -> Result<T, ErrorCode2>) -> Result<T, ErrorCode2> {
    loop {
        match finish() {
            Err(ErrorCode2::WouldBlock) => {}
            result => return result,
        }
    }
}

pub fn asking() -> Result<(), ErrorCode2> {
    let network = instance_network();
    let server = create_tcp_socket(Family2::Ipv4)?;
    server.start_bind(&network, v2::loopback(0))?;
    ask(|| server.finish_bind())?;
    server.start_listen()?;
    ask(|| server.finish_listen())?;
    let client = create_tcp_socket(Family2::Ipv4)?;
    client.start_connect(&network, server.local_address()?)?;
    let pollable = client.subscribe();
    while !pollable.ready() {}
    let (_from_server, to_server) = ask(|| client.finish_connect())?;
    println!("connected");
    let (_connection, from_client, _to_client) = ask(|| server.accept())?;
    println!("accepted");
    // As much as goes in, part of which waits for room, then all of that out again.
    let (bytes, mut sent, mut received) = (vec![7; 1 << 16], 0, 0);
    while let Ok(room @ 1..) = to_server.check_write() {
        to_server.write(&bytes[..room as usize]).expect("a permit");
        sent += room as usize;
    }
    while received < sent {
        received += from_client.read(1 << 16).expect("an open connection").len();
    }
    println!("received: {}", received == sent);
    let addresses = resolve_addresses(&network, "localhost")?;
    println!("resolved: {}", ask(|| addresses.resolve_next_address())?.is_some());
    Ok(())
}
