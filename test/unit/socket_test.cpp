// Sockets without a guest: states, errors, options, rules, names; what the interfaces of both versions stand on.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <poll.h>
#include <unistd.h>

#include <fstream>

#include "wasi/io.h"
#include "wasi/network.h"
#include "wasi/socket_tcp.h"
#include "wasi/socket_udp.h"
#include "wasi/sockets.h"
#include "wasi/wasi.h"

namespace {

std::string
    asked_for;  // the last name that the system was asked for; of the look-up's thread until its answer has come

}  // namespace

// In the place of the C library's, which knows /etc/hosts without a dot only.
extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** list) {
  asked_for = name;
  static auto* const system = reinterpret_cast<decltype(&getaddrinfo)>(dlsym(RTLD_NEXT, "getaddrinfo"));
  return system(asked_for == "localhost." ? "localhost" : name, service, hints, list);
}

namespace wjit::wasi {
namespace {

class Sockets : public testing::TestWithParam<IoKind> {
 protected:
  void SetUp() override { start("*"); }
  void TearDown() override {
    host.reset();
    store.reset();
    scheduler.reset();
  }
  // A store with these rules; "": none. With a seed time goes on by itself.
  void start(const std::string& rules, std::optional<uint64_t> seed = {}) {
    TearDown();
    if (engine == nullptr) engine = std::move(*Engine::create({}));
    scheduler = std::make_unique<Scheduler>(SchedulerOptions{.io = GetParam(), .seed = seed});
    store = std::make_unique<Store>(*engine, *scheduler);
    WasiOptions options;
    if (!rules.empty()) EXPECT_TRUE(options.network.add(rules));
    host = std::move(*WasiHost::create(*store, std::move(options)));
  }
  State& state() { return host->state(); }
  void run(std::function<void()> work, std::function<bool()> done) {
    store->enqueue(std::move(work));
    EXPECT_EQ(scheduler->run(*store, done), RunResult::Done);
  }
  // The error that `operation` gives to its Then.
  int result(const std::function<void(Socket::Then)>& operation) {
    int error = -1;
    run([&] { operation([&](int value) { error = value; }); }, [&] { return error != -1; });
    return error;
  }
  std::shared_ptr<TcpSocket> tcp(IpFamily family = IpFamily::V4) {
    int error = 0;
    auto file = open_socket(family, SOCK_STREAM, &error);
    EXPECT_EQ(error, 0);
    return std::make_shared<TcpSocket>(state(), std::move(file), family, TcpState::Unbound);
  }
  std::shared_ptr<UdpSocket> udp(IpFamily family = IpFamily::V4) {
    int error = 0;
    auto file = open_socket(family, SOCK_DGRAM, &error);
    EXPECT_EQ(error, 0);
    return std::make_shared<UdpSocket>(state(), std::move(file), family);
  }
  static SocketAddress at(const std::string& text) { return *SocketAddress::parse(text); }
  template <typename S>
  int bind(S& socket, const std::string& address) {
    return result([&](Socket::Then then) { socket->bind(at(address), std::move(then)); });
  }
  template <typename S>
  int connect(S& socket, const SocketAddress& address) {
    return result([&](Socket::Then then) { socket->connect(address, std::move(then)); });
  }
  int listen(std::shared_ptr<TcpSocket>& socket) {
    return result([&](Socket::Then then) { socket->listen(std::move(then)); });
  }
  template <typename S>
  static SocketAddress local(S& socket) {
    SocketAddress address;
    EXPECT_EQ(socket->local_address(&address), 0);
    return address;
  }
  // Sends as the interfaces do.
  int send(std::shared_ptr<UdpSocket>& socket, std::string_view data, std::optional<SocketAddress> to) {
    SocketAddress target;
    if (int error = socket->target(to, &target); error != 0) return error;
    int error = result([&](Socket::Then then) { socket->check_target(target, std::move(then)); });
    return error != 0 ? error : socket->send(data.data(), data.size(), target);
  }
  // One datagram, waiting up to a second; "none" if nothing comes.
  std::string receive(std::shared_ptr<UdpSocket>& socket, SocketAddress* from = nullptr, int timeout_ms = 1000) {
    pollfd entry{socket->fd(), POLLIN, 0};
    ::poll(&entry, 1, timeout_ms);
    Datagram datagram;
    int count = socket->receive({&datagram, 1});
    if (count != 1) return count == -EAGAIN ? "none" : strerror(-count);
    if (from != nullptr) *from = datagram.from;
    return {reinterpret_cast<const char*>(datagram.data), datagram.size};
  }

