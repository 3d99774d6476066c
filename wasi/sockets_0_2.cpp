// wasi:sockets@0.2: network, instance-network, tcp, udp, their create-socket interfaces, ip-name-lookup. What 0.3 has
// as well is in wasi/sockets.h; streams and pollables are wasi/io.h's.
#include <poll.h>

#include <algorithm>
#include <cerrno>

#include "wasi/io.h"
#include "wasi/sockets.h"

namespace wjit::wasi {

// What a start-… function began: it happens once, at once or later, and pollables look at it.
struct Happening {
  bool happened = false;
  PollableList observers;

  void happen() {
    happened = true;
    observers.tell();
  }
};

enum class Step : uint8_t { None, Bind, Listen, Connect };

// The start- and finish- functions of a socket: one step at a time.
class Steps {
 public:
  // `begin` gets what tells the end. 0, or the error if that came at once: then there is nothing to finish. Once a
  // listen has begun, its error is for the finish.
  int start(Step step, const std::function<void(Socket::Then)>& begin) {
    if (step_ != Step::None) return EALREADY;
    step_ = step;
    auto under_way = std::make_shared<Happening>();
    auto error = std::make_shared<int>(0);
    under_way_ = under_way;
    error_ = error;
    begin([under_way, error](int result) {
      *error = result;
      under_way->happen();
    });
    if (under_way->happened && *error != 0 && step != Step::Listen) step_ = Step::None;
    return step_ == Step::None ? *error : 0;
  }
  int finish(Step step) {
    if (step_ != step) return kNotInProgress;
    if (!under_way_->happened) return EAGAIN;
    step_ = Step::None;
    return *error_;
  }
  Step step() const { return step_; }
  // What has not happened yet, or null.
  std::shared_ptr<Happening> under_way() const {
    return step_ != Step::None && !under_way_->happened ? under_way_ : nullptr;
  }

 private:
  Step step_ = Step::None;
  std::shared_ptr<Happening> under_way_;
  std::shared_ptr<int> error_;
};

struct TcpSocket2 final : TcpSocket {
  static constexpr const char* kName = "tcp-socket";
  using TcpSocket::TcpSocket;
  // What was started is so once it is finished.
  TcpState visible_state() const override {
    switch (steps.step()) {
      case Step::Bind: return TcpState::Unbound;
      case Step::Listen: return TcpState::Bound;
      case Step::Connect: return TcpState::Connecting;
      case Step::None: break;
    }
    return tcp_state();
  }
  Steps steps;
  std::weak_ptr<InputStream> input;
  std::weak_ptr<OutputStream> output;
};

struct UdpSocket2 final : UdpSocket {
  static constexpr const char* kName = "udp-socket";
  using UdpSocket::UdpSocket;
  bool is_bound() const override { return steps.step() == Step::None && UdpSocket::is_bound(); }
  Steps steps;
  uint64_t generation = 0;  // of its datagram streams: only the last pair works
};

namespace {

HOST_ENUM(ShutdownType, receive, send, both)

struct Network final : Object {
  static constexpr const char* kName = "network";
};

template <typename T>
using Or = Result<T, NetworkError>;

template <typename T>
Or<T> refusal(int error) {
  return host::error(Sockets2::code(error));
}

// A function that may answer would-block: before it does, what is under way gets a turn, for guests that ask again and
// again and never wait. (accept and receive ask the system themselves.) `ask` gets the object.
template <typename Handle, typename T, typename Ask>
void add_asking(State& state, InterfaceBuilder& builder, const std::string& name, Ask ask) {
  builder.add_blocking<Or<T>(Borrow<Handle>)>(name, [&state, ask](Reply<Or<T>> reply, Borrow<Handle> self) {
    auto object = state.get(self);
    const Or<T> answer = ask(*object);
    if (!answer.is_error || answer.error() != NetworkError::would_block) return reply(answer);
    state.next_turn([reply, object, ask] { reply(ask(*object)); });
  });
}

// ---- pollables ----

// Ready when a step has come to its end; without one, when `events` hold for the descriptor; without events, always.
class StepPollable final : public Pollable {
 public:
  StepPollable(State& state, std::function<std::shared_ptr<Happening>()> step, std::function<short()> events,
               std::shared_ptr<File> file)
      : state_(state), step_(std::move(step)), events_(std::move(events)), file_(std::move(file)) {}

