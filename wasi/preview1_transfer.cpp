// wasi_snapshot_preview1: fd_read, fd_write, fd_pread, fd_pwrite. The guest's vectors go in pieces: one large vector,
// straight to or from its memory, or several small ones by way of a buffer, so that a line written in parts stays one
// write. See wasi/preview1_impl.h. Test: test/unit/wasi_preview1_transfer_test.cpp.
#include <poll.h>

#include "wasi/preview1_impl.h"

namespace wjit::wasi {

void take_front(std::vector<iovec>& parts, size_t* first, size_t bytes) {
  while (*first < parts.size() && bytes >= parts[*first].iov_len) bytes -= parts[(*first)++].iov_len;
  if (bytes == 0) return;
  parts[*first].iov_base = static_cast<uint8_t*>(parts[*first].iov_base) + bytes;
  parts[*first].iov_len -= bytes;
}

struct Preview1Impl::Transfer : std::enable_shared_from_this<Transfer> {
  Transfer(State& s, CoreHostCall& c, std::shared_ptr<Fd> e)
      : state(s), operation(s), call(c), entry(std::move(e)), file(*entry->opened.file) {}

  void begin_piece() {
    constexpr size_t kGather = 64 << 10;
    piece = parts[first].iov_len;
    size_t behind = first + 1;
    while (behind < parts.size() && piece + parts[behind].iov_len <= kGather) piece += parts[behind++].iov_len;
    void* data = parts[first].iov_base;
    gathered.resize(behind > first + 1 ? piece : 0);
    if (!gathered.empty()) data = gathered.data();
    if (is_write) copy_gathered();
    // What is the guest's own appends by itself (path_open, fd_fdstat_set_flags).
    const bool at_end = is_write && offset == kCurrentPosition && (entry->flags & fdflags1::append) != 0 && !file.owned;
    const int64_t at = at_end ? kAtEnd : offset;
    tried = state.take_immediate();
    if (tried) {
      const int64_t result = is_write ? file.write_now(data, piece, at) : file.read_now(data, piece, at);
      if (result != -EAGAIN) return end_piece(result);
      tried = false;
    }
    auto then = [this](int64_t result) { end_piece(result); };
    if (is_write) {
      operation.write(file.fd, data, piece, at, shared_from_this(), then);
    } else {
      operation.read(file.fd, data, piece, at, shared_from_this(), then);
    }
  }

  void end_piece(int64_t result) {
    if (result < 0) return finish(result);
    const auto bytes = static_cast<size_t>(result);
    gathered.resize(std::min(gathered.size(), bytes));
    if (!is_write) copy_gathered();
    take_front(parts, &first, bytes);
    done += static_cast<uint32_t>(bytes);
    if (offset >= 0) offset += result;
    // A file is read and written up to what is not full, which says something only if it was waited for. Of a stream, a
    // read takes what is there; a write that may wait goes on to the end.
    const bool goes_on = !entry->opened.seekable ? is_write && bytes > 0 && (entry->flags & fdflags1::nonblock) == 0
                                                 : bytes == piece || (tried && bytes > 0);
    if (!goes_on || first == parts.size() || state.closing()) return finish(0);
    begin_piece();
  }

  void finish(int64_t error) {
    if (is_write && error < 0) state.write_failed(file, error);
    if (error < 0 && done == 0) return call.finish(errno_of(error));
    count_at.store(done);
    call.finish(errno1::success);
  }

  // Between `gathered` and the parts that it stands for.
  void copy_gathered() {
    uint8_t* at = gathered.data();
    size_t left = gathered.size();
    for (size_t i = first; left > 0; ++i) {
      const size_t bytes = std::min(left, parts[i].iov_len);
      memcpy(is_write ? at : parts[i].iov_base, is_write ? parts[i].iov_base : at, bytes);
      at += bytes;
      left -= bytes;
    }
  }

  State& state;
  Operation operation;
  CoreHostCall& call;
  std::shared_ptr<Fd> entry;
  File& file;
  std::vector<iovec> parts;
  size_t first = 0;               // of `parts` that is not full
  size_t piece = 0;               // bytes of the piece that is under way
  bool tried = false;             // it was only tried, without waiting
  std::vector<uint8_t> gathered;  // the piece's bytes if it has several parts
  bool is_write = false;
  int64_t offset = kCurrentPosition;  // or where the next piece is in the file
  uint32_t done = 0;
  Place<uint32_t> count_at;
};

void Preview1Impl::transfer(CoreHostCall& call, bool is_write, bool positioned) {
  auto entry =
      fd(call, 0, (is_write ? rights1::fd_write : rights1::fd_read) | (positioned ? rights1::fd_seek : uint64_t{0}));
  if (entry == nullptr) return;
  if (entry->opened.type == FileType::Directory) return call.finish(errno1::isdir);
  if (!entry->opened.flags.has(is_write ? DescriptorFlags::write : DescriptorFlags::read)) {
    return call.finish(errno1::badf);
  }
  if (positioned && !entry->opened.seekable) return call.finish(errno1::spipe);
  if (positioned && call.i64(3) > INT64_MAX) return call.finish(errno1::inval);
  auto transfer = std::make_shared<Transfer>(*state_, call, std::move(entry));
  transfer->is_write = is_write;
  if (positioned) transfer->offset = static_cast<int64_t>(call.i64(3));
  if (!vectors(call, 1, &transfer->parts)) return;
  if (!(transfer->count_at = place<uint32_t>(call, positioned ? 4 : 3))) return;
  if (transfer->parts.empty()) return transfer->finish(0);
  if ((transfer->entry->flags & fdflags1::nonblock) != 0) {
    pollfd ready{transfer->file.fd, static_cast<short>(is_write ? POLLOUT : POLLIN), 0};
    if (::poll(&ready, 1, 0) == 0) return call.finish(errno1::again);
  }
  transfer->begin_piece();
}

void Preview1Impl::fd_read(CoreHostCall& call) { transfer(call, false, false); }
void Preview1Impl::fd_write(CoreHostCall& call) { transfer(call, true, false); }
void Preview1Impl::fd_pread(CoreHostCall& call) { transfer(call, false, true); }
void Preview1Impl::fd_pwrite(CoreHostCall& call) { transfer(call, true, true); }

}  // namespace wjit::wasi
