// Paths below a folder. See wasi/files.h.
#include "wasi/files.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstring>
#include <deque>
#include <memory>
#include <utility>

namespace wjit::wasi {
namespace {

constexpr int kMaxLinks = 40;  // symbolic links in one path, as the kernel has it

class Descriptor {
 public:
  explicit Descriptor(int64_t fd = -1) : fd_(static_cast<int>(fd)) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

int64_t result_of(int64_t value) { return value < 0 ? -int64_t{errno} : value; }

// 0, or why the path cannot be one of a guest's.
int64_t check_path(const std::string& path) {
  if (path.empty()) return -ENOENT;
  if (path.find('\0') != std::string::npos) return -EINVAL;
  return path[0] == '/' ? -EPERM : 0;
}

// Puts a path's components before those that are there.
void prepend(std::deque<std::string>& components, const std::string& path) {
  std::deque<std::string> parts;
  for (size_t begin = 0; begin < path.size();) {
    size_t end = std::min(path.find('/', begin), path.size());
    if (end > begin) parts.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  components.insert(components.begin(), parts.begin(), parts.end());
}

// readlinkat; -EINVAL where it is no symbolic link.
int64_t link_contents(int folder, const char* name, std::string* into) {
  into->resize(PATH_MAX);
  ssize_t n = readlinkat(folder, name, into->data(), into->size());
  if (n < 0) return -int64_t{errno};
  if (static_cast<size_t>(n) == into->size()) return -ENAMETOOLONG;
  into->resize(static_cast<size_t>(n));
  return 0;
}

bool is_link(int folder, const char* name) {
  struct stat status{};
  return fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode);
}

}  // namespace

FileType file_type(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFBLK: return FileType::BlockDevice;
    case S_IFCHR: return FileType::CharacterDevice;
    case S_IFDIR: return FileType::Directory;
    case S_IFIFO: return FileType::Fifo;
    case S_IFLNK: return FileType::SymbolicLink;
    case S_IFREG: return FileType::RegularFile;
    case S_IFSOCK: return FileType::Socket;
    default: return FileType::Unknown;
  }
}

// ".." leaves a folder the way it was entered, through the list of open ancestors, so moving folders about meanwhile
// leads nowhere outside; each component is opened without following links, which are resolved here.
int64_t open_beneath_by_walking(int folder, const std::string& path, int flags, mode_t mode, bool follow) {
  if (int64_t bad = check_path(path); bad < 0) return bad;
  std::deque<std::string> components;
  prepend(components, path);
  std::vector<Descriptor> ancestors;  // below `folder`, innermost last
  bool must_be_folder = path.back() == '/';
  if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) follow = false;  // as with open(2)
  int links = 0;
  auto here = [&] { return ancestors.empty() ? folder : ancestors.back().get(); };
  while (!components.empty()) {
    std::string component = std::move(components.front());
    components.pop_front();
    bool last = components.empty();
    if (component == ".") continue;
    if (component == "..") {
      if (ancestors.empty()) return -EPERM;
      ancestors.pop_back();
      continue;
    }
    if (last && must_be_folder && (flags & O_CREAT) != 0) return -EISDIR;
    const bool follows = !last || must_be_folder || follow;
    if (follows) {
      std::string contents;
      int64_t read = link_contents(here(), component.c_str(), &contents);
      if (read == 0) {
        if (++links > kMaxLinks) return -ELOOP;
        if (contents.empty()) return -ENOENT;
        if (contents[0] == '/') return -EPERM;
        if (last && contents.back() == '/') must_be_folder = true;
        prepend(components, contents);
        continue;
      }
      if (read != -EINVAL && !last) return read;
    }
    int how = last ? flags | (must_be_folder ? O_DIRECTORY : 0) : O_PATH | O_DIRECTORY;
    int64_t fd = result_of(openat(here(), component.c_str(), how | O_NOFOLLOW | O_CLOEXEC, mode));
    // It may have become a link since it was looked at: then from there.
    const bool may_be_link = fd == -ELOOP || (fd == -ENOTDIR && (how & O_DIRECTORY) != 0);
    if (follows && may_be_link && ++links <= kMaxLinks && is_link(here(), component.c_str())) {
      components.push_front(std::move(component));
      continue;
    }
    if (last || fd < 0) return fd;
    ancestors.emplace_back(fd);
  }
  // "." or ".." was last: the folder itself.
  if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) return -EEXIST;
  return result_of(openat(here(), ".", (flags & ~O_CREAT) | O_CLOEXEC, mode));
}

// What open_beneath and stat_beneath do on this thread may not wait: try_cached.
static thread_local bool cached_only = false;

int64_t try_cached(const std::function<int64_t()>& work) {
  cached_only = true;
  const int64_t result = work();
  cached_only = false;
  return result;
}