  bool ready() override {
    if (step_() != nullptr) return false;
    const short events = events_();
    if (events == 0) return true;
    pollfd entry{file_->fd, events, 0};
    return ::poll(&entry, 1, 0) != 0;
  }
  void arm() override {
    if (auto step = step_()) {
      if (step == std::exchange(observed_, step)) return;
      return step->observers.add(std::static_pointer_cast<Pollable>(shared_from_this()));
    }
    if (const short events = events_(); events != 0) watch(state_, file_, static_cast<uint32_t>(events));
  }
  void told(int64_t result) override {
    observed_ = nullptr;
    Pollable::told(result);
  }

 private:
  State& state_;
  std::function<std::shared_ptr<Happening>()> step_;
  std::function<short()> events_;
  std::shared_ptr<File> file_;
  std::shared_ptr<Happening> observed_;
};

// ---- TCP ----

using StreamPair = Tuple<Own<InputStream>, Own<OutputStream>>;

StreamPair make_streams(State& state, TcpSocket2& socket) {
  auto input = std::make_shared<InputStream>(state, socket.file(), InputKind::Stream, 0);
  auto output = std::make_shared<OutputStream>(state, socket.file(), -1);
  socket.input = input;
  socket.output = output;
  return {state.share(std::move(input)), state.share(std::move(output))};
}

int shut_down(TcpSocket2& socket, ShutdownType how) {
  const bool receive = how != ShutdownType::send, send = how != ShutdownType::receive;
  if (socket.visible_state() != TcpState::Connected) return kInvalidState;
  int error = 0;
  if (receive) {
    error = socket.shutdown(true, false);
    if (auto input = socket.input.lock()) input->close();
  }
  auto output = socket.output.lock();
  if (send && output == nullptr) return socket.shutdown(false, true);
  if (send) {
    // Behind what is still to be sent.
    output->close(
        [self = std::static_pointer_cast<TcpSocket2>(socket.shared_from_this())] { self->shutdown(false, true); });
  }
  return error;
}

void add_tcp(State& state, HostInterfaces& interfaces) {
  InterfaceBuilder tcp("wasi:sockets/tcp@0.2.12", state.resources);
  tcp.resource<TcpSocket2>();
  using Self = Borrow<TcpSocket2>;
  const std::string prefix = "[method]tcp-socket.";
  tcp.add<Or<Unit>(Self, Borrow<Network>, IpSocketAddress)>(
      prefix + "start-bind", [&state](HostCall&, Self self, Borrow<Network>, IpSocketAddress address) {
        auto socket = state.get(self);
        return outcome<Sockets2>(socket->steps.start(
            Step::Bind, [&](Socket::Then then) { socket->bind(from_wit(address), std::move(then)); }));
      });
  add_asking<TcpSocket2, Unit>(state, tcp, prefix + "finish-bind",
                               [](TcpSocket2& socket) { return outcome<Sockets2>(socket.steps.finish(Step::Bind)); });
  tcp.add<Or<Unit>(Self, Borrow<Network>, IpSocketAddress)>(
      prefix + "start-connect", [&state](HostCall&, Self self, Borrow<Network>, IpSocketAddress address) {
        auto socket = state.get(self);
        return outcome<Sockets2>(socket->steps.start(
            Step::Connect, [&](Socket::Then then) { socket->connect(from_wit(address), std::move(then)); }));
      });
  auto finish_connect = [&state](TcpSocket2& socket) -> Or<StreamPair> {
    if (int error = socket.steps.finish(Step::Connect); error != 0) return refusal<StreamPair>(error);
    return host::ok(make_streams(state, socket));
  };
  add_asking<TcpSocket2, StreamPair>(state, tcp, prefix + "finish-connect", finish_connect);
  tcp.add<Or<Unit>(Self)>(prefix + "start-listen", [&state](HostCall&, Self self) {
    auto socket = state.get(self);
    if (socket->steps.step() == Step::None && socket->tcp_state() != TcpState::Bound) {
      return outcome<Sockets2>(kInvalidState);
    }
    return outcome<Sockets2>(
        socket->steps.start(Step::Listen, [&](Socket::Then then) { socket->listen(std::move(then)); }));
  });
  add_asking<TcpSocket2, Unit>(state, tcp, prefix + "finish-listen", [](TcpSocket2& socket) {
    const int error = socket.steps.finish(Step::Listen);
    if (error != 0 && error != EAGAIN && error != kNotInProgress) socket.close();
    return outcome<Sockets2>(error);
  });
  using Accepted = Tuple<Own<TcpSocket2>, Own<InputStream>, Own<OutputStream>>;
  tcp.add<Or<Accepted>(Self)>(prefix + "accept", [&state](HostCall&, Self self) -> Or<Accepted> {
    auto listener = state.get(self);
    if (listener->visible_state() != TcpState::Listening) return refusal<Accepted>(kInvalidState);
    const int fd = listener->accept();
    if (fd < 0) return refusal<Accepted>(-fd);
    auto socket = std::make_shared<TcpSocket2>(state, socket_file(fd), listener->family(), TcpState::Connected);
    auto [input, output] = make_streams(state, *socket);
    return host::ok(Accepted{state.share(std::move(socket)), input, output});
  });
  tcp.add<Own<Pollable>(Self)>(prefix + "subscribe", [&state](HostCall&, Self self) {
    auto socket = state.get(self);
    auto listening = [socket]() -> short { return socket->visible_state() == TcpState::Listening ? POLLIN : 0; };
    return state.share<Pollable>(std::make_shared<StepPollable>(
        state, [socket] { return socket->steps.under_way(); }, listening, socket->file()));
  });
  tcp.add<Or<Unit>(Self, ShutdownType)>(prefix + "shutdown", [&state](HostCall&, Self self, ShutdownType how) {
    return outcome<Sockets2>(shut_down(*state.get(self), how));
  });
  add_tcp_properties<Sockets2>(state, tcp);
  interfaces.add(tcp.finish());

  InterfaceBuilder create("wasi:sockets/tcp-create-socket@0.2.12", state.resources);
  create.add<Or<Own<TcpSocket2>>(IpAddressFamily)>(
      "create-tcp-socket", [&state](HostCall&, IpAddressFamily family) -> Or<Own<TcpSocket2>> {
        int error = 0;
        auto file = open_socket(from_wit(family), SOCK_STREAM, &error);
        if (file == nullptr) return refusal<Own<TcpSocket2>>(error);
        return host::ok(state.make<TcpSocket2>(state, std::move(file), from_wit(family), TcpState::Unbound));
      });
  interfaces.add(create.finish());
}

// ---- UDP ----

struct DatagramStream : Object {
  explicit DatagramStream(std::shared_ptr<UdpSocket2> s) : socket(std::move(s)), generation(socket->generation) {}
  bool works() const { return generation == socket->generation; }
  std::shared_ptr<UdpSocket2> socket;
  uint64_t generation;
};
struct IncomingDatagramStream final : DatagramStream {
  static constexpr const char* kName = "incoming-datagram-stream";
  using DatagramStream::DatagramStream;
};
struct OutgoingDatagramStream final : DatagramStream {
  static constexpr const char* kName = "outgoing-datagram-stream";
  using DatagramStream::DatagramStream;
  uint64_t permitted = 0;  // by the last check-send
};

struct IncomingDatagram {
  List<uint8_t> data;
  IpSocketAddress remote_address;
};
HOST_RECORD(IncomingDatagram, data, remote_address)
struct OutgoingDatagram {
  List<uint8_t> data;
  Option<IpSocketAddress> remote_address;
};
HOST_RECORD(OutgoingDatagram, data, remote_address)

using DatagramStreams = Tuple<Own<IncomingDatagramStream>, Own<OutgoingDatagramStream>>;

// outgoing-datagram-stream.send: one after the other until one fails. The guest's memory stays as it is meanwhile (the
// function is not async), but its view of the list does not: what a look-up of names interrupts goes on with copies.
struct SendDatagrams : std::enable_shared_from_this<SendDatagrams> {
  struct One {
    std::vector<uint8_t> data;
    std::optional<SocketAddress> to;
  };
  std::shared_ptr<OutgoingDatagramStream> stream;
  std::vector<One> datagrams;
  uint64_t sent = 0;
  explicit SendDatagrams(Reply<Or<uint64_t>> r) : reply(r) {}
  Reply<Or<uint64_t>> reply;