  std::unique_ptr<Engine> engine;
  std::unique_ptr<Scheduler> scheduler;
  std::unique_ptr<Store> store;
  std::unique_ptr<WasiHost> host;
};
INSTANTIATE_TEST_SUITE_P(Io, Sockets, ::testing::Values(IoKind::Auto, IoKind::Epoll),
                         [](const auto& info) { return info.param == IoKind::Auto ? "Auto" : "Epoll"; });

TEST_P(Sockets, TcpStates) {
  auto server = tcp();
  SocketAddress address;
  EXPECT_EQ(server->local_address(&address), kInvalidState);
  EXPECT_EQ(server->remote_address(&address), kInvalidState);
  EXPECT_EQ(server->shutdown(true, true), kInvalidState);
  EXPECT_EQ(bind(server, "127.0.0.1:0"), 0);
  EXPECT_EQ(bind(server, "127.0.0.1:0"), kInvalidState);
  EXPECT_NE(local(server).port(), 0);
  EXPECT_EQ(server->remote_address(&address), kInvalidState);
  EXPECT_EQ(listen(server), 0);
  EXPECT_EQ(server->tcp_state(), TcpState::Listening);
  EXPECT_EQ(listen(server), kInvalidState);
  EXPECT_EQ(connect(server, local(server)), kInvalidState);
  EXPECT_EQ(server->accept(), -EAGAIN);

  auto client = tcp();
  EXPECT_EQ(connect(client, local(server)), 0);
  EXPECT_EQ(client->tcp_state(), TcpState::Connected);
  EXPECT_EQ(client->remote_address(&address), 0);
  EXPECT_TRUE(address == local(server));
  EXPECT_EQ(connect(client, local(server)), kInvalidState);
  EXPECT_EQ(listen(client), kInvalidState);
  EXPECT_EQ(bind(client, "127.0.0.1:0"), kInvalidState);
  int accepted = server->accept();
  ASSERT_GE(accepted, 0);
  EXPECT_EQ(client->shutdown(false, true), 0);
  EXPECT_EQ(client->shutdown(false, true), 0);
  char c;
  EXPECT_EQ(::recv(accepted, &c, 1, 0), 0);
  close(accepted);
}

TEST_P(Sockets, TcpAddressRules) {
  auto v4 = tcp(), v6 = tcp(IpFamily::V6);
  for (const char* wrong : {"[::1]:0", "224.0.0.1:0", "255.255.255.255:0"}) EXPECT_EQ(bind(v4, wrong), EINVAL) << wrong;
  for (const char* wrong : {"127.0.0.1:0", "[ff02::1]:0"}) EXPECT_EQ(bind(v6, wrong), EINVAL) << wrong;
  for (const char* wrong : {"[::1]:1", "224.0.0.1:1", "0.0.0.0:1", "127.0.0.1:0"})
    EXPECT_EQ(connect(v4, at(wrong)), EINVAL) << wrong;
  for (const char* wrong : {"127.0.0.1:1", "[ff02::1]:1", "[::]:1", "[::1]:0"})
    EXPECT_EQ(connect(v6, at(wrong)), EINVAL) << wrong;
  SocketAddress mapped(IpFamily::V6);
  mapped.v6.sin6_addr.s6_addr[10] = mapped.v6.sin6_addr.s6_addr[11] = 0xFF;
  mapped.v6.sin6_addr.s6_addr[12] = 127;
  mapped.v6.sin6_addr.s6_addr[15] = 1;
  mapped.set_port(80);
  EXPECT_EQ(connect(v6, mapped), EINVAL);
  EXPECT_EQ(result([&](Socket::Then then) { v6->bind(mapped, std::move(then)); }), EINVAL);
  EXPECT_EQ(v4->tcp_state(), TcpState::Unbound);  // and may be bound after all that
  EXPECT_EQ(bind(v4, "192.0.2.1:0"), EADDRNOTAVAIL);
  EXPECT_EQ(bind(v4, "127.0.0.1:0"), 0);
  EXPECT_EQ(bind(v6, "[::1]:0"), 0);
  EXPECT_EQ(listen(v6), 0);
}

TEST_P(Sockets, AddressInUse) {
  auto first = tcp(), second = tcp();
  auto third = udp(), fourth = udp();
  EXPECT_EQ(bind(first, "127.0.0.1:0"), 0);
  EXPECT_EQ(listen(first), 0);
  EXPECT_EQ(bind(second, local(first).to_string()), EADDRINUSE);
  EXPECT_EQ(bind(third, "127.0.0.1:0"), 0);
  EXPECT_EQ(bind(fourth, local(third).to_string()), EADDRINUSE);
}

// A server that starts again finds its port, whatever its last connections are in.
TEST_P(Sockets, PortOfPastConnections) {
  SocketAddress address;
  {
    auto server = tcp(), client = tcp();
    EXPECT_EQ(bind(server, "127.0.0.1:0"), 0);
    EXPECT_EQ(listen(server), 0);
    address = local(server);
    EXPECT_EQ(connect(client, address), 0);
    int accepted = server->accept();
    close(accepted);  // first: TIME_WAIT is the server's
    char c;
    EXPECT_EQ(::recv(client->fd(), &c, 1, 0), 0);
  }
  auto again = tcp();
  EXPECT_EQ(bind(again, address.to_string()), 0);
  EXPECT_EQ(listen(again), 0);
}

// So does a client, whether it chose the port or the system did.
TEST_P(Sockets, PortOfAPastClient) {
  auto server = tcp();
  EXPECT_EQ(bind(server, "127.0.0.1:0"), 0);
  EXPECT_EQ(listen(server), 0);
  for (bool bound : {false, true}) {
    auto client = tcp();
    if (bound) EXPECT_EQ(bind(client, "127.0.0.1:0"), 0);
    EXPECT_EQ(connect(client, local(server)), 0);
    const SocketAddress address = local(client);
    const int accepted = server->accept();
    client.reset();  // first: TIME_WAIT is the client's
    char c;
    pollfd end{accepted, POLLIN, 0};
    EXPECT_EQ(::poll(&end, 1, -1), 1);
    EXPECT_EQ(::recv(accepted, &c, 1, 0), 0);
    close(accepted);
    auto again = tcp();
    EXPECT_EQ(bind(again, address.to_string()), 0);
  }
}

TEST_P(Sockets, RefusedConnectionClosesTheSocket) {
  auto gone = tcp();
  EXPECT_EQ(bind(gone, "127.0.0.1:0"), 0);
  const SocketAddress address = local(gone);
  gone.reset();
  auto client = tcp();
  EXPECT_EQ(connect(client, address), ECONNREFUSED);
  EXPECT_EQ(client->tcp_state(), TcpState::Closed);
  EXPECT_EQ(connect(client, address), kInvalidState);
  EXPECT_EQ(listen(client), kInvalidState);
  SocketAddress none;
  EXPECT_EQ(client->local_address(&none), kInvalidState);
}

// What was waited for in vain and then dropped has let go of its address at once, in whatever order that goes.
TEST_P(Sockets, DroppedSocketsLetGoOfTheirAddresses) {
  for (bool pollable_first : {true, false}) {
    auto socket = udp();
    EXPECT_EQ(bind(socket, "127.0.0.1:0"), 0);
    const SocketAddress address = local(socket);
    auto pollable = file_pollable(state(), socket->file(), POLLIN);
    bool waited = false;
    run(
        [&] {
          wait_for_any(state(), {pollable, timer_pollable(state(), monotonic_now() + 1'000'000)},
                       [&] { waited = true; });
        },
        [&] { return waited; });
    auto again = udp();
    int error = -1;
    run(
        [&] {
          if (pollable_first) pollable.reset();
          socket.reset();
          pollable.reset();
          again->bind(address, [&](int value) { error = value; });
        },
        [] { return true; });
    EXPECT_EQ(error, 0);
  }
}

TEST_P(Sockets, ADroppedListenerRefuses) {
  auto server = tcp();
  EXPECT_EQ(bind(server, "127.0.0.1:0"), 0);
  EXPECT_EQ(listen(server), 0);
  const SocketAddress address = local(server);
  auto pollable = file_pollable(state(), server->file(), POLLIN);
  bool waited = false;
  run(
      [&] {
        wait_for_any(state(), {pollable, timer_pollable(state(), monotonic_now() + 1'000'000)}, [&] { waited = true; });
      },
      [&] { return waited; });
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int error = 0;
  run(
      [&] {
        pollable.reset();
        server.reset();
        if (::connect(client, &address.any, address.size()) < 0) error = errno;
      },
      [] { return true; });
  EXPECT_EQ(error, ECONNREFUSED);
  close(client);
}

// How many connections to this address the system is trying to make.
int count_connecting(const SocketAddress& to) {
  std::ifstream table("/proc/net/tcp");
  const std::string remote = fmt::format("{:08X}:{:04X}", to.v4.sin_addr.s_addr, to.port());
  int count = 0;
  for (std::string line; std::getline(table, line);) count += line.find(" " + remote + " 02 ") != std::string::npos;
  return count;
}

// A connect that gets no answer (the listener's queue is full) ends with the socket, or when it is cancelled: the
// system does not go on trying, and the address is free.
TEST_P(Sockets, ConnectsThatNobodyWaitsForStop) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), queued = ::socket(AF_INET, SOCK_STREAM, 0);
  SocketAddress to = at("127.0.0.1:0");
  socklen_t size = to.size();
  ASSERT_EQ(::bind(listener, &to.any, size), 0);
  ASSERT_EQ(::listen(listener, 0), 0);
  ASSERT_EQ(getsockname(listener, &to.any, &size), 0);
  ASSERT_EQ(::connect(queued, &to.any, size), 0);
  for (bool drops : {true, false}) {
    auto client = tcp(), again = tcp();
    EXPECT_EQ(bind(client, "127.0.0.1:0"), 0);
    const SocketAddress address = local(client);
    int error = -1, left = 0;
    auto ticks = [&](std::function<void()> then) {  // until the system is at it
      auto tick = timer_pollable(state(), monotonic_now() + 1'000'000);
      wait_for_any(state(), {tick}, std::move(then));
    };
    std::function<void()> look = [&] {
      if (count_connecting(to) == 0) return ticks(look);
      if (!drops) return client->stop_connect();
      client.reset();
      left = count_connecting(to);
    };
    run(
        [&] {
          client->connect(to, [&](int value) { error = value; });
          look();
        },
        [&] { return error != -1; });
    EXPECT_EQ(error, ECANCELED);
    EXPECT_EQ(left + count_connecting(to), 0);
    if (!drops) {
      EXPECT_EQ(client->tcp_state(), TcpState::Closed);
      client.reset();
    }
    EXPECT_EQ(bind(again, address.to_string()), 0);
    EXPECT_EQ(listen(again), 0);
  }
  close(queued);
  close(listener);
}

