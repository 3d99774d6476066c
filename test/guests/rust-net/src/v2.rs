//! Every function of wasi:sockets@0.2.12.

use crate::wasi::io::poll::{self, Pollable};
use crate::wasi::io::streams::{InputStream, OutputStream, StreamError};
use crate::wasi::sockets0_2_12::instance_network::instance_network;
use crate::wasi::sockets0_2_12::ip_name_lookup::resolve_addresses;
use crate::wasi::sockets0_2_12::network::{
    ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress, Network,
};
use crate::wasi::sockets0_2_12::tcp::{ShutdownType, TcpSocket};
use crate::wasi::sockets0_2_12::tcp_create_socket::create_tcp_socket;
use crate::wasi::sockets0_2_12::udp::{OutgoingDatagram, UdpSocket};
use crate::wasi::sockets0_2_12::udp_create_socket::create_udp_socket;

/// "ok", or the error's name.
pub fn code<T>(result: Result<T, ErrorCode>) -> String {
    result.map_or_else(|error| error.name().to_string(), |_| "ok".to_string())
}

const SECOND: u64 = 1_000_000_000;

fn v4(address: (u8, u8, u8, u8), port: u16) -> IpSocketAddress {
    IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address })
}

pub fn loopback(port: u16) -> IpSocketAddress {
    v4((127, 0, 0, 1), port)
}

fn v6_loopback(port: u16) -> IpSocketAddress {
    IpSocketAddress::Ipv6(Ipv6SocketAddress { port, flow_info: 0, address: (0, 0, 0, 0, 0, 0, 0, 1), scope_id: 0 })
}

fn same(a: IpSocketAddress, b: IpSocketAddress) -> bool {
    format!("{a:?}") == format!("{b:?}")
}

/// Tries again when the pollable says so.
pub fn wait<T>(pollable: &Pollable, mut finish: impl FnMut() -> Result<T, ErrorCode>) -> Result<T, ErrorCode> {
    loop {
        match finish() {
            Err(ErrorCode::WouldBlock) => pollable.block(),
            result => return result,
        }
    }
}

pub fn bind(socket: &TcpSocket, network: &Network, address: IpSocketAddress) -> Result<(), ErrorCode> {
    socket.start_bind(network, address)?;
    wait(&socket.subscribe(), || socket.finish_bind())
}

pub fn listen(socket: &TcpSocket) -> Result<(), ErrorCode> {
    socket.start_listen()?;
    wait(&socket.subscribe(), || socket.finish_listen())
}

pub fn connect(socket: &TcpSocket, network: &Network, to: IpSocketAddress) -> Result<(InputStream, OutputStream), ErrorCode> {
    socket.start_connect(network, to)?;
    wait(&socket.subscribe(), || socket.finish_connect())
}

pub fn bind_udp(socket: &UdpSocket, network: &Network, address: IpSocketAddress) -> Result<(), ErrorCode> {
    socket.start_bind(network, address)?;
    wait(&socket.subscribe(), || socket.finish_bind())
}

fn tcp_states(network: &Network) -> Result<(), ErrorCode> {
    let s = create_tcp_socket(IpAddressFamily::Ipv4)?;
    println!("unbound: {:?}, {}, {}", s.address_family(), code(s.local_address()), code(s.remote_address()));
    println!("not begun: {}, {}, {}", code(s.finish_bind()), code(s.finish_listen()), code(s.finish_connect()));
    println!("listen: {}, accept: {}, shutdown: {}", code(s.start_listen()), code(s.accept()), code(s.shutdown(ShutdownType::Both)));
    for wrong in [v6_loopback(1), v4((224, 0, 0, 1), 1)] {
        println!("bind, connect: {}, {}", code(s.start_bind(network, wrong)), code(s.start_connect(network, wrong)));
    }
    println!("connect: {}, {}", code(s.start_connect(network, loopback(0))), code(s.start_connect(network, v4((0, 0, 0, 0), 1))));
    println!("start: {}, twice: {}", code(s.start_bind(network, loopback(0))), code(s.start_bind(network, loopback(0))));
    println!("ready: {}, bound: {}", s.subscribe().ready(), code(s.local_address()));
    println!("finish: {}, twice: {}", code(s.finish_bind()), code(s.finish_bind()));
    println!("bound: {}, {}", code(s.local_address()), code(s.start_bind(network, loopback(0))));
    println!("start: {}, ready: {}, listening: {}", code(s.start_listen()), s.subscribe().ready(), s.is_listening());
    println!("finish: {}, ready: {}, listening: {}", code(s.finish_listen()), s.subscribe().ready(), s.is_listening());
    println!("again: {}, {}", code(s.start_listen()), code(s.start_connect(network, loopback(1))));
    println!("nobody: {}, {}", code(s.accept()), s.subscribe().ready());
    let other = create_tcp_socket(IpAddressFamily::Ipv4)?;
    println!("in use: {}", code(bind(&other, network, s.local_address()?)));
    let both = [create_tcp_socket(IpAddressFamily::Ipv4)?, create_tcp_socket(IpAddressFamily::Ipv4)?];
    bind(&both[0], network, loopback(0))?;
    println!("both at one address: {}, {}", code(bind(&both[1], network, both[0].local_address()?)), code(listen(&both[0])));
    println!("listen: {}, {}", code(both[1].start_listen()), code(both[1].finish_listen()));
    println!("closed: {}, {}", code(both[1].local_address()), code(both[1].start_listen()));
    let v6 = create_tcp_socket(IpAddressFamily::Ipv6)?;
    println!("IPv6: {}, {}", code(bind(&v6, network, v6_loopback(0))), code(listen(&v6)));
    Ok(())
}

