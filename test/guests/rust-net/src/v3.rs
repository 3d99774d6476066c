//! Every function of wasi:sockets@0.3.0.

use crate::code;
use crate::wasi::clocks0_3_0::monotonic_clock;
use crate::wasi::sockets0_3_0::ip_name_lookup::resolve_addresses;
use crate::wasi::sockets0_3_0::types::{
    ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress, TcpSocket, UdpSocket,
};
use crate::wit_stream;
use futures::FutureExt;
use futures::future::{Either, select};
use wit_bindgen::StreamResult;

const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;

pub fn v4(address: (u8, u8, u8, u8), port: u16) -> IpSocketAddress {
    IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address })
}

pub fn loopback(port: u16) -> IpSocketAddress {
    v4((127, 0, 0, 1), port)
}

fn v6(address: (u16, u16, u16, u16, u16, u16, u16, u16), port: u16) -> IpSocketAddress {
    IpSocketAddress::Ipv6(Ipv6SocketAddress { port, flow_info: 0, address, scope_id: 0 })
}

fn port(address: IpSocketAddress) -> u16 {
    match address {
        IpSocketAddress::Ipv4(address) => address.port,
        IpSocketAddress::Ipv6(address) => address.port,
    }
}

fn same(a: IpSocketAddress, b: IpSocketAddress) -> bool {
    format!("{a:?}") == format!("{b:?}")
}

/// How many bytes were not sent, and the end.
pub async fn send_all(socket: &TcpSocket, bytes: Vec<u8>) -> (usize, Result<(), ErrorCode>) {
    let (mut writer, reader) = wit_stream::new();
    let end = socket.send(reader);
    let left = writer.write_all(bytes).await;
    drop(writer);
    (left.len(), end.await)
}

pub async fn receive_all(socket: &TcpSocket) -> (Vec<u8>, Result<(), ErrorCode>) {
    let (mut stream, end) = socket.receive();
    let mut all = Vec::new();
    loop {
        let (result, part) = stream.read(Vec::with_capacity(50_000)).await;
        all.extend_from_slice(&part);
        if matches!(result, StreamResult::Dropped | StreamResult::Cancelled) {
            break;
        }
    }
    drop(stream);
    (all, end.await)
}

async fn tcp_addresses(family: IpAddressFamily, own: IpSocketAddress, wrong: &[IpSocketAddress]) -> Result<(), ErrorCode> {
    let socket = TcpSocket::create(family)?;
    println!("{family:?}: {:?}", socket.get_address_family());
    println!("  unbound: {}, {}", code(socket.get_local_address()), code(socket.get_remote_address()));
    println!("  listening: {}", socket.get_is_listening());
    for address in wrong {
        println!("  bind {address:?}: {}", code(socket.bind(*address)));
        println!("  connect: {}", code(socket.connect(*address).await));
    }
    println!("  bind: {}", code(socket.bind(own)));
    println!("  again: {}", code(socket.bind(own)));
    let bound = socket.get_local_address()?;
    println!("  bound: {}, {}", port(bound) != 0, code(socket.get_remote_address()));
    let (mut nothing, end) = socket.receive();
    let (result, _) = nothing.read(Vec::with_capacity(1)).await;
    println!("  receive: {result:?}, {}", code(end.await));
    println!("  send: {}", code(send_all(&socket, b"x".to_vec()).await.1));
    println!("  listen: {}", code(socket.listen()));
    println!("  listening: {}, again: {}", socket.get_is_listening(), code(socket.listen()));
    println!("  connect: {}", code(socket.connect(bound).await));
    let other = TcpSocket::create(family)?;
    println!("  in use: {}", code(other.bind(bound)));
    Ok(())
}

