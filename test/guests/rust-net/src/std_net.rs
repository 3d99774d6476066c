//! Echo through std::net.

use std::io::{Read, Result, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream, UdpSocket};

const CONNECTIONS: usize = 3;

pub fn serve() -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("port {} {}", listener.local_addr()?.port(), socket.local_addr()?.port());
    let mut total = 0;
    for _ in 0..CONNECTIONS {
        let (mut connection, from) = listener.accept()?;
        assert!(from.ip().is_loopback() && connection.peer_addr()? == from);
        let mut buffer = [0; 10_000];
        loop {
            let count = connection.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            connection.write_all(&buffer[..count])?;
            total += count;
        }
    }
    println!("echoed {total} bytes");
    let mut buffer = [0; 65536];
    for _ in 0..CONNECTIONS {
        let (count, from) = socket.recv_from(&mut buffer)?;
        socket.send_to(&buffer[..count], from)?;
        println!("a datagram of {count} bytes");
    }
    Ok(())
}

pub fn ask(tcp: u16, udp: u16) -> Result<()> {
    for round in 0..CONNECTIONS {
        let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, tcp))?;
        connection.set_nodelay(true)?;
        let question: Vec<u8> = (0..100_000usize).map(|i| (i * 7 + round) as u8).collect();
        let mut answer = vec![0; question.len()];
        for (piece, place) in question.chunks(9_000).zip(answer.chunks_mut(9_000)) {
            connection.write_all(piece)?;
            connection.read_exact(place)?;
        }
        connection.shutdown(Shutdown::Write)?;
        let rest = connection.read_to_end(&mut Vec::new())?;
        println!("answer {round}: {}, {rest} more", if answer == question { "equal" } else { "different" });
    }
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect((Ipv4Addr::LOCALHOST, udp))?;
    for size in [0, 1, 9_000] {
        let question: Vec<u8> = (0..size).map(|i| i as u8).collect();
        socket.send(&question)?;
        let mut answer = [0; 65536];
        let count = socket.recv(&mut answer)?;
        println!("datagram: {}", if answer[..count] == question[..] { "equal" } else { "different" });
    }
    println!("refused: {:?}", TcpStream::connect((Ipv4Addr::LOCALHOST, 1)).map(drop).unwrap_err().kind());
    Ok(())
}
