// wasi:io's streams and pollables over pipes, and the end of a store while they work.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "wasi/io.h"
#include "wasi/wasi.h"

namespace wjit::wasi {
namespace {

class Streams : public testing::Test {
 protected:
  void SetUp() override {
    signal(SIGPIPE, SIG_IGN);
    engine = std::move(*Engine::create({}));
    scheduler = std::make_unique<Scheduler>();
    store = std::make_unique<Store>(*engine, *scheduler);
    host = std::move(*WasiHost::create(*store, {}));
    ASSERT_EQ(pipe(fds), 0);
    reader = std::make_shared<File>(fds[0], true);
    writer = std::make_shared<File>(fds[1], true);
  }
  State& state() { return host->state(); }
  // Runs `work` on the strand, then everything until `done` holds.
  void run(std::function<void()> work, std::function<bool()> done) {
    store->enqueue(std::move(work));
    EXPECT_EQ(scheduler->run(*store, done), RunResult::Done);
  }

  std::unique_ptr<Engine> engine;
  std::unique_ptr<Scheduler> scheduler;
  std::unique_ptr<Store> store;
  std::unique_ptr<WasiHost> host;
  int fds[2] = {-1, -1};
  std::shared_ptr<File> reader, writer;
};

TEST_F(Streams, OutputKeepsItsOrder) {
  std::string expected, got;
  std::thread drain([&] {
    char buffer[1000];
    for (ssize_t n; (n = read(reader->fd, buffer, sizeof(buffer))) > 0;) got.append(buffer, static_cast<size_t>(n));
  });
  auto stream = std::make_shared<OutputStream>(state(), writer, -1);
  std::string large(300'000, 'x');  // more than the pipe and the stream's buffer hold
  bool through = false, flushed = false;
  run(
      [&] {
        stream->write("first ", 6);
        stream->write("second ", 7);
        stream->write_through(large.data(), large.size(), [&] { through = true; });
        EXPECT_FALSE(through);
        stream->when_flushed([&] { flushed = true; });
      },
      [&] { return through && flushed; });
  run([&] { stream->write_through("third", 5, [&] { flushed = false; }); }, [&] { return !flushed; });
  EXPECT_EQ(stream->take_error(), 0);
  EXPECT_EQ(stream->room(), OutputStream::kOutputBuffer);
  stream.reset();
  writer.reset();
  drain.join();
  EXPECT_EQ(got, "first second " + large + "third");
}

TEST_F(Streams, WritingIsTold) {
  auto stream = std::make_shared<OutputStream>(state(), writer, -1);
  EXPECT_FALSE(host->is_writing());
  run([&] { stream->write("x", 1); }, [&] { return true; });
  stream.reset();  // the operation keeps what it needs
  EXPECT_EQ(scheduler->run(*store, [&] { return !host->is_writing(); }), RunResult::Done);
  char c = 0;
  EXPECT_EQ(read(reader->fd, &c, 1), 1);
}

TEST_F(Streams, RoomIsLimitedAndComesBack) {
  auto stream = std::make_shared<OutputStream>(state(), writer, -1);
  auto pollable = state().get(Borrow<Pollable>{stream->subscribe().rep});
  std::string block(OutputStream::kOutputBuffer, 'y');
  size_t written = 0;
  run(
      [&] {
        // The pipe takes 64 KiB; then the buffer fills.
        stream->write(block.data(), stream->room());
        written = block.size();
      },
      [&] { return stream->room() > 0; });
  run(
      [&] {
        while (stream->room() > 0) {
          size_t n = stream->room();
          stream->write(block.data(), n);
          written += n;
        }
      },
      [] { return true; });
  EXPECT_FALSE(pollable->ready());
  bool ready = false;
  run(
      [&] {
        wait_for_any(state(), {pollable}, [&] { ready = true; });
        std::string sink(written, 0);
        EXPECT_GT(read(reader->fd, sink.data(), sink.size()), 0);
      },
      [&] { return ready; });
  EXPECT_GT(stream->room(), 0u);
  reader.reset();
}

TEST_F(Streams, ClosedOutputIsClosed) {
  reader.reset();
  auto stream = std::make_shared<OutputStream>(state(), writer, -1);
  bool done = false;
  run([&] { stream->write_through("x", 1, [&] { done = true; }); }, [&] { return done; });
  EXPECT_EQ(stream->take_error(), OutputStream::kClosed);
  EXPECT_EQ(stream->take_error(), OutputStream::kClosed);
}

TEST_F(Streams, Input) {
  auto stream = std::make_shared<InputStream>(state(), reader, InputKind::Stream, 0);
  char buffer[16];
  int64_t got = -1;
  bool done = false;
  auto record = [&](int64_t n) {
    got = n;
    done = true;
  };
  run([&] { stream->read(buffer, sizeof(buffer), false, record); }, [&] { return done; });
  EXPECT_EQ(got, 0);  // nothing there
  done = false;
  run(
      [&] {
        stream->read(buffer, sizeof(buffer), true, record);
        EXPECT_FALSE(done);
        EXPECT_EQ(write(writer->fd, "hello", 5), 5);
      },
      [&] { return done; });
  EXPECT_EQ(std::string_view(buffer, 5), "hello");
  writer.reset();
  done = false;
  run([&] { stream->read(buffer, sizeof(buffer), true, record); }, [&] { return done; });
  EXPECT_EQ(got, InputStream::kClosed);
}

TEST_F(Streams, PollTellsWhichIsReady) {
  auto timer = timer_pollable(state(), monotonic_now() + 5'000'000);
  auto never = timer_pollable(state(), INT64_MAX - 1);
  auto input = file_pollable(state(), reader, POLLIN);
  bool done = false;
  run([&] { wait_for_any(state(), {never, timer, input}, [&] { done = true; }); }, [&] { return done; });
  EXPECT_TRUE(timer->ready());
  EXPECT_FALSE(never->ready());
  EXPECT_FALSE(input->ready());
  done = false;
  run(
      [&] {
        wait_for_any(state(), {never, input}, [&] { done = true; });
        EXPECT_EQ(write(writer->fd, "x", 1), 1);
      },
      [&] { return done; });
  EXPECT_TRUE(input->ready());
  done = false;
  run([&] { wait_for_any(state(), {never, input}, [&] { done = true; }); }, [&] { return done; });
}

// Readiness may come while something else is told: then the wait ends once.
TEST_F(Streams, RoomComesTogetherWithATimer) {
  auto stream = std::make_shared<OutputStream>(state(), writer, -1);
  const std::string much(OutputStream::kOutputBuffer, 'x');
  int ended = 0;
  run(
      [&] {
        while (stream->room() > 0) stream->write(much.data(), stream->room());
        auto room = state().get(Borrow<Pollable>{stream->subscribe().rep});
        const int64_t soon = monotonic_now() + 1'000'000;
        wait_for_any(state(), {room, timer_pollable(state(), soon)}, [&] { ++ended; });
        wait_for_any(state(), {timer_pollable(state(), soon), room}, [&] { ++ended; });
        char drained[1 << 16];
        EXPECT_GT(read(reader->fd, drained, sizeof drained), 0);
        while (monotonic_now() < soon) continue;  // both are there before anybody looks
      },
      [&] { return ended == 2; });
  EXPECT_EQ(ended, 2);
  reader.reset();
}

// A guest that waits in a loop makes new pollables each time; those that it dropped hold nothing back.
TEST_F(Streams, PollablesThatWereDroppedLetGo) {
  const int fd = reader->fd;
  std::weak_ptr<Pollable> watched;
  bool done = false;
  run(
      [&] {
        auto input = file_pollable(state(), reader, POLLIN);
        watched = input;
        wait_for_any(state(), {std::move(input), timer_pollable(state(), monotonic_now() + 1'000'000)},
                     [&] { done = true; });
        reader.reset();
      },
      [&] { return done; });
  EXPECT_TRUE(watched.expired());
  EXPECT_LT(fcntl(fd, F_GETFD), 0);  // at once
}

// The same where a change is waited for that is no operation's end.
TEST_F(Streams, ListsForgetPollablesThatWereDropped) {
  struct Counting final : Pollable {
    bool ready() override { return false; }
    void arm() override {}
    void told(int64_t) override { ++count; }
    int count = 0;
  };
  PollableList list;
  for (int i = 0; i < 100; ++i) list.add(std::make_shared<Counting>());
  auto kept = std::make_shared<Counting>();
  list.add(kept);
  list.tell();
  list.tell();
  EXPECT_EQ(kept->count, 1);
}

// Everything that is under way ends with the store: reads, timers, waits; nothing hangs, and `then` comes once.
TEST_F(Streams, StoreGoesWhileOperationsAreUnderWay) {
  int ended = 0;
  char buffer[16];
  auto stream = std::make_shared<InputStream>(state(), reader, InputKind::Stream, 0);
  run(
      [&] {
        stream->read(buffer, sizeof(buffer), true, [&](int64_t n) {
          EXPECT_EQ(n, -ECANCELED);
          ++ended;
        });
        wait_for_any(state(), {timer_pollable(state(), INT64_MAX - 1), file_pollable(state(), reader, POLLIN)},
                     [&] { ++ended; });
        state().run_blocking([] { return 7; }, [&](int64_t) { ++ended; });
      },
      [] { return true; });
  stream.reset();
  store.reset();
  EXPECT_EQ(ended, 3);
}

TEST_F(Streams, NumbersOfDroppedObjectsAreUsedAgain) {
  Own<Pollable> a = state().share(ready_pollable());
  Own<Pollable> b = state().share(ready_pollable());
  EXPECT_NE(a.rep, b.rep);
  state().resources.of<Pollable>()->host_drop(a.rep);
  EXPECT_EQ(state().objects.live(), 1u);
  Own<Pollable> c = state().share(ready_pollable());
  EXPECT_EQ(c.rep, a.rep);
}

}  // namespace
}  // namespace wjit::wasi