fn options() -> Result<(), ErrorCode> {
    let s = TcpSocket::create(IpAddressFamily::Ipv4)?;
    println!("keep-alive: {}", s.get_keep_alive_enabled()?);
    s.set_keep_alive_enabled(true)?;
    println!("keep-alive: {}", s.get_keep_alive_enabled()?);
    println!("idle time: {}, {}", code(s.set_keep_alive_idle_time(0)), code(s.set_keep_alive_idle_time(7 * SECOND)));
    println!("idle time: {}", s.get_keep_alive_idle_time()?);
    println!("interval: {}, {}", code(s.set_keep_alive_interval(0)), code(s.set_keep_alive_interval(u64::MAX)));
    println!("interval: {}", s.get_keep_alive_interval()? >= SECOND);
    println!("count: {}, {}", code(s.set_keep_alive_count(0)), code(s.set_keep_alive_count(4)));
    println!("count: {}", s.get_keep_alive_count()?);
    println!("hop limit: {}, {}", code(s.set_hop_limit(0)), code(s.set_hop_limit(9)));
    println!("hop limit: {}", s.get_hop_limit()?);
    println!("receive buffer: {}, {}", code(s.set_receive_buffer_size(0)), code(s.set_receive_buffer_size(50_000)));
    println!("receive buffer: {}", s.get_receive_buffer_size()?);
    println!("send buffer: {}, {}", code(s.set_send_buffer_size(0)), code(s.set_send_buffer_size(u64::MAX)));
    println!("send buffer: {}", s.get_send_buffer_size()? > 0);
    println!("backlog: {}, {}", code(s.set_listen_backlog_size(0)), code(s.set_listen_backlog_size(u64::MAX)));
    Ok(())
}

async fn connection() -> Result<(), ErrorCode> {
    let server = TcpSocket::create(IpAddressFamily::Ipv4)?;
    server.set_hop_limit(33)?;
    server.bind(loopback(0))?;
    let address = server.get_local_address()?;
    let mut connections = server.listen()?;
    println!("backlog of a listener: {}", code(server.set_listen_backlog_size(5)));
    drop(server); // the stream keeps it
    let client = TcpSocket::create(IpAddressFamily::Ipv4)?;
    client.connect(address).await?;
    let (_, mut accepted) = connections.read(Vec::with_capacity(4)).await;
    println!("accepted: {}", accepted.len());
    let accepted = accepted.remove(0);
    println!("addresses: {}", same(client.get_remote_address()?, accepted.get_local_address()?));
    println!("addresses: {}", same(accepted.get_remote_address()?, client.get_local_address()?));
    println!("inherited: {}", accepted.get_hop_limit()?);
    println!("connected: {}, {}", code(client.connect(address).await), code(client.listen()));
    println!("connected: {}, {}", code(client.bind(loopback(0))), code(client.set_listen_backlog_size(1)));

    let question: Vec<u8> = (0..3_000_000u32).map(|i| (i * 7) as u8).collect();
    let echo = async {
        let (stream, received) = accepted.receive();
        let sent = accepted.send(stream); // host to host
        (sent.await, received.await)
    };
    let (asked, answered, echoed) = futures::join!(send_all(&client, question.clone()), receive_all(&client), echo);
    println!("echo: {}, {}, {}", asked.0, code(asked.1), code(answered.1));
    println!("echo: {}, {}, {}", answered.0 == question, code(echoed.0), code(echoed.1));
    let (_, end) = client.receive();
    println!("a second receive: {}", code(end.await));
    println!("a second send: {}", code(send_all(&client, vec![1]).await.1));

    // A reader that goes away is a shutdown; what the peer sends then is lost, or refused.
    let client = TcpSocket::create(IpAddressFamily::Ipv4)?;
    client.connect(address).await?;
    let accepted = connections.read(Vec::with_capacity(1)).await.1.remove(0);
    let (stream, end) = client.receive();
    drop(stream);
    println!("dropped reader: {}", code(end.await));
    drop(client);
    let (mut writer, reader) = wit_stream::new();
    let end = accepted.send(reader);
    let mut left = 0;
    for _ in 0..50 {
        left = writer.write_all(vec![1; 1000]).await.len();
        if left > 0 {
            break;
        }
        monotonic_clock::wait_for(10 * MILLISECOND).await;
    }
    drop(writer);
    println!("the peer has gone: {}, {}", left > 0, matches!(end.await, Err(ErrorCode::ConnectionBroken | ErrorCode::ConnectionReset)));

    // Reading and accepting may be cancelled, and begun again.
    let late = connections.read(Vec::with_capacity(1)).now_or_never().is_none();
    println!("nobody connects: {late}");
    let client = TcpSocket::create(IpAddressFamily::Ipv4)?;
    client.connect(address).await?;
    let accepted = connections.read(Vec::with_capacity(1)).await.1.remove(0);
    let (mut stream, _end) = accepted.receive();
    println!("nothing to read: {}", stream.read(Vec::with_capacity(1)).now_or_never().is_none());
    let (mut writer, reader) = wit_stream::new();
    let sent = client.send(reader);
    writer.write_all(b"at last".to_vec()).await;
    println!("read: {}", String::from_utf8_lossy(&stream.read(Vec::with_capacity(100)).await.1));
    drop(writer);
    println!("sent: {}", code(sent.await));
    drop(connections);
    let refused = TcpSocket::create(IpAddressFamily::Ipv4)?;
    println!("refused: {}", code(refused.connect(address).await));
    println!("closed: {}, {}", code(refused.connect(address).await), code(refused.get_local_address()));
    Ok(())
}

