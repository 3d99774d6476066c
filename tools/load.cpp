// See tools/load.h.
#include "tools/load.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "frontend/decoder.h"
#include "frontend/text.h"

namespace wjit::tools {
namespace {

constexpr size_t kMaxFileBytes = size_t{1} << 31;  // offsets in modules are 32 bits wide

// Text begins, after white space, with a parenthesis or a comment; the first byte of a binary is 0.
bool looks_like_text(const Bytes& bytes) {
  auto first = std::find_if(bytes.begin(), bytes.end(), [](uint8_t c) { return c != ' ' && (c < '\t' || c > '\r'); });
  if (bytes.size() >= 3 && bytes[0] == 0xEF && bytes[1] == 0xBB && bytes[2] == 0xBF) return true;
  return first != bytes.end() && (*first == '(' || *first == ';');
}

std::string position(const std::string& path, const InputError& error) {
  const char* fault = error.fault == InputFault::Malformed ? "malformed"
                      : error.fault == InputFault::Invalid ? "invalid"
                                                           : "not supported yet";
  if (error.line != 0) return fmt::format("{}:{}:{}: {}: {}", path, error.line, error.column, fault, error.message);
  return fmt::format("{}: {} at offset {:#x}: {}", path, fault, error.offset, error.message);
}

}  // namespace

Result<Bytes> read_file(const std::string& path) {
  const int fd = path == "-" ? dup(STDIN_FILENO) : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail("cannot open {}: {}", path, strerror(errno));
  Bytes bytes;
  struct stat info{};
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) bytes.reserve(static_cast<size_t>(info.st_size) + 1);
  for (;;) {
    const size_t have = bytes.size();
    bytes.resize(std::max(have + 4096, bytes.capacity()));
    const ssize_t n = read(fd, bytes.data() + have, bytes.size() - have);
    bytes.resize(have + (n > 0 ? static_cast<size_t>(n) : 0));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 || bytes.size() > kMaxFileBytes) {
      const std::string reason = n < 0 ? strerror(errno) : "it has more than 2 GiB";
      close(fd);
      return fail("cannot read {}: {}", path, reason);
    }
    if (n == 0) break;
  }
  close(fd);
  return bytes;
}

Result<Program> load_program(const std::string& path) {
  Result<Bytes> read = read_file(path);
  if (!read) return std::unexpected(read.error());
  Bytes bytes = std::move(*read);
  const bool is_text = classify(bytes) == BinaryKind::NotWasm && looks_like_text(bytes);
  if (is_text) {
    auto assembled = assemble({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    if (!assembled) return fail("{}", position(path, assembled.error()));
    bytes = std::move(*assembled);
  }
  auto shared = std::make_shared<const Bytes>(std::move(bytes));
  // Offsets in a text's binary say little, but they are what `wjit compile --emit=wasm-info` shows too.
  const std::string where = is_text ? path + " (assembled)" : path;
  Program program{path, nullptr, nullptr};
  switch (classify(*shared)) {
    case BinaryKind::Module: {
      auto module = decode_module(shared);
      if (!module) return fail("{}", position(where, module.error()));
      program.module = std::move(*module);
      return program;
    }
    case BinaryKind::Component: {
      auto component = decode_component(shared);
      if (!component) return fail("{}", position(where, component.error()));
      program.component = std::move(*component);
      return program;
    }
    case BinaryKind::NotWasm: break;
  }
  constexpr uint8_t kMagic[] = {0x00, 0x61, 0x73, 0x6D};
  const size_t common = std::min(shared->size(), sizeof kMagic);
  if (shared->empty()) return fail("{}: the file is empty", path);
  if (memcmp(shared->data(), kMagic, common) != 0) {
    return fail("{}: not a WebAssembly file: it begins with neither the binary magic nor `(`", path);
  }
  if (shared->size() < 8)
    return fail("{}: truncated: the file ends at offset {:#x}, inside its header", path, shared->size());
  return fail("{}: unknown binary version {:02x} {:02x} {:02x} {:02x} at offset 0x4", path, (*shared)[4], (*shared)[5],
              (*shared)[6], (*shared)[7]);
}

std::string base_name(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

}  // namespace wjit::tools