  void next() {
    while (sent < datagrams.size()) {
      SocketAddress target;
      if (int error = stream->socket->target(datagrams[sent].to, &target); error != 0) return end(error);
      if (!stream->socket->may_send_to(target)) {
        stream->socket->check_target(target, [self = shared_from_this(), target](int error) {
          if (error != 0) return self->end(error);
          if (self->send(target)) self->next();
        });
        return;
      }
      if (!send(target)) return;
    }
    end(0);
  }
  // False if that was the end.
  bool send(const SocketAddress& target) {
    const std::vector<uint8_t>& data = datagrams[sent].data;
    if (int error = stream->socket->send(data.data(), data.size(), target); error != 0) return end(error), false;
    ++sent;
    return true;
  }
  void end(int error) {
    if (error == EAGAIN || sent > 0) error = 0;
    reply(error != 0 ? refusal<uint64_t>(error) : Or<uint64_t>(host::ok(sent)));
  }
};

void add_udp_streams(State& state, InterfaceBuilder& udp) {
  udp.resource<IncomingDatagramStream>();
  udp.resource<OutgoingDatagramStream>();
  using Incoming = Borrow<IncomingDatagramStream>;
  using Outgoing = Borrow<OutgoingDatagramStream>;
  using Received = Or<List<IncomingDatagram>>;
  udp.add<Received(Incoming, uint64_t)>(
      "[method]incoming-datagram-stream.receive", [&state](HostCall& call, Incoming self, uint64_t most) -> Received {
        auto stream = state.get(self);
        if (!stream->works()) return refusal<List<IncomingDatagram>>(kInvalidState);
        Datagram datagrams[UdpSocket::kLargestBatch];
        const size_t room = std::min<uint64_t>(most, UdpSocket::kLargestBatch);
        int count = room == 0 ? 0 : stream->socket->receive({datagrams, room});
        if (count == -EAGAIN) count = 0;
        if (count < 0) return refusal<List<IncomingDatagram>>(-count == ECONNRESET ? EHOSTUNREACH : -count);
        std::vector<IncomingDatagram> received;
        for (int i = 0; i < count; ++i) {
          const Datagram& one = datagrams[i];
          received.push_back({List<uint8_t>(one.data, one.size), to_wit(one.from)});
        }
        return host::ok(host::make_list<IncomingDatagram>(*call.arena, received));
      });
  udp.add<Own<Pollable>(Incoming)>("[method]incoming-datagram-stream.subscribe", [&state](HostCall&, Incoming self) {
    return state.share(file_pollable(state, state.get(self)->socket->file(), POLLIN));
  });
  udp.add<Or<uint64_t>(Outgoing)>("[method]outgoing-datagram-stream.check-send",
                                  [&state](HostCall&, Outgoing self) -> Or<uint64_t> {
                                    auto stream = state.get(self);
                                    if (!stream->works()) return refusal<uint64_t>(kInvalidState);
                                    pollfd entry{stream->socket->fd(), POLLOUT, 0};
                                    stream->permitted = ::poll(&entry, 1, 0) > 0 ? UdpSocket::kLargestBatch : 0;
                                    return host::ok(stream->permitted);
                                  });
  udp.add_blocking<Or<uint64_t>(Outgoing, List<OutgoingDatagram>)>(
      "[method]outgoing-datagram-stream.send",
      [&state](Reply<Or<uint64_t>> reply, Outgoing self, List<OutgoingDatagram> datagrams) {
        auto sending = std::make_shared<SendDatagrams>(reply);
        sending->stream = state.get(self);
        if (!sending->stream->works()) return reply(refusal<uint64_t>(kInvalidState));
        if (datagrams.size > sending->stream->permitted) {
          return reply.call->trap(fmt::format("outgoing-datagram-stream: {} datagrams where check-send permits {}",
                                              datagrams.size, sending->stream->permitted));
        }
        if (datagrams.size > 0) sending->stream->permitted = 0;  // each send takes a check-send of its own
        for (const OutgoingDatagram& one : datagrams) {
          std::optional<SocketAddress> to;
          if (one.remote_address) to = from_wit(one.remote_address.value());
          sending->datagrams.push_back({{one.data.begin(), one.data.end()}, to});
        }
        sending->next();
      });
  udp.add<Own<Pollable>(Outgoing)>("[method]outgoing-datagram-stream.subscribe", [&state](HostCall&, Outgoing self) {
    return state.share(file_pollable(state, state.get(self)->socket->file(), POLLOUT));
  });
}

void add_udp(State& state, HostInterfaces& interfaces) {
  InterfaceBuilder udp("wasi:sockets/udp@0.2.12", state.resources);
  udp.resource<UdpSocket2>();
  using Self = Borrow<UdpSocket2>;
  const std::string prefix = "[method]udp-socket.";
  udp.add<Or<Unit>(Self, Borrow<Network>, IpSocketAddress)>(
      prefix + "start-bind", [&state](HostCall&, Self self, Borrow<Network>, IpSocketAddress address) {
        auto socket = state.get(self);
        return outcome<Sockets2>(socket->steps.start(
            Step::Bind, [&](Socket::Then then) { socket->bind(from_wit(address), std::move(then)); }));
      });
  add_asking<UdpSocket2, Unit>(state, udp, prefix + "finish-bind",
                               [](UdpSocket2& socket) { return outcome<Sockets2>(socket.steps.finish(Step::Bind)); });
  udp.add_blocking<Or<DatagramStreams>(Self, Option<IpSocketAddress>)>(
      prefix + "stream", [&state](Reply<Or<DatagramStreams>> reply, Self self, Option<IpSocketAddress> remote) {
        auto socket = state.get(self);
        auto finish = [&state, reply, socket](int error) {
          if (error != 0) return reply(refusal<DatagramStreams>(error));
          ++socket->generation;
          reply(host::ok(
              DatagramStreams{state.make<IncomingDatagramStream>(socket), state.make<OutgoingDatagramStream>(socket)}));
        };
        if (!socket->is_bound()) return finish(kInvalidState);
        if (remote) return socket->connect(from_wit(remote.value()), finish);
        finish(socket->is_connected() ? socket->disconnect() : 0);
      });
  udp.add<Own<Pollable>(Self)>(prefix + "subscribe", [&state](HostCall&, Self self) {
    auto socket = state.get(self);
    return state.share<Pollable>(std::make_shared<StepPollable>(
        state, [socket] { return socket->steps.under_way(); }, []() -> short { return 0; }, socket->file()));
  });
  add_udp_properties<Sockets2>(state, udp);
  add_udp_streams(state, udp);
  interfaces.add(udp.finish());

  InterfaceBuilder create("wasi:sockets/udp-create-socket@0.2.12", state.resources);
  create.add<Or<Own<UdpSocket2>>(IpAddressFamily)>(
      "create-udp-socket", [&state](HostCall&, IpAddressFamily family) -> Or<Own<UdpSocket2>> {
        int error = 0;
        auto file = open_socket(from_wit(family), SOCK_DGRAM, &error);
        if (file == nullptr) return refusal<Own<UdpSocket2>>(error);
        return host::ok(state.make<UdpSocket2>(state, std::move(file), from_wit(family)));
      });
  interfaces.add(create.finish());
}

// ---- networks and names ----

struct ResolveAddressStream final : Object {
  static constexpr const char* kName = "resolve-address-stream";
  std::shared_ptr<Happening> answered = std::make_shared<Happening>();
  LookupResult result;
  size_t next = 0;
};

void add_lookup(State& state, HostInterfaces& interfaces) {
  InterfaceBuilder lookup("wasi:sockets/ip-name-lookup@0.2.12", state.resources);
  lookup.resource<ResolveAddressStream>();
  using Self = Borrow<ResolveAddressStream>;
  using Started = Or<Own<ResolveAddressStream>>;
  lookup.add<Started(Borrow<Network>, String)>("resolve-addresses",
                                               [&state](HostCall&, Borrow<Network>, String name) -> Started {
                                                 auto stream = std::make_shared<ResolveAddressStream>();
                                                 look_up(state, name, [stream](const LookupResult& result) {
                                                   stream->result = result;
                                                   stream->answered->happen();
                                                 });
                                                 if (stream->answered->happened && stream->result.error != 0) {
                                                   return refusal<Own<ResolveAddressStream>>(stream->result.error);
                                                 }
                                                 return host::ok(state.share(std::move(stream)));
                                               });
  auto next_address = [](ResolveAddressStream& stream) -> Or<Option<IpAddress>> {
    const LookupResult& result = stream.result;
    if (!stream.answered->happened) return refusal<Option<IpAddress>>(EAGAIN);
    if (result.error != 0) return refusal<Option<IpAddress>>(result.error);
    if (stream.next == result.addresses.size()) return host::ok(Option<IpAddress>());
    return host::ok(Option<IpAddress>(ip_to_wit(result.addresses[stream.next++])));
  };
  add_asking<ResolveAddressStream, Option<IpAddress>>(
      state, lookup, "[method]resolve-address-stream.resolve-next-address", next_address);
  lookup.add<Own<Pollable>(Self)>("[method]resolve-address-stream.subscribe", [&state](HostCall&, Self self) {
    auto stream = state.get(self);
    auto unanswered = [stream] { return stream->answered->happened ? nullptr : stream->answered; };
    return state.share<Pollable>(
        std::make_shared<StepPollable>(state, unanswered, []() -> short { return 0; }, nullptr));
  });
  interfaces.add(lookup.finish());
}

}  // namespace

void add_sockets_0_2(State& state, HostInterfaces& interfaces) {
  InterfaceBuilder network("wasi:sockets/network@0.2.12", state.resources);
  network.resource<Network>();
  network.add<Option<NetworkError>(Borrow<IoError>)>(
      "network-error-code", [&state](HostCall&, Borrow<IoError> error) -> Option<NetworkError> {
        if (!state.get(error)->of_socket) return {};
        const NetworkError code = Sockets2::code(state.get(error)->number);
        if (code == NetworkError::unknown) return {};
        return code;
      });
  interfaces.add(network.finish());

  InterfaceBuilder instance("wasi:sockets/instance-network@0.2.12", state.resources);
  instance.add<Own<Network>()>("instance-network", [&state](HostCall&) { return state.make<Network>(); });
  interfaces.add(instance.finish());

  add_tcp(state, interfaces);
  add_udp(state, interfaces);
  add_lookup(state, interfaces);
}

}  // namespace wjit::wasi