/// Connects to a listener whose queue is full, so that one of the calls has to wait; then that one is cancelled.
async fn cancelled_connect() -> Result<(), ErrorCode> {
    let server = TcpSocket::create(IpAddressFamily::Ipv4)?;
    server.set_listen_backlog_size(1)?;
    server.bind(loopback(0))?;
    let address = server.get_local_address()?;
    let _connections = server.listen()?;
    let mut clients = Vec::new();
    for _ in 0..10 {
        let client = TcpSocket::create(IpAddressFamily::Ipv4)?;
        let connected = {
            let connect = std::pin::pin!(client.connect(address));
            let timeout = std::pin::pin!(monotonic_clock::wait_for(200 * MILLISECOND));
            match select(connect, timeout).await {
                Either::Left((result, _)) => Some(result),
                Either::Right(_) => None,
            }
        };
        match connected {
            Some(result) => result?,
            None => {
                println!("cancelled: {}", code(client.connect(address).await));
                return Ok(());
            }
        }
        clients.push(client);
    }
    println!("nobody had to wait");
    Ok(())
}

async fn datagrams() -> Result<(), ErrorCode> {
    let a = UdpSocket::create(IpAddressFamily::Ipv4)?;
    let b = UdpSocket::create(IpAddressFamily::Ipv4)?;
    println!("{:?}, {}, {}", a.get_address_family(), code(a.get_local_address()), code(a.get_remote_address()));
    println!("receive when unbound: {}", code(a.receive().await));
    println!("disconnect: {}", code(a.disconnect()));
    println!("bind to the other family: {}", code(a.bind(v6((0, 0, 0, 0, 0, 0, 0, 1), 0))));
    println!("bind: {}, again: {}", code(a.bind(loopback(0))), code(a.bind(loopback(0))));
    let address = a.get_local_address()?;
    println!("in use: {}", code(b.bind(address)));
    println!("not here: {}", code(b.bind(v4((192, 0, 2, 1), 0))));
    for wrong in [v6((0, 0, 0, 0, 0, 0, 0, 1), 1), v4((0, 0, 0, 0), 1), loopback(0)] {
        println!("send, connect: {}, {}", code(b.send(vec![1], Some(wrong)).await), code(b.connect(wrong)));
    }
    println!("send to nobody: {}", code(b.send(vec![1], None).await));
    println!("too large: {}", code(b.send(vec![1; 65_508], Some(address)).await));
    let (sent, received) = futures::join!(b.send(b"one".to_vec(), Some(address)), a.receive());
    sent?;
    let (data, from) = received?;
    println!("received: {}, {}", String::from_utf8_lossy(&data), port(from) == port(b.get_local_address()?));
    println!("nothing: {}", a.receive().now_or_never().is_none());
    b.send(vec![], Some(address)).await?;
    println!("empty: {:?}", a.receive().await?.0);

    b.connect(address)?;
    println!("peer: {}", same(b.get_remote_address()?, address));
    b.send(vec![5; 60_000], None).await?;
    println!("large: {}", a.receive().await?.0 == vec![5; 60_000]);
    b.send(b"by name".to_vec(), Some(address)).await?;
    println!("received: {}", String::from_utf8_lossy(&a.receive().await?.0));
    println!("another: {}", code(b.send(vec![1], Some(loopback(9))).await));
    a.send(b"answer".to_vec(), Some(b.get_local_address()?)).await?;
    println!("received: {}", String::from_utf8_lossy(&b.receive().await?.0));
    println!("disconnect: {}, {}", code(b.disconnect()), code(b.get_remote_address()));
    // What strangers sent before is not the peer's.
    let stranger = UdpSocket::create(IpAddressFamily::Ipv4)?;
    let here = loopback(port(b.get_local_address()?));
    stranger.send(b"stranger".to_vec(), Some(here)).await?;
    b.connect(address)?;
    a.send(b"peer".to_vec(), Some(here)).await?;
    println!("received: {}", String::from_utf8_lossy(&b.receive().await?.0));
    b.connect(address)?;
    drop(a);
    b.send(vec![1], None).await?;
    println!("nobody there: {}", code(b.receive().await));

    println!("hop limit: {}, {}", code(b.set_unicast_hop_limit(0)), code(b.set_unicast_hop_limit(5)));
    println!("hop limit: {}", b.get_unicast_hop_limit()?);
    println!("receive buffer: {}, {}", code(b.set_receive_buffer_size(0)), code(b.set_receive_buffer_size(60_000)));
    println!("receive buffer: {}", b.get_receive_buffer_size()?);
    println!("send buffer: {}, {}", code(b.set_send_buffer_size(0)), code(b.set_send_buffer_size(60_000)));
    println!("send buffer: {}", b.get_send_buffer_size()?);
    Ok(())
}