fn options() -> Result<(), ErrorCode> {
    let s = create_tcp_socket(IpAddressFamily::Ipv4)?;
    println!("keep-alive: {}, {}, {}", s.keep_alive_enabled()?, code(s.set_keep_alive_enabled(true)), s.keep_alive_enabled()?);
    println!("idle time: {}, {}", code(s.set_keep_alive_idle_time(0)), code(s.set_keep_alive_idle_time(7 * SECOND)));
    println!("idle time: {}", s.keep_alive_idle_time()?);
    println!("interval: {}, {}", code(s.set_keep_alive_interval(0)), code(s.set_keep_alive_interval(3 * SECOND)));
    println!("interval: {}", s.keep_alive_interval()?);
    println!("count: {}, {}", code(s.set_keep_alive_count(0)), code(s.set_keep_alive_count(4)));
    println!("count: {}", s.keep_alive_count()?);
    println!("hop limit: {}, {}", code(s.set_hop_limit(0)), code(s.set_hop_limit(9)));
    println!("hop limit: {}", s.hop_limit()?);
    println!("receive buffer: {}, {}", code(s.set_receive_buffer_size(0)), code(s.set_receive_buffer_size(50_000)));
    println!("receive buffer: {}", s.receive_buffer_size()?);
    println!("send buffer: {}, {}", code(s.set_send_buffer_size(0)), code(s.set_send_buffer_size(50_000)));
    println!("send buffer: {}", s.send_buffer_size()?);
    println!("backlog: {}, {}", code(s.set_listen_backlog_size(0)), code(s.set_listen_backlog_size(5)));
    Ok(())
}

