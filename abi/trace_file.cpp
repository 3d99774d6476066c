// Trace events as JSON: see abi/trace_file.h.
#include "abi/trace_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace wjit {
namespace {

constexpr size_t kBufferBytes = 256 * 1024;

void append_string(std::string& to, std::string_view text) {
  to += '"';
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      to += '\\';
      to += c;
    } else if (byte < 0x20) {
      fmt::format_to(std::back_inserter(to), "\\u{:04x}", byte);
    } else {
      to += c;
    }
  }
  to += '"';
}

}  // namespace

// ---- args ----

void TraceArgs::add_name(std::string_view name) {
  if (!text_.empty()) text_ += ',';
  append_string(text_, name);
  text_ += ':';
}

TraceArgs& TraceArgs::add(std::string_view name, std::string_view value) {
  add_name(name);
  append_string(text_, value);
  return *this;
}

// ---- events ----

Result<std::unique_ptr<TraceFile>> TraceFile::create(const std::string& path) {
  int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return fail("cannot write the trace to {}: {}", path, strerror(errno));
  std::unique_ptr<TraceFile> file(new TraceFile(fd, path));
  file->buffer_.reserve(kBufferBytes + 4096);
  file->buffer_ = "[";
  return file;
}

TraceFile::~TraceFile() {
  if (fd_ >= 0) close(fd_);
}

void TraceFile::open_event(char phase, Place place, int64_t ns) {
  if (buffer_.size() >= kBufferBytes) write_out();
  // The comma stands before each event but the first, so that the file ends well wherever it ends.
  fmt::format_to(std::back_inserter(buffer_), "{}\n{{\"ph\":\"{}\",\"pid\":{},\"tid\":{},\"ts\":{}.{:03}",
                 started_ ? "," : "", phase, place.process, place.thread, ns / 1000, ns % 1000);
  started_ = true;
}

void TraceFile::close_event(const TraceArgs& args) {
  if (!args.text().empty()) {
    buffer_ += ",\"args\":{";
    buffer_ += args.text();
    buffer_ += '}';
  }
  buffer_ += '}';
}

void TraceFile::name_process(uint32_t process, std::string_view name, uint32_t order) {
  if (fd_ < 0) return;
  open_event('M', {process, 0}, 0);
  buffer_ += ",\"name\":\"process_name\"";
  close_event(TraceArgs().add("name", name));
  open_event('M', {process, 0}, 0);
  buffer_ += ",\"name\":\"process_sort_index\"";
  close_event(TraceArgs().add("sort_index", order));
}

void TraceFile::name_thread(Place place, std::string_view name, uint32_t order) {
  if (fd_ < 0) return;
  open_event('M', place, 0);
  buffer_ += ",\"name\":\"thread_name\"";
  close_event(TraceArgs().add("name", name));
  open_event('M', place, 0);
  buffer_ += ",\"name\":\"thread_sort_index\"";
  close_event(TraceArgs().add("sort_index", order));
}

void TraceFile::begin(Place place, int64_t ns, std::string_view category, std::string_view name,
                      const TraceArgs& args) {
  if (fd_ < 0) return;
  open_event('B', place, ns);
  fmt::format_to(std::back_inserter(buffer_), ",\"cat\":\"{}\",\"name\":", category);
  append_string(buffer_, name);
  close_event(args);
}

void TraceFile::end(Place place, int64_t ns, const TraceArgs& args) {
  if (fd_ < 0) return;
  open_event('E', place, ns);
  close_event(args);
}

void TraceFile::complete(Place place, int64_t ns, int64_t duration_ns, std::string_view category, std::string_view name,
                         const TraceArgs& args) {
  if (fd_ < 0) return;
  open_event('X', place, ns);
  fmt::format_to(std::back_inserter(buffer_), ",\"dur\":{}.{:03},\"cat\":\"{}\",\"name\":", duration_ns / 1000,
                 duration_ns % 1000, category);
  append_string(buffer_, name);
  close_event(args);
}

void TraceFile::instant(Place place, int64_t ns, std::string_view name, const TraceArgs& args) {
  if (fd_ < 0) return;
  open_event('i', place, ns);
  buffer_ += ",\"s\":\"t\",\"name\":";
  append_string(buffer_, name);
  close_event(args);
}

void TraceFile::arrow(std::string_view name, Place from, int64_t from_ns, Place to, int64_t to_ns) {
  if (fd_ < 0) return;
  ++arrows_;
  auto half = [&](char phase, Place place, int64_t ns) {
    open_event(phase, place, ns);
    fmt::format_to(std::back_inserter(buffer_), ",\"cat\":\"flow\",\"id\":{}{},\"name\":", arrows_,
                   phase == 'f' ? ",\"bp\":\"e\"" : "");
    append_string(buffer_, name);
    close_event({});
  };
  half('s', from, from_ns);
  half('f', to, to_ns);
}

// ---- the file ----

void TraceFile::write_out() {
  size_t done = 0;
  while (fd_ >= 0 && done < buffer_.size()) {
    ssize_t n = write(fd_, buffer_.data() + done, buffer_.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      failed_ = errno;
      close(std::exchange(fd_, -1));
      break;
    }
    done += static_cast<size_t>(n);
  }
  buffer_.clear();
}

Result<> TraceFile::finish() {
  buffer_ += "\n]\n";
  write_out();
  if (fd_ >= 0 && close(std::exchange(fd_, -1)) != 0) failed_ = errno;
  if (failed_ != 0) return fail("cannot write to {}: {}", path_, strerror(failed_));
  return {};
}

}  // namespace wjit