async fn names() {
    let wrong = ["a b", "", ".", "127.0.0.256", "1.2.3", "127.0.0.1:80", "a..b", "-a", "\u{0}"];
    for name in ["192.0.2.7", "2001:db8::7", "::ffff:192.0.2.7", "no-such-name.invalid."].into_iter().chain(wrong) {
        let result = resolve_addresses(name.to_string()).await;
        // Whether a resolver is there at all is not the guest's matter.
        let refused = name.ends_with("invalid.") && result.is_err();
        println!("{name:?}: {}", if refused { "none".to_string() } else { format!("{result:?}") });
    }
    let here = resolve_addresses("localhost".to_string()).await.unwrap_or_default();
    let local = here.iter().all(|address| match address {
        IpAddress::Ipv4(address) => *address == (127, 0, 0, 1),
        IpAddress::Ipv6(address) => *address == (0, 0, 0, 0, 0, 0, 0, 1),
    });
    println!("localhost: {}", !here.is_empty() && local);
}

pub async fn check() -> Result<(), ErrorCode> {
    let wrong_v4 = [v6((0, 0, 0, 0, 0, 0, 0, 1), 1), v4((224, 0, 0, 1), 1), v4((255, 255, 255, 255), 1)];
    tcp_addresses(IpAddressFamily::Ipv4, loopback(0), &wrong_v4).await?;
    let wrong_v6 = [loopback(1), v6((0xff02, 0, 0, 0, 0, 0, 0, 1), 1), v6((0, 0, 0, 0, 0, 0xffff, 0x7f00, 1), 1)];
    tcp_addresses(IpAddressFamily::Ipv6, v6((0, 0, 0, 0, 0, 0, 0, 1), 0), &wrong_v6).await?;
    let socket = TcpSocket::create(IpAddressFamily::Ipv4)?;
    println!("bind elsewhere: {}", code(socket.bind(v4((192, 0, 2, 1), 0))));
    println!("connect to nowhere: {}, {}", code(socket.connect(v4((0, 0, 0, 0), 1)).await), code(socket.connect(loopback(0)).await));
    println!("listen unbound: {}, {}", code(socket.listen()), port(socket.get_local_address()?) != 0);
    options()?;
    connection().await?;
    cancelled_connect().await?;
    datagrams().await?;
    names().await;
    Ok(())
}

pub async fn denied() {
    let socket = TcpSocket::create(IpAddressFamily::Ipv4).unwrap();
    println!("0.3 bind: {}", code(socket.bind(loopback(0))));
    println!("0.3 connect: {}", code(socket.connect(loopback(1)).await));
    println!("0.3 listen: {}", code(socket.listen()));
    let socket = UdpSocket::create(IpAddressFamily::Ipv4).unwrap();
    println!("0.3 UDP bind: {}", code(socket.bind(loopback(0))));
    println!("0.3 UDP connect: {}", code(socket.connect(loopback(1))));
    println!("0.3 UDP send: {}", code(socket.send(vec![1], Some(loopback(1))).await));
    println!("0.3 name: {}", code(resolve_addresses("localhost".to_string()).await));
    println!("0.3 address: {}", code(resolve_addresses("127.0.0.1".to_string()).await));
}