fn connection(network: &Network) -> Result<(), ErrorCode> {
    let server = create_tcp_socket(IpAddressFamily::Ipv4)?;
    bind(&server, network, loopback(0))?;
    listen(&server)?;
    let address = server.local_address()?;
    let client = create_tcp_socket(IpAddressFamily::Ipv4)?;
    let (client_in, client_out) = connect(&client, network, address)?;
    println!("finish again: {}, connect again: {}", code(client.finish_connect()), code(client.start_connect(network, address)));
    let (accepted, server_in, server_out) = wait(&server.subscribe(), || server.accept())?;
    println!("addresses: {}", same(client.remote_address()?, accepted.local_address()?));
    println!("addresses: {}", same(accepted.remote_address()?, client.local_address()?));
    println!("backlog of a connection: {}", code(client.set_listen_backlog_size(5)));

    println!("nothing: {:?}, {}", server_in.read(10).unwrap(), server_in.subscribe().ready());
    println!("room: {}", client_out.check_write().unwrap() > 0);
    client_out.write(b"hello, ").unwrap();
    client_out.blocking_write_and_flush(b"server").unwrap();
    let both = [&server_in.subscribe(), &client_in.subscribe()];
    println!("ready: {:?}", poll::poll(&both));
    println!("read: {}", String::from_utf8_lossy(&server_in.blocking_read(100).unwrap()));
    client_out.blocking_write_and_flush(b"skipped, not").unwrap();
    println!("skip: {}, {}", server_in.blocking_skip(9).unwrap(), String::from_utf8_lossy(&server_in.read(100).unwrap()));
    server_out.blocking_write_zeroes_and_flush(5).unwrap();
    println!("zeroes: {:?}", client_in.blocking_read(100).unwrap());
    client_out.blocking_write_and_flush(b"through").unwrap();
    println!("splice: {}", server_out.blocking_splice(&server_in, 100).unwrap());
    println!("read: {}", String::from_utf8_lossy(&client_in.blocking_read(100).unwrap()));

    // More than the buffers of the system take: goes on when the other side reads.
    let question: Vec<u8> = (0..2_000_000u32).map(|i| (i * 7) as u8).collect();
    let (mut sent, mut answer) = (0, Vec::new());
    while answer.len() < question.len() {
        let room = (client_out.check_write().unwrap() as usize).min(question.len() - sent);
        client_out.write(&question[sent..sent + room]).unwrap();
        sent += room;
        answer.extend(server_in.read(50_000).unwrap());
    }
    println!("large: {}", answer == question);

    println!("shutdown: {}", code(client.shutdown(ShutdownType::Send)));
    println!("again: {}", code(client.shutdown(ShutdownType::Send)));
    println!("closed: {:?}, {}", client_out.check_write(), client_out.subscribe().ready());
    println!("end: {:?}, {:?}", server_in.blocking_read(10), server_in.read(10));
    server_out.blocking_write_and_flush(b"the other way").unwrap();
    println!("read: {}", String::from_utf8_lossy(&client_in.blocking_read(100).unwrap()));
    println!("shutdown: {}, {:?}", code(client.shutdown(ShutdownType::Receive)), client_in.read(1));
    drop((client_in, client_out));
    drop(client);
    // The peer has gone: an error of a write sooner or later, then closed.
    let mut last = Ok(());
    for _ in 0..100 {
        last = server_out.blocking_write_and_flush(&[1; 1000]);
        if last.is_err() {
            break;
        }
    }
    println!("the peer has gone: {}", last.is_err());
    println!("closed: {}", matches!(server_out.check_write(), Err(StreamError::Closed)));
    drop((server_in, server_out));
    drop((accepted, server));
    let refused = create_tcp_socket(IpAddressFamily::Ipv4)?;
    println!("refused: {}", code(connect(&refused, network, address)));
    println!("closed: {}, {}", code(refused.start_connect(network, address)), code(refused.start_bind(network, loopback(0))));
    Ok(())
}