int64_t open_beneath(int folder, const std::string& path, int flags, mode_t mode, bool follow) {
  if (int64_t bad = check_path(path); bad < 0) return bad;
  static std::atomic<bool> denied{false};
  if (cached_only && denied.load(std::memory_order_relaxed)) return -EAGAIN;
  if (denied.load(std::memory_order_relaxed)) return open_beneath_by_walking(folder, path, flags, mode, follow);
  open_how how{};
  how.flags = static_cast<uint64_t>(static_cast<unsigned>(flags | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW)));
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  if (cached_only) {
    how.resolve |= RESOLVE_CACHED;
    int64_t fd = result_of(syscall(SYS_openat2, folder, path.c_str(), &how, sizeof(how)));
    const bool unknown = fd == -EINVAL || fd == -ENOSYS || fd == -EPERM || fd == -EINTR;
    return fd == -EXDEV ? -EPERM : unknown ? -EAGAIN : fd;
  }
  constexpr int kTries = 16;  // EAGAIN: something was renamed meanwhile
  for (int i = 0; i < kTries; ++i) {
    int64_t fd = result_of(syscall(SYS_openat2, folder, path.c_str(), &how, sizeof(how)));
    if (fd == -EAGAIN || fd == -EINTR) continue;
    if (fd == -EXDEV) return -EPERM;
    if (fd == -ENOSYS || fd == -EPERM) {  // an old kernel, or a filter that knows nothing of it (or really a denial)
      if (fd == -ENOSYS) denied.store(true, std::memory_order_relaxed);
      break;
    }
    return fd;
  }
  return open_beneath_by_walking(folder, path, flags, mode, follow);
}

// ---- things done to a path's last component in its folder ----

namespace {

struct Parent {
  Descriptor fd;
  std::string name;
  bool is_name = true;  // neither "." nor "..": then `fd` is the folder itself
  bool slash_behind = false;
};

int64_t open_parent(int folder, const std::string& path, Parent* parent) {
  if (int64_t bad = check_path(path); bad < 0) return bad;
  size_t end = path.find_last_not_of('/') + 1;
  size_t slash = path.rfind('/', end - 1);
  size_t begin = slash == std::string::npos ? 0 : slash + 1;
  parent->name = path.substr(begin, end - begin);
  parent->slash_behind = end < path.size();
  parent->is_name = parent->name != "." && parent->name != "..";
  std::string above = !parent->is_name ? path : begin == 0 ? "." : path.substr(0, begin);
  int64_t fd = open_beneath(folder, above, O_PATH | O_DIRECTORY, 0, true);
  if (fd < 0) return fd;
  parent->fd = Descriptor(fd);
  return 0;
}
// The same, where what is no name means `error`.
int64_t open_parent_of_name(int folder, const std::string& path, Parent* parent, int error) {
  const int64_t opened = open_parent(folder, path, parent);
  return opened == 0 && !parent->is_name ? -error : opened;
}

// What a slash behind a name says is the kernel's to check, where it does not follow a link for it.
std::string with_slash(const Parent& parent) { return parent.slash_behind ? parent.name + "/" : parent.name; }

// 1: `path` is a symbolic link, and `target` what it stands for, by the same folder. 0: it is none. Else -errno.
int64_t follow_link(int folder, const std::string& path, std::string* target) {
  Parent parent;
  if (int64_t opened = open_parent(folder, path, &parent); opened < 0 || !parent.is_name) return opened;
  std::string contents;
  int64_t read = link_contents(parent.fd.get(), parent.name.c_str(), &contents);
  if (read == -EINVAL) return 0;
  if (read < 0) return read;
  if (contents.empty()) return -ENOENT;
  if (contents[0] == '/') return -EPERM;
  const size_t end = path.find_last_not_of('/') + 1;
  *target = path.substr(0, end - parent.name.size()) + contents + (parent.slash_behind ? "/" : "");
  return 1;
}

}  // namespace

int64_t stat_beneath(int folder, const std::string& path, bool follow, struct stat* into) {
  int64_t fd = open_beneath(folder, path, O_PATH, 0, follow);
  if (fd < 0) return fd;
  Descriptor file(fd);
  return result_of(fstatat(file.get(), "", into, AT_EMPTY_PATH | (cached_only ? AT_STATX_DONT_SYNC : 0)));
}

int64_t set_times_beneath(int folder, const std::string& path, bool follow, const timespec times[2]) {
  int64_t fd = open_beneath(folder, path, O_PATH, 0, follow);
  if (fd < 0) return fd;
  Descriptor file(fd);
  // The kernel takes an O_PATH descriptor with an empty path since 5.8.
  return result_of(utimensat(file.get(), "", times, AT_EMPTY_PATH));
}

int64_t make_directory(int folder, const std::string& path) {
  Parent parent;
  if (int64_t opened = open_parent_of_name(folder, path, &parent, EEXIST); opened < 0) return opened;
  return result_of(mkdirat(parent.fd.get(), parent.name.c_str(), 0777));
}

int64_t remove_directory(int folder, const std::string& path) {
  Parent parent;
  if (int64_t opened = open_parent(folder, path, &parent); opened < 0) return opened;
  if (!parent.is_name) return parent.name == "." ? -EINVAL : -ENOTEMPTY;
  if (parent.slash_behind) {  // a link to a folder, then, which is none; but where it leads must be below
    int64_t fd = open_beneath(folder, path, O_PATH | O_DIRECTORY, 0, true);
    if (fd < 0) return fd;
    Descriptor closed_again(fd);
  }
  return result_of(unlinkat(parent.fd.get(), parent.name.c_str(), AT_REMOVEDIR));
}

