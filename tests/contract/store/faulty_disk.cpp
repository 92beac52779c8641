// See faulty_disk.h: a layer over SQLite's own file access that passes everything on, except what is to fail.
#include "contract/store/faulty_disk.h"

#include <atomic>
#include <cstdlib>
#include <limits>

#include <sqlite3.h>

namespace zvonok::test {
namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

std::atomic<std::int64_t> writes_left{kNever};
std::atomic<std::int64_t> flushes_left{kNever};
std::atomic<std::int64_t> refused{0};

bool refuses(std::atomic<std::int64_t>& left) {
  if (left.load() == kNever || left.fetch_sub(1) > 0) return false;
  ++refused;
  return true;
}

/// SQLite gives out as many bytes as our file and the real one behind it need.
struct File {
  sqlite3_file base;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};
static_assert(sizeof(File) % sizeof(void*) == 0);

sqlite3_file* real(sqlite3_file* file) {
  return reinterpret_cast<File*>(file)->real();
}
sqlite3_vfs* system_disk = nullptr;

int close_file(sqlite3_file* f) {
  return real(f)->pMethods->xClose(real(f));
}
int read_file(sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
  return real(f)->pMethods->xRead(real(f), to, size, at);
}
int write_file(sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
  if (refuses(writes_left)) return SQLITE_FULL;
  return real(f)->pMethods->xWrite(real(f), from, size, at);
}
int truncate_file(sqlite3_file* f, sqlite3_int64 size) {
  return real(f)->pMethods->xTruncate(real(f), size);
}
int sync_file(sqlite3_file* f, int flags) {
  if (refuses(flushes_left)) return SQLITE_IOERR_FSYNC;
  return real(f)->pMethods->xSync(real(f), flags);
}
int file_size(sqlite3_file* f, sqlite3_int64* size) {
  return real(f)->pMethods->xFileSize(real(f), size);
}
int lock_file(sqlite3_file* f, int level) {
  return real(f)->pMethods->xLock(real(f), level);
}
int unlock_file(sqlite3_file* f, int level) {
  return real(f)->pMethods->xUnlock(real(f), level);
}
int check_reserved(sqlite3_file* f, int* out) {
  return real(f)->pMethods->xCheckReservedLock(real(f), out);
}
int file_control(sqlite3_file* f, int what, void* argument) {
  return real(f)->pMethods->xFileControl(real(f), what, argument);
}
int sector_size(sqlite3_file* f) {
  return real(f)->pMethods->xSectorSize(real(f));
}
int characteristics(sqlite3_file* f) {
  return real(f)->pMethods->xDeviceCharacteristics(real(f));
}
int shm_map(sqlite3_file* f, int page, int size, int extend, void volatile** out) {
  return real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
}
int shm_lock(sqlite3_file* f, int offset, int count, int flags) {
  return real(f)->pMethods->xShmLock(real(f), offset, count, flags);
}
void shm_barrier(sqlite3_file* f) {
  real(f)->pMethods->xShmBarrier(real(f));
}
int shm_unmap(sqlite3_file* f, int remove) {
  return real(f)->pMethods->xShmUnmap(real(f), remove);
}

const sqlite3_io_methods kMethods{.iVersion = 2,
                                  .xClose = close_file,
                                  .xRead = read_file,
                                  .xWrite = write_file,
                                  .xTruncate = truncate_file,
                                  .xSync = sync_file,
                                  .xFileSize = file_size,
                                  .xLock = lock_file,
                                  .xUnlock = unlock_file,
                                  .xCheckReservedLock = check_reserved,
                                  .xFileControl = file_control,
                                  .xSectorSize = sector_size,
                                  .xDeviceCharacteristics = characteristics,
                                  .xShmMap = shm_map,
                                  .xShmLock = shm_lock,
                                  .xShmBarrier = shm_barrier,
                                  .xShmUnmap = shm_unmap,
                                  .xFetch = nullptr,
                                  .xUnfetch = nullptr};

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* f, int flags, int* out_flags) {
  f->pMethods = nullptr;
  const int code = system_disk->xOpen(system_disk, name, real(f), flags, out_flags);
  if (code == SQLITE_OK) f->pMethods = &kMethods;
  return code;
}

sqlite3_vfs faulty_disk;

}  // namespace

FaultyDisk::FaultyDisk() {
  system_disk = ::sqlite3_vfs_find(nullptr);
  if (system_disk == nullptr) std::abort();
  faulty_disk = *system_disk;  // opening is ours, names and clocks stay the system's
  faulty_disk.pNext = nullptr;
  faulty_disk.zName = "zvonok-faulty-disk";
  faulty_disk.szOsFile = static_cast<int>(sizeof(File)) + system_disk->szOsFile;
  faulty_disk.xOpen = open_file;
  heal();
  refused = 0;
  if (::sqlite3_vfs_register(&faulty_disk, 1) != SQLITE_OK) std::abort();
}

FaultyDisk::~FaultyDisk() {
  ::sqlite3_vfs_unregister(&faulty_disk);
  ::sqlite3_vfs_register(system_disk, 1);
}

void FaultyDisk::break_after(DiskFault fault, std::int64_t operations) {
  switch (fault) {
    case DiskFault::Full: writes_left = operations; break;
    case DiskFault::BadFlush: flushes_left = operations; break;
  }
}

void FaultyDisk::heal() {
  writes_left = kNever;
  flushes_left = kNever;
}

std::int64_t FaultyDisk::refusals() const {
  return refused;
}

}  // namespace zvonok::test