fn datagrams(network: &Network) -> Result<(), ErrorCode> {
    let a = create_udp_socket(IpAddressFamily::Ipv4)?;
    let b = create_udp_socket(IpAddressFamily::Ipv4)?;
    println!("unbound: {:?}, {}, {}", a.address_family(), code(a.local_address()), code(a.remote_address()));
    println!("stream: {}, finish: {}", code(a.stream(None)), code(a.finish_bind()));
    println!("bind: {}, {}", code(bind_udp(&a, network, v6_loopback(0))), code(a.start_bind(network, loopback(0))));
    println!("not yet: {}, {}, {}", code(a.local_address()), code(a.stream(None)), code(a.finish_bind()));
    println!("again: {}", code(bind_udp(&a, network, loopback(0))));
    let address = a.local_address()?;
    println!("in use: {}", code(bind_udp(&b, network, address)));
    bind_udp(&b, network, loopback(0))?;
    let (a_in, a_out) = a.stream(None)?;
    let (b_in, b_out) = b.stream(None)?;
    println!("nothing: {}, {}, ready: {}", a_in.receive(5)?.len(), a_in.receive(0)?.len(), a_in.subscribe().ready());
    println!("permitted: {}, ready: {}", b_out.check_send()? > 0, b_out.subscribe().ready());
    let to = |data: &[u8], remote_address| OutgoingDatagram { data: data.to_vec(), remote_address };
    println!("sent: {}", b_out.send(&[to(b"one", Some(address)), to(b"two", Some(address)), to(b"", Some(address))])?);
    a_in.subscribe().block();
    let received = a_in.receive(2)?;
    println!("received: {}, {:?}", received.len(), received.iter().map(|d| String::from_utf8_lossy(&d.data)).collect::<Vec<_>>());
    println!("from: {}", same(received[0].remote_address, b.local_address()?));
    println!("received: {:?}", a_in.receive(10)?.iter().map(|d| d.data.len()).collect::<Vec<_>>());
    println!("none: {}", b_out.send(&[])?);
    for wrong in [None, Some(v6_loopback(1)), Some(v4((0, 0, 0, 0), 1)), Some(loopback(0))] {
        b_out.check_send()?;
        println!("send {wrong:?}: {}", code(b_out.send(&[to(b"x", wrong)])));
    }
    b_out.check_send()?;
    println!("too large: {}", code(b_out.send(&[to(&[0; 65_508], Some(address))])));
    b_out.check_send()?;
    println!("the good ones: {}", b_out.send(&[to(b"good", Some(address)), to(b"bad", None)])?);
    for wrong in [v6_loopback(1), v4((0, 0, 0, 0), 1), loopback(0)] {
        println!("stream: {}", code(b.stream(Some(wrong))));
    }
    let (c_in, c_out) = b.stream(Some(address))?;
    println!("peer: {}, old streams: {}, {}", same(b.remote_address()?, address), code(b_in.receive(1)), code(b_out.check_send()));
    drop((b_in, b_out));
    c_out.check_send()?;
    println!("to the peer: {}", c_out.send(&[to(b"x", None), to(b"y", Some(address))])?);
    c_out.check_send()?;
    println!("to another: {}", code(c_out.send(&[to(b"x", Some(loopback(9)))])));
    a_out.check_send()?;
    a_out.send(&[to(b"answer", Some(b.local_address()?))])?;
    c_in.subscribe().block();
    println!("received: {}", String::from_utf8_lossy(&c_in.receive(1)?[0].data));
    drop((c_in, c_out));
    let _streams = b.stream(None)?;
    println!("no peer: {}", code(b.remote_address()));
    println!("hop limit: {}, {}, {}", code(b.set_unicast_hop_limit(0)), code(b.set_unicast_hop_limit(5)), b.unicast_hop_limit()?);
    println!("receive buffer: {}, {}, {}", code(b.set_receive_buffer_size(0)), code(b.set_receive_buffer_size(60_000)), b.receive_buffer_size()?);
    println!("send buffer: {}, {}, {}", code(b.set_send_buffer_size(0)), code(b.set_send_buffer_size(60_000)), b.send_buffer_size()?);
    Ok(())
}

/// Traps: each send takes a check-send.
pub fn unpermitted() -> Result<(), ErrorCode> {
    let socket = create_udp_socket(IpAddressFamily::Ipv4)?;
    bind_udp(&socket, &instance_network(), loopback(0))?;
    let out = socket.stream(Some(socket.local_address()?))?.1;
    let one = [OutgoingDatagram { data: vec![1], remote_address: None }];
    println!("permitted: {}", out.check_send()? > 1);
    println!("sent: {}", out.send(&one)?);
    println!("sent: {}", out.send(&one)?);
    Ok(())
}

fn names(network: &Network) {
    let all = |name: &str| -> Result<Vec<IpAddress>, ErrorCode> {
        let stream = resolve_addresses(network, name)?;
        let pollable = stream.subscribe();
        let mut addresses = Vec::new();
        while let Some(address) = wait(&pollable, || stream.resolve_next_address())? {
            addresses.push(address);
        }
        Ok(addresses)
    };
    for name in ["192.0.2.7", "2001:db8::7", "::ffff:192.0.2.7", "a b", "", "127.0.0.256"] {
        println!("{name:?}: {:?}", all(name).map_err(|error| error.name()));
    }
    println!("localhost: {}", all("localhost").is_ok_and(|addresses| !addresses.is_empty()));
}

pub fn check() -> Result<(), ErrorCode> {
    let network = instance_network();
    tcp_states(&network)?;
    options()?;
    connection(&network)?;
    datagrams(&network)?;
    names(&network);
    Ok(())
}

pub fn denied() {
    let network = instance_network();
    let socket = create_tcp_socket(IpAddressFamily::Ipv4).unwrap();
    println!("0.2 bind: {}", code(bind(&socket, &network, loopback(0))));
    println!("0.2 connect: {}", code(connect(&socket, &network, loopback(1))));
    let socket = create_udp_socket(IpAddressFamily::Ipv4).unwrap();
    println!("0.2 UDP bind: {}", code(bind_udp(&socket, &network, loopback(0))));
    println!("0.2 name: {}", code(resolve_addresses(&network, "localhost")));
    println!("0.2 address: {}", code(resolve_addresses(&network, "127.0.0.1")));
}