int64_t unlink_file(int folder, const std::string& path) {
  Parent parent;
  if (int64_t opened = open_parent_of_name(folder, path, &parent, EISDIR); opened < 0) return opened;
  if (parent.slash_behind) {
    struct stat status{};
    if (fstatat(parent.fd.get(), parent.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return -int64_t{errno};
    return S_ISDIR(status.st_mode) ? -EISDIR : -ENOTDIR;
  }
  return result_of(unlinkat(parent.fd.get(), parent.name.c_str(), 0));
}

int64_t rename_beneath(int old_folder, const std::string& old_path, int new_folder, const std::string& new_path) {
  Parent from, to;
  if (int64_t opened = open_parent_of_name(old_folder, old_path, &from, EBUSY); opened < 0) return opened;
  if (int64_t opened = open_parent_of_name(new_folder, new_path, &to, EBUSY); opened < 0) return opened;
  return result_of(renameat(from.fd.get(), with_slash(from).c_str(), to.fd.get(), with_slash(to).c_str()));
}

int64_t link_beneath(int old_folder, const std::string& old_path, bool follow, int new_folder,
                     const std::string& new_path) {
  Parent from, to;
  std::string path = old_path;
  for (int links = 0; follow; ++links) {
    if (int64_t bad = check_path(path); bad < 0) return bad;
    if (links > kMaxLinks) return -ELOOP;
    std::string target;
    const int64_t followed = follow_link(old_folder, path, &target);
    if (followed < 0) return followed;
    if (followed == 0) break;
    path = std::move(target);
  }
  if (int64_t opened = open_parent_of_name(old_folder, path, &from, EPERM); opened < 0) return opened;
  if (int64_t opened = open_parent_of_name(new_folder, new_path, &to, EEXIST); opened < 0) return opened;
  if (from.slash_behind) {
    struct stat status{};
    if (fstatat(from.fd.get(), from.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return -int64_t{errno};
    return S_ISDIR(status.st_mode) ? -EPERM : -ENOTDIR;
  }
  return result_of(linkat(from.fd.get(), from.name.c_str(), to.fd.get(), with_slash(to).c_str(), 0));
}

int64_t check_link_contents(const std::string& contents) {
  if (contents.find('\0') != std::string::npos) return -EINVAL;
  return !contents.empty() && contents[0] == '/' ? -EPERM : 0;  // would point out of what the guest can see
}

int64_t make_symlink(const std::string& contents, int folder, const std::string& path) {
  if (int64_t bad = check_link_contents(contents); bad < 0) return bad;
  Parent parent;
  if (int64_t opened = open_parent_of_name(folder, path, &parent, EEXIST); opened < 0) return opened;
  return result_of(symlinkat(contents.c_str(), parent.fd.get(), with_slash(parent).c_str()));
}

int64_t read_link(int folder, const std::string& path, std::string* into) {
  int64_t fd = open_beneath(folder, path, O_PATH, 0, false);
  if (fd < 0) return fd;
  Descriptor link(fd);
  int64_t read = link_contents(link.get(), "", into);
  if (read == -ENOENT) return -EINVAL;  // an O_PATH descriptor of something else than a link
  if (read < 0) return read;
  return !into->empty() && (*into)[0] == '/' ? -EPERM : 0;
}

int64_t refuse_new(int folder, const std::string& path) {
  Parent parent;
  if (int64_t opened = open_parent_of_name(folder, path, &parent, EEXIST); opened < 0) return opened;
  struct stat status{};
  return fstatat(parent.fd.get(), parent.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 ? -EEXIST : -EROFS;
}

int64_t refuse_change(int folder, const std::string& path, bool follow) {
  struct stat status{};
  const int64_t found = stat_beneath(folder, path, follow, &status);
  return found < 0 ? found : -EROFS;
}

int64_t DirectoryReader::open(int folder) {
  Descriptor fd(openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return -int64_t{errno};
  stream_.reset(fdopendir(fd.get()));
  if (stream_ == nullptr) return -int64_t{errno};
  fd.release();
  return 0;
}

int64_t DirectoryReader::next(size_t most, std::vector<DirectoryEntry>* into) {
  while (most > 0) {
    errno = 0;
    dirent* entry = readdir(stream_.get());
    if (entry == nullptr) return -int64_t{errno};
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    FileType type = file_type(DTTOIF(entry->d_type));
    if (entry->d_type == DT_UNKNOWN) {
      struct stat status{};
      if (fstatat(dirfd(stream_.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0)
        type = file_type(status.st_mode);
    }
    into->push_back({entry->d_name, type, entry->d_ino});
    --most;
  }
  return 0;
}

int64_t read_directory(int folder, std::vector<DirectoryEntry>* into) {
  DirectoryReader reader;
  const int64_t opened = reader.open(folder);
  return opened < 0 ? opened : reader.next(SIZE_MAX, into);
}

}  // namespace wjit::wasi
