//! What happens when the peer, or the guest, does not behave.

use crate::code;
use crate::v3::{loopback, receive_all, send_all};
use crate::wasi::clocks0_3_0::monotonic_clock;
use crate::wasi::sockets0_3_0::types::{IpAddressFamily, TcpSocket, UdpSocket};
use crate::wit_stream;

async fn connected(port: u16) -> Result<TcpSocket, ()> {
    let socket = TcpSocket::create(IpAddressFamily::Ipv4).map_err(|error| println!("create: {error:?}"))?;
    socket.connect(loopback(port)).await.map_err(|error| println!("connect: {error:?}"))?;
    Ok(socket)
}

/// Sends and receives at once, to the end of both.
pub async fn talk(port: u16, bytes: usize) -> Result<(), ()> {
    let socket = connected(port).await?;
    let data: Vec<u8> = (0..bytes).map(|i| (i * 13) as u8).collect();
    let (sent, received) = futures::join!(send_all(&socket, data), receive_all(&socket));
    println!("sent {} of {bytes}: {}", bytes - sent.0, code(sent.1));
    println!("received {}: {}", received.0.len(), code(received.1));
    Ok(())
}

/// Ends, or does not end, while a connect, an accept, a receive, a send, a datagram and a timer are under way.
pub async fn stall(port: u16, what: &str) -> Result<(), ()> {
    let socket = connected(port).await?;
    let listener = TcpSocket::create(IpAddressFamily::Ipv4).map_err(drop)?;
    listener.bind(loopback(0)).map_err(drop)?;
    let mut connections = listener.listen().map_err(drop)?;
    let datagrams = UdpSocket::create(IpAddressFamily::Ipv4).map_err(drop)?;
    datagrams.bind(loopback(0)).map_err(drop)?;
    let (mut writer, reader) = wit_stream::new();
    let send_end = socket.send(reader);
    let (mut stream, receive_end) = socket.receive();
    let end = async {
        monotonic_clock::wait_for(200_000_000).await;
        println!("under way");
        if what == "trap" {
            std::process::abort();
        }
        monotonic_clock::wait_for(3_600_000_000_000).await;
    };
    futures::join!(
        async { drop(writer.write_all(vec![7; 64 << 20]).await) },
        async {
            loop {
                drop(stream.read(Vec::with_capacity(1 << 20)).await);
            }
        },
        async { drop(connections.read(Vec::with_capacity(1)).await) },
        async { drop(datagrams.receive().await) },
        async { drop(send_end.await) },
        async { drop(receive_end.await) },
        end,
    );
    Ok(())
}

/// As many sockets as the system gives, and what is said when it gives no more.
pub async fn crowd(port: u16, count: usize) -> Result<(), ()> {
    let mut sockets = Vec::new();
    let mut error = None;
    for _ in 0..count {
        match TcpSocket::create(IpAddressFamily::Ipv4) {
            Ok(socket) => sockets.push(socket),
            Err(refused) => {
                error = Some(refused);
                break;
            }
        }
    }
    println!("{}: {error:?}", if sockets.len() == count { "all of them" } else { "not all of them" });
    sockets.pop();
    println!("one more: {}", code(connected(port).await));
    Ok(())
}
