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

}  // namespace

std::string describe(const std::string& path, const InputError& error) {
  const char* fault = error.fault == InputFault::Malformed ? "malformed"
                      : error.fault == InputFault::Invalid ? "invalid"
                                                           : "not supported yet";
  if (error.line != 0) return fmt::format("{}:{}:{}: {}: {}", path, error.line, error.column, fault, error.message);
  return fmt::format("{}: {} at offset {:#x}: {}", path, fault, error.offset, error.message);
}

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

Result<Bytes> load_binary(const std::string& path, bool& is_text) {
  Result<Bytes> bytes = read_file(path);
  if (!bytes) return bytes;
  is_text = classify(*bytes) == BinaryKind::NotWasm && looks_like_text(*bytes);
  if (is_text) {
    auto assembled = assemble({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
    if (!assembled) return fail("{}", describe(path, assembled.error()));
    return std::move(*assembled);
  }
  if (classify(*bytes) != BinaryKind::NotWasm) return bytes;
  constexpr uint8_t kMagic[] = {0x00, 0x61, 0x73, 0x6D};
  const size_t common = std::min(bytes->size(), sizeof kMagic);
  if (bytes->empty()) return fail("{}: the file is empty", path);
  if (memcmp(bytes->data(), kMagic, common) != 0) {
    return fail("{}: not a WebAssembly file: it begins with neither the binary magic nor `(`", path);
  }
  if (bytes->size() < 8)
    return fail("{}: truncated: the file ends at offset {:#x}, inside its header", path, bytes->size());
  return fail("{}: unknown binary version {:02x} {:02x} {:02x} {:02x} at offset 0x4", path, (*bytes)[4], (*bytes)[5],
              (*bytes)[6], (*bytes)[7]);
}

Result<Program> load_program(const std::string& path) {
  bool is_text = false;
  Result<Bytes> bytes = load_binary(path, is_text);
  if (!bytes) return std::unexpected(bytes.error());
  auto shared = std::make_shared<const Bytes>(std::move(*bytes));
  // Offsets in a text's binary say little, but they are what `wjit compile --emit=wasm-info` shows too.
  const std::string where = is_text ? path + " (assembled)" : path;
  Program program{path, nullptr, nullptr};
  switch (classify(*shared)) {
    case BinaryKind::Module: {
      auto module = decode_module(shared);
      if (!module) return fail("{}", describe(where, module.error()));
      program.module = std::move(*module);
      return program;
    }
    case BinaryKind::Component: {
      auto component = decode_component(shared);
      if (!component) return fail("{}", describe(where, component.error()));
      program.component = std::move(*component);
      return program;
    }
    case BinaryKind::NotWasm: break;
  }
  // A text may say (module binary "…") of anything.
  return fail("{}: neither a module nor a component", where);
}

std::string base_name(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

}  // namespace wjit::tools