TEST_P(Sockets, ListenBindsWhatIsUnbound) {
  auto server = tcp(IpFamily::V6);
  EXPECT_EQ(listen(server), 0);
  EXPECT_NE(local(server).port(), 0);
  EXPECT_TRUE(local(server).is_unspecified());
  int v6_only = 0;
  socklen_t size = sizeof v6_only;
  EXPECT_EQ(getsockopt(server->fd(), IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, &size), 0);
  EXPECT_EQ(v6_only, 1);
}

TEST_P(Sockets, Options) {
  for (IpFamily family : {IpFamily::V4, IpFamily::V6}) {
    auto socket = tcp(family);
    uint64_t value = 99;
    EXPECT_EQ(socket->get(SocketOption::KeepAliveEnabled, &value), 0);
    EXPECT_EQ(value, 0u);
    EXPECT_EQ(socket->set(SocketOption::KeepAliveEnabled, 1), 0);
    EXPECT_EQ(socket->get(SocketOption::KeepAliveEnabled, &value), 0);
    EXPECT_EQ(value, 1u);
    struct {
      SocketOption option;
      uint64_t given, back;
    } rows[] = {{SocketOption::KeepAliveIdleTime, 7'000'000'000, 7'000'000'000},
                {SocketOption::KeepAliveIdleTime, 1, 1'000'000'000},
                {SocketOption::KeepAliveIdleTime, UINT64_MAX, 32'767'000'000'000},
                {SocketOption::KeepAliveInterval, 1'500'000'000, 2'000'000'000},
                {SocketOption::KeepAliveInterval, UINT64_MAX, 32'767'000'000'000},
                {SocketOption::KeepAliveCount, 5, 5},
                {SocketOption::KeepAliveCount, UINT32_MAX, 127},
                {SocketOption::HopLimit, 1, 1},
                {SocketOption::HopLimit, 255, 255}};
    for (auto& row : rows) {
      EXPECT_EQ(socket->set(row.option, row.given), 0);
      EXPECT_EQ(socket->get(row.option, &value), 0);
      EXPECT_EQ(value, row.back);
    }
    for (auto option : {SocketOption::KeepAliveIdleTime, SocketOption::KeepAliveInterval, SocketOption::KeepAliveCount,
                        SocketOption::HopLimit, SocketOption::ReceiveBufferSize, SocketOption::SendBufferSize}) {
      EXPECT_EQ(socket->set(option, 0), EINVAL);
    }
    for (auto option : {SocketOption::ReceiveBufferSize, SocketOption::SendBufferSize}) {
      EXPECT_EQ(socket->set(option, 40'000), 0);
      EXPECT_EQ(socket->get(option, &value), 0);
      EXPECT_EQ(value, 40'000u);
      EXPECT_EQ(socket->set(option, UINT64_MAX), 0);
      EXPECT_EQ(socket->set(option, 1), 0);
      EXPECT_EQ(socket->get(option, &value), 0);
      EXPECT_GT(value, 0u);
    }
    EXPECT_EQ(socket->set_backlog(0), EINVAL);
    EXPECT_EQ(socket->set_backlog(UINT64_MAX), 0);
    EXPECT_EQ(listen(socket), 0);
    EXPECT_EQ(socket->set_backlog(10), 0);
  }
}

TEST_P(Sockets, AcceptedOnesInherit) {
  auto server = tcp(), client = tcp();
  EXPECT_EQ(server->set(SocketOption::KeepAliveEnabled, 1), 0);
  EXPECT_EQ(server->set(SocketOption::KeepAliveCount, 3), 0);
  EXPECT_EQ(server->set(SocketOption::HopLimit, 42), 0);
  EXPECT_EQ(server->set(SocketOption::ReceiveBufferSize, 30'000), 0);
  EXPECT_EQ(bind(server, "127.0.0.1:0"), 0);
  EXPECT_EQ(listen(server), 0);
  EXPECT_EQ(connect(client, local(server)), 0);
  auto accepted =
      std::make_shared<TcpSocket>(state(), socket_file(server->accept()), IpFamily::V4, TcpState::Connected);
  for (auto option : {SocketOption::KeepAliveEnabled, SocketOption::KeepAliveCount, SocketOption::HopLimit,
                      SocketOption::ReceiveBufferSize}) {
    uint64_t expected = 0, value = 1;
    EXPECT_EQ(server->get(option, &expected), 0);
    EXPECT_EQ(accepted->get(option, &value), 0);
    EXPECT_EQ(value, expected);
  }
  EXPECT_EQ(client->set_backlog(1), kInvalidState);
}

TEST_P(Sockets, UdpStates) {
  auto server = udp(), client = udp();
  SocketAddress address;
  EXPECT_EQ(server->local_address(&address), kInvalidState);
  EXPECT_EQ(server->remote_address(&address), kInvalidState);
  EXPECT_EQ(server->disconnect(), kInvalidState);
  EXPECT_EQ(bind(server, "[::1]:0"), EINVAL);
  EXPECT_EQ(bind(server, "127.0.0.1:0"), 0);
  EXPECT_EQ(bind(server, "127.0.0.1:0"), kInvalidState);

  // The first datagram gives an unbound socket a port.
  EXPECT_EQ(send(client, "x", std::nullopt), EINVAL);
  for (const char* wrong : {"[::1]:1", "0.0.0.0:1", "127.0.0.1:0"}) EXPECT_EQ(send(client, "x", at(wrong)), EINVAL);
  EXPECT_FALSE(client->is_bound());
  EXPECT_EQ(send(client, "one", local(server)), 0);
  EXPECT_TRUE(client->is_bound());
  EXPECT_EQ(receive(server, &address), "one");
  EXPECT_EQ(address.port(), local(client).port());
  EXPECT_EQ(send(client, "", local(server)), 0);
  EXPECT_EQ(receive(server), "");
  EXPECT_EQ(send(client, std::string(65'508, 'x'), local(server)), EMSGSIZE);
}

TEST_P(Sockets, UdpPeers) {
  auto first = udp(), second = udp(), client = udp();
  EXPECT_EQ(bind(first, "127.0.0.1:0"), 0);
  EXPECT_EQ(bind(second, "127.0.0.1:0"), 0);
  for (const char* wrong : {"[::1]:1", "0.0.0.0:1", "127.0.0.1:0"}) EXPECT_EQ(connect(client, at(wrong)), EINVAL);
  EXPECT_EQ(connect(client, local(first)), 0);
  SocketAddress address;
  EXPECT_EQ(client->remote_address(&address), 0);
  EXPECT_TRUE(address == local(first));
  const uint16_t port = local(client).port();
  EXPECT_EQ(send(client, "to the peer", std::nullopt), 0);
  EXPECT_EQ(send(client, "to it by name", local(first)), 0);
  EXPECT_EQ(send(client, "to another", local(second)), EINVAL);
  EXPECT_EQ(receive(first), "to the peer");
  EXPECT_EQ(receive(first), "to it by name");
  // Others are not heard.
  EXPECT_EQ(send(second, "who are you", local(client)), 0);
  EXPECT_EQ(receive(client, nullptr, 50), "none");
  // Another peer, and then none; the port stays.
  EXPECT_EQ(connect(client, local(second)), 0);
  EXPECT_EQ(local(client).port(), port);
  EXPECT_EQ(send(client, "hello", std::nullopt), 0);
  EXPECT_EQ(receive(second), "hello");
  EXPECT_EQ(client->disconnect(), 0);
  EXPECT_EQ(client->disconnect(), kInvalidState);
  EXPECT_EQ(client->remote_address(&address), kInvalidState);
  EXPECT_EQ(local(client).port(), port);
  EXPECT_EQ(send(client, "x", std::nullopt), EINVAL);
  EXPECT_EQ(send(client, "free again", local(first)), 0);
  EXPECT_EQ(receive(first, &address), "free again");
  EXPECT_EQ(address.port(), port);
}

TEST_P(Sockets, UdpPeerStaysWhereTheNextOneFails) {
  auto peer = udp(), client = udp();
  EXPECT_EQ(bind(peer, "127.0.0.1:0"), 0);
  EXPECT_EQ(connect(client, local(peer)), 0);
  const SocketAddress before = local(client);
  EXPECT_NE(connect(client, at("255.255.255.255:9")), 0);  // broadcasts are not for these sockets
  SocketAddress address;
  EXPECT_EQ(client->remote_address(&address), 0);
  EXPECT_TRUE(address == local(peer));
  EXPECT_TRUE(local(client) == before);
  EXPECT_EQ(send(client, "still there", std::nullopt), 0);
  EXPECT_EQ(receive(peer, &address), "still there");
  EXPECT_TRUE(address == before);
}

// A datagram whose turn comes after its socket was connected to somebody else goes to nobody.
TEST_P(Sockets, UdpPeerChangesBeforeASend) {
  auto first = udp(), second = udp(), client = udp();
  EXPECT_EQ(bind(first, "127.0.0.1:0"), 0);
  EXPECT_EQ(bind(second, "127.0.0.1:0"), 0);
  SocketAddress target;
  EXPECT_EQ(client->target(local(first), &target), 0);
  EXPECT_EQ(connect(client, local(second)), 0);
  EXPECT_EQ(client->send("x", 1, target), EINVAL);
  EXPECT_EQ(receive(second, nullptr, 0), "none");
}

TEST_P(Sockets, UdpPeerThatIsNotThere) {
  auto gone = udp(), client = udp();
  EXPECT_EQ(bind(gone, "127.0.0.1:0"), 0);
  EXPECT_EQ(connect(client, local(gone)), 0);
  gone.reset();
  EXPECT_EQ(send(client, "x", std::nullopt), 0);
  EXPECT_EQ(receive(client), strerror(ECONNREFUSED));
}

TEST_P(Sockets, UdpBatch) {
  auto server = udp(), client = udp();
  EXPECT_EQ(bind(server, "127.0.0.1:0"), 0);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(send(client, std::to_string(i), local(server)), 0);
  Datagram datagrams[32];
  EXPECT_EQ(server->receive(datagrams), static_cast<int>(UdpSocket::kLargestBatch));
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(datagrams[15].data), datagrams[15].size), "15");
  EXPECT_EQ(server->receive({datagrams, 3}), 3);
  EXPECT_EQ(server->receive(datagrams), 1);
  EXPECT_EQ(server->receive(datagrams), -EAGAIN);
}

// ---- rules ----

TEST_P(Sockets, NothingIsAllowed) {
  start("");
  auto t = tcp();
  auto u = udp();
  EXPECT_EQ(bind(t, "127.0.0.1:0"), EACCES);
  EXPECT_EQ(listen(t), EACCES);
  EXPECT_EQ(connect(t, at("127.0.0.1:9")), EACCES);
  EXPECT_EQ(t->tcp_state(), TcpState::Unbound);
  EXPECT_EQ(bind(u, "127.0.0.1:0"), EACCES);
  EXPECT_EQ(connect(u, at("127.0.0.1:9")), EACCES);
  EXPECT_EQ(send(u, "x", at("127.0.0.1:9")), EACCES);
  EXPECT_FALSE(u->is_bound());
}

TEST_P(Sockets, ConnectingDoesNotAllowListening) {
  auto server = tcp();
  EXPECT_EQ(bind(server, "127.0.0.1:0"), 0);
  EXPECT_EQ(listen(server), 0);
  const SocketAddress address = local(server);
  // The listener outlives the store that made it, as a descriptor does.
  auto file = server->file();
  server.reset();
  start("tcp-connect=" + address.to_string());
  auto client = tcp(), other = tcp();
  EXPECT_EQ(bind(client, "127.0.0.1:0"), 0);
  EXPECT_EQ(listen(client), EACCES);
  EXPECT_EQ(connect(client, address), 0);
  EXPECT_EQ(bind(other, "127.0.0.1:1025"), EACCES);
  SocketAddress wrong = address;
  wrong.set_port(static_cast<uint16_t>(address.port() ^ 1));
  EXPECT_EQ(connect(other, wrong), EACCES);
  EXPECT_EQ(listen(other), EACCES);
}

TEST_P(Sockets, ListeningDoesNotAllowConnecting) {
  start("tcp-listen=127.0.0.1:0");
  auto server = tcp(), client = tcp(), any = tcp();
  EXPECT_EQ(bind(server, "0.0.0.0:0"), EACCES);
  EXPECT_EQ(bind(server, "127.0.0.1:0"), 0);
  EXPECT_EQ(listen(server), 0);
  EXPECT_EQ(connect(client, local(server)), EACCES);
  EXPECT_EQ(listen(any), EACCES);  // that would be at every address
}

TEST_P(Sockets, DatagramsOfWhoIsNotNamed) {
  auto stranger = udp(), friendly = udp();
  EXPECT_EQ(bind(stranger, "127.0.0.1:0"), 0);
  EXPECT_EQ(bind(friendly, "127.0.0.1:0"), 0);
  auto stranger_file = stranger->file(), friendly_file = friendly->file();
  const SocketAddress stranger_at = local(stranger), friendly_at = local(friendly);
  stranger.reset();
  friendly.reset();
  start("udp=" + friendly_at.to_string());
  auto client = udp();
  EXPECT_EQ(bind(client, "127.0.0.1:1025"), EACCES);
  EXPECT_EQ(bind(client, "127.0.0.1:0"), 0);
  EXPECT_EQ(send(client, "x", stranger_at), EACCES);
  EXPECT_EQ(connect(client, stranger_at), EACCES);
  EXPECT_EQ(send(client, "x", friendly_at), 0);
  const SocketAddress to = local(client);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(::sendto(stranger_file->fd, "no", 2, 0, &to.any, to.size()), 2);
  EXPECT_EQ(receive(client, nullptr, 50), "none");
  EXPECT_EQ(::sendto(friendly_file->fd, "yes", 3, 0, &to.any, to.size()), 3);
  std::string got;
  for (int i = 0; i < 10 && got != "yes"; ++i) got = receive(client);
  EXPECT_EQ(got, "yes");
}

// A server answers whoever has asked, and nobody else.
TEST_P(Sockets, ServersAnswer) {
  auto asker = udp(), other = udp();
  EXPECT_EQ(bind(asker, "127.0.0.1:0"), 0);
  EXPECT_EQ(bind(other, "127.0.0.1:0"), 0);
  auto asker_file = asker->file();
  const SocketAddress asker_at = local(asker), other_at = local(other);
  asker.reset();
  other.reset();
  start("udp=127.0.0.1:0");
  auto server = udp();
  EXPECT_EQ(bind(server, "127.0.0.1:0"), 0);
  EXPECT_EQ(send(server, "x", asker_at), EACCES);
  const SocketAddress to = local(server);
  EXPECT_EQ(::sendto(asker_file->fd, "?", 1, 0, &to.any, to.size()), 1);
  EXPECT_EQ(receive(server), "?");
  EXPECT_EQ(send(server, "!", asker_at), 0);
  EXPECT_EQ(send(server, "!", other_at), EACCES);
}

TEST_P(Sockets, NamesInRules) {
  auto server = tcp();
  EXPECT_EQ(bind(server, "127.0.0.1:0"), 0);
  EXPECT_EQ(listen(server), 0);
  const SocketAddress address = local(server);
  auto file = server->file();
  server.reset();
  start(fmt::format("tcp-connect=localhost:{},udp=localhost:{},udp=no-such-name.invalid:7", address.port(),
                    address.port()));
  auto client = tcp(), other = tcp();
  EXPECT_EQ(connect(client, address), 0);
  EXPECT_EQ(connect(other, at("127.0.0.2:" + std::to_string(address.port()))), EACCES);
  auto datagrams = udp();
  EXPECT_FALSE(datagrams->may_send_to(at("127.0.0.1:7")));
  EXPECT_EQ(send(datagrams, "x", address), 0);
  EXPECT_TRUE(datagrams->may_send_to(address));
  EXPECT_EQ(send(datagrams, "x", at("127.0.0.2:" + std::to_string(address.port()))), EACCES);
}

// What names stand for is not known for ever, neither to who sends nor to who receives.
TEST_P(Sockets, NamesInRulesAreLookedUpAgain) {
  auto peer = udp();
  EXPECT_EQ(bind(peer, "127.0.0.1:0"), 0);
  const SocketAddress address = local(peer);
  auto file = peer->file();
  peer.reset();
  start("udp=localhost:" + std::to_string(address.port()), 1);
  auto minute = [&] {
    bool over = false;
    run(
        [&] {
          const int64_t then = state().now(ClockId::Monotonic) + 60'000'000'000;
          wait_for_any(state(), {timer_pollable(state(), then)}, [&] { over = true; });
        },
        [&] { return over; });
  };
  auto client = udp();
  EXPECT_EQ(bind(client, "127.0.0.1:0"), 0);
  const SocketAddress to = local(client);
  auto may_send = [&] { return client->may_send_to(address); };
  // Nothing is known of who has sent it, yet.
  EXPECT_EQ(::sendto(file->fd, "1", 1, 0, &to.any, to.size()), 1);
  run([&] { EXPECT_EQ(receive(client), "none"); }, may_send);
  minute();
  run([&] { EXPECT_FALSE(may_send()); }, [] { return true; });
  EXPECT_EQ(send(client, "x", address), 0);
  run([&] { EXPECT_TRUE(may_send()); }, [] { return true; });
  minute();
  EXPECT_EQ(::sendto(file->fd, "2", 1, 0, &to.any, to.size()), 1);
  run(
      [&] {
        EXPECT_FALSE(may_send());
        EXPECT_EQ(receive(client), "2");
      },
      may_send);
}

// ---- names ----

LookupResult looked_up(State& state, const std::function<void(std::function<void()>, std::function<bool()>)>& run,
                       std::string_view name) {
  LookupResult answer;
  bool done = false;
  run(
      [&] {
        look_up(state, name, [&](const LookupResult& result) {
          answer = result;
          done = true;
        });
      },
      [&] { return done; });
  return answer;
}

TEST_P(Sockets, LookUps) {
  auto run_it = [&](std::function<void()> work, std::function<bool()> done) { run(std::move(work), std::move(done)); };
  LookupResult literal = looked_up(state(), run_it, "192.0.2.7");
  ASSERT_EQ(literal.addresses.size(), 1u);
  EXPECT_EQ(literal.addresses[0].to_string(), "192.0.2.7:0");
  EXPECT_EQ(looked_up(state(), run_it, "2001:db8::7").addresses[0].to_string(), "[2001:db8::7]:0");
  EXPECT_EQ(looked_up(state(), run_it, "::ffff:192.0.2.7").addresses[0].to_string(), "192.0.2.7:0");
  LookupResult local = looked_up(state(), run_it, "localhost");
  EXPECT_EQ(local.error, 0);
  for (const SocketAddress& address : local.addresses)
    EXPECT_TRUE(address.to_string() == "127.0.0.1:0" || address.to_string() == "[::1]:0") << address.to_string();
  EXPECT_FALSE(local.addresses.empty());
  EXPECT_EQ(looked_up(state(), run_it, "[::1]").addresses[0].to_string(), "[::1]:0");
  for (const char* wrong : {"", "a b", "..", "[::1", "[1.2.3.4]", "[::1]:80", "http://x", "1.2.3.4:80", "127.1",
                            "0x7f.1", "2130706433", "0x7f000001", "xn--a", "bu\xCC"})
    EXPECT_EQ(looked_up(state(), run_it, wrong).error, EINVAL) << wrong;
  start("dns=localhost");
  EXPECT_EQ(looked_up(state(), run_it, "LOCALHOST.").error, 0);
  EXPECT_EQ(asked_for, "localhost.");
  EXPECT_EQ(looked_up(state(), run_it, "example.com").error, EACCES);
  start("");
  EXPECT_EQ(looked_up(state(), run_it, "localhost").error, EACCES);
  EXPECT_EQ(looked_up(state(), run_it, "192.0.2.7").error, 0);  // which tells nothing of the host
}

// ---- error cases ----

TEST(SocketErrors, Cases) {
  EXPECT_EQ(Sockets2::code(EMFILE), NetworkError::new_socket_limit);
  EXPECT_EQ(Sockets2::code(kNotInProgress), NetworkError::not_in_progress);
  EXPECT_EQ(Sockets2::code(EAGAIN), NetworkError::would_block);
  EXPECT_EQ(Sockets2::code(EALREADY), NetworkError::concurrency_conflict);
  EXPECT_EQ(Sockets2::code(EIO), NetworkError::unknown);
  EXPECT_EQ(Sockets3::code(EPIPE).tag, SocketError::index_of("connection-broken"));
  EXPECT_EQ(Sockets3::code(kInvalidState).tag, SocketError::index_of("invalid-state"));
  SocketError other = Sockets3::code(EMFILE);
  EXPECT_EQ(other.tag, SocketError::index_of("other"));
  EXPECT_EQ(other.value<Option<String>>().value().string(), strerror(EMFILE));
}

TEST(SocketErrors, AddressesComeBackAsTheyWere) {
  for (const char* text : {"1.2.3.4:5", "[1:2:3:4:5:6:7:8]:9"}) {
    SocketAddress address = *SocketAddress::parse(text);
    if (address.family() == IpFamily::V6) {
      address.v6.sin6_scope_id = 11;
      address.v6.sin6_flowinfo = 12;
    }
    SocketAddress back = from_wit(to_wit(address));
    EXPECT_EQ(memcmp(&back.any, &address.any, address.size()), 0) << back.to_string();
  }
}

}  // namespace
}  // namespace wjit::wasi
