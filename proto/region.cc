#include "proto/region.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <new>

#include "proto/assert.h"

namespace weir::proto {
namespace {

constexpr std::array<char, 8> kMagic = {'W', 'E', 'I', 'R', 0, 0, 0, 0};
constexpr std::uint64_t kHugepageBytes = 2u << 20;
constexpr std::uint32_t kIndexesPerWorker = 4;
constexpr std::uint32_t kRingSlotsMax = 1u << 20;
constexpr std::uint64_t kPrivateBytesMax = 1ull << 36;
constexpr int kLockAttempts = 100;
constexpr timespec kLockPause = {.tv_sec = 0, .tv_nsec = 10'000'000};

enum MediaIndex : std::uint32_t { kCommandHead, kInjectHead, kEventTail, kPuntTail };
enum ControlIndex : std::uint32_t { kCommandTail, kInjectTail, kEventHead, kPuntHead };

constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}

bool ring_slots_valid(std::uint32_t slots) {
  return std::has_single_bit(slots) && slots <= kRingSlotsMax;
}

bool shape_valid(const RegionShape& shape) {
  return shape.workers >= 1 && shape.workers <= kWorkersMax && shape.flows_max >= 1 && shape.flows_max <= kFlowsMax &&
         ring_slots_valid(shape.command_slots) && ring_slots_valid(shape.event_slots) &&
         ring_slots_valid(shape.punt_slots) && ring_slots_valid(shape.inject_slots) &&
         shape.private_bytes <= kPrivateBytesMax;
}

std::string system_error() {
  return std::strerror(errno);
}

std::string segment_path(const std::string& directory, SegmentKind kind) {
  return directory + (kind == SegmentKind::kMedia ? "/media" : "/control");
}

/// Closes what it holds unless released: for the paths that fail half way.
class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  File(File&& other) noexcept : fd_(other.release()) {}
  File& operator=(File&&) = delete;
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  [[nodiscard]] int fd() const { return fd_; }
  int release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }

 private:
  int fd_;
};

/// A predecessor that was killed holds its lock until the kernel has taken its memory and sockets apart: its successor,
/// started at once, waits for that instead of taking it for a second instance.
bool lock_patiently(int fd) {
  for (int attempt = 0; attempt < kLockAttempts; ++attempt) {
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
    nanosleep(&kLockPause, nullptr);
  }
  return false;
}

Result<File> open_and_lock(const std::string& path, int flags, const char* owner) {
  File file(open(path.c_str(), flags | O_CLOEXEC, 0600));
  if (file.fd() < 0) return Error{"cannot open " + path + ": " + system_error()};
  if (!lock_patiently(file.fd())) {
    return Error{std::string("another ") + owner + " is using " + path +
                 ": stop it first, or give this one another region"};
  }
  return file;
}

Result<std::uint8_t*> map_segment(int fd, std::uint64_t bytes, bool writable, const std::string& path) {
  const int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  void* memory = mmap(nullptr, bytes, protection, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return Error{"cannot map " + path + ": " + system_error()};
  madvise(memory, bytes, MADV_DONTDUMP);  // keys never reach a core file (design, "What must always hold" 7)
  mlock(memory, bytes);                   // best effort: RLIMIT_MEMLOCK may forbid it to weir-control
  return static_cast<std::uint8_t*>(memory);
}

/// The header of a finished segment, or why it is none of ours.
Status check_header(const SegmentHeader& header, SegmentKind kind, std::uint64_t file_bytes, const std::string& path) {
  const std::string what_to_do = ": stop weir-media and weir-control and remove it";
  if (header.magic != kMagic || header.kind != kind)
    return Error{path + " is not a finished Weir segment" + what_to_do};
  if (header.version != kRegionVersion) {
    return Error{path + " was made by another version of Weir (region version " + std::to_string(header.version) +
                 ", this one is " + std::to_string(kRegionVersion) + ")" + what_to_do};
  }
  if (header.layout_hash != region_layout_hash()) {
    return Error{path + " was made by another build of Weir with other layouts" + what_to_do};
  }
  if (!shape_valid(header.shape)) return Error{path + " has an impossible shape" + what_to_do};
  const RegionLayout layout = region_layout(header.shape);
  const std::uint64_t wanted = kind == SegmentKind::kMedia ? layout.media_bytes : layout.control_bytes;
  if (header.segment_bytes < wanted || file_bytes < header.segment_bytes) {
    return Error{path + " is shorter than its header says" + what_to_do};
  }
  return success();
}

Result<std::uint64_t> file_bytes(int fd, const std::string& path) {
  struct stat status;
  if (fstat(fd, &status) != 0) return Error{"cannot stat " + path + ": " + system_error()};
  return static_cast<std::uint64_t>(status.st_size);
}

void write_header(std::uint8_t* memory, SegmentKind kind, std::uint64_t bytes, const RegionShape& shape) {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  auto* header = new (memory) SegmentHeader{};
  header->version = kRegionVersion;
  header->kind = kind;
  header->layout_hash = region_layout_hash();
  header->segment_bytes = bytes;
  header->shape = shape;
  header->created_ns =
      static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
  std::atomic_thread_fence(std::memory_order_release);  // all of it before the magic; read after attach, under flock
  header->magic = kMagic;
}

/// What lies in the file: nothing (0 bytes), or a segment of this shape. An error is a segment of another make.
Result<bool> holds_segment(int fd, SegmentKind kind, const RegionShape& shape, const std::string& path) {
  Result<std::uint64_t> bytes = file_bytes(fd, path);
  if (!bytes) return Error{bytes.error()};
  if (*bytes < sizeof(SegmentHeader)) return false;
  Result<std::uint8_t*> memory = map_segment(fd, *bytes, false, path);
  if (!memory) return Error{memory.error()};
  const auto& header = *reinterpret_cast<const SegmentHeader*>(*memory);
  Status status = header.magic == kMagic ? check_header(header, kind, *bytes, path) : success();
  const bool finished = header.magic == kMagic;
  const bool same_shape = finished && status.ok() && header.shape == shape;
  munmap(*memory, *bytes);
  if (!status) return Error{status.error()};
  if (finished && !same_shape) {
    return Error{path +
                 " was made for another configuration (workers, flows or rings): start weir-media with "
                 "--discard-region to begin anew; calls in progress end"};
  }
  return finished;
}

/// Which of the two segments lie there, whole and for these options.
struct Found {
  bool media;
  bool control;
};

/// The media segment decides what an error is: weir-control may have damaged its own, and that must not cost the flows.
Result<Found> find_region(int media_fd, int control_fd, const Region::CreateOptions& options) {
  if (options.discard) return Found{.media = false, .control = false};
  const Result<bool> media =
      holds_segment(media_fd, SegmentKind::kMedia, options.shape, segment_path(options.directory, SegmentKind::kMedia));
  if (!media) return Error{media.error()};
  const Result<bool> control = holds_segment(control_fd, SegmentKind::kControl, options.shape,
                                             segment_path(options.directory, SegmentKind::kControl));
  return Found{.media = *media, .control = *media && control.ok() && *control};
}

/// Empties both segments, unless weir-control has them mapped: it would lose its memory, and its calls their flows,
/// without a word. Its lock is held no longer than that, so that a weir-control started meanwhile finds the region
/// unfinished and waits.
Status empty_segments(int media_fd, int control_fd, const std::string& control_path) {
  if (!lock_patiently(control_fd)) {
    return Error{"weir-control is using " + control_path +
                 ": stop weir-control before its region is discarded, and start it again afterwards"};
  }
  const bool emptied = ftruncate(media_fd, 0) == 0 && ftruncate(control_fd, 0) == 0;
  const std::string reason = system_error();
  flock(control_fd, LOCK_UN);
  if (!emptied) return Error{"cannot empty the segment at " + control_path + " or its neighbour: " + reason};
  return success();
}

}  // namespace

RegionLayout region_layout(const RegionShape& shape) {
  RegionLayout layout{};
  std::uint64_t at = sizeof(SegmentHeader);
  const auto place = [&at](std::uint64_t count, std::uint64_t bytes_each) {
    const std::uint64_t offset = at;
    at = align_up(at + count * bytes_each, 64);
    return offset;
  };
  layout.worker_status = place(shape.workers, sizeof(WorkerStatus));
  layout.worker_counters = place(shape.workers, sizeof(WorkerCounters));
  layout.media_indexes = place(std::uint64_t{shape.workers} * kIndexesPerWorker, sizeof(RingIndex));
  layout.flow_status = place(shape.flows_max, sizeof(FlowStatus));
  layout.event_slots = place(std::uint64_t{shape.workers} * shape.event_slots, sizeof(Event));
  layout.punt_slots = place(std::uint64_t{shape.workers} * shape.punt_slots, sizeof(Punt));
  if (shape.private_bytes >= kHugepageBytes) at = align_up(at, kHugepageBytes);
  layout.private_memory = place(1, shape.private_bytes);
  layout.media_bytes = at;

  at = sizeof(SegmentHeader);
  layout.control_indexes = place(std::uint64_t{shape.workers} * kIndexesPerWorker, sizeof(RingIndex));
  layout.command_slots = place(std::uint64_t{shape.workers} * shape.command_slots, align_up(sizeof(Command), 64));
  layout.inject_slots = place(std::uint64_t{shape.workers} * shape.inject_slots, sizeof(Inject));
  layout.control_bytes = at;
  return layout;
}

Result<Region> Region::create(const CreateOptions& options) {
  WEIR_ASSERT(shape_valid(options.shape));
  struct statfs filesystem;
  if (statfs(options.directory.c_str(), &filesystem) != 0) {
    return Error{"cannot use the region directory " + options.directory + ": " + system_error()};
  }
  Region region;
  region.role_ = SegmentKind::kMedia;
  region.shape_ = options.shape;
  region.layout_ = region_layout(options.shape);
  region.huge_ = filesystem.f_type == HUGETLBFS_MAGIC;
  const std::uint64_t page_bytes = region.huge_ ? static_cast<std::uint64_t>(filesystem.f_bsize) : 4096;

  const std::string media_path = segment_path(options.directory, SegmentKind::kMedia);
  const std::string control_path = segment_path(options.directory, SegmentKind::kControl);
  // The lock on `media` covers the creation of both; weir-control's lock on `control` is its own.
  Result<File> media = open_and_lock(media_path, O_RDWR | O_CREAT, "weir-media");
  if (!media) return Error{media.error()};
  File control(open(control_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (control.fd() < 0) return Error{"cannot open " + control_path + ": " + system_error()};

  const Result<Found> found = find_region(media->fd(), control.fd(), options);
  if (!found) return Error{found.error()};
  if (!found->media) {
    if (Status status = empty_segments(media->fd(), control.fd(), control_path); !status) return Error{status.error()};
  }

  const auto prepare = [&](int fd, SegmentKind kind, std::uint64_t bytes, Segment& segment, const std::string& path,
                           bool keep) -> Status {
    bytes = align_up(bytes, page_bytes);
    if (!keep && (ftruncate(fd, 0) != 0 || ftruncate(fd, static_cast<off_t>(bytes)) != 0)) {
      return Error{"cannot make " + path + " " + std::to_string(bytes) + " bytes long: " + system_error()};
    }
    // Reserve now: a tmpfs or a hugepage pool that runs out later would be a SIGBUS in the packet path.
    if (const int failure = posix_fallocate(fd, 0, static_cast<off_t>(bytes)); !keep && failure != 0) {
      return Error{"no room for " + path + " (" + std::to_string(bytes >> 20) + " MiB): " + std::strerror(failure)};
    }
    Result<std::uint8_t*> memory = map_segment(fd, bytes, true, path);
    if (!memory) return Error{memory.error()};
    segment.memory = *memory;
    segment.bytes = bytes;
    if (!keep) write_header(*memory, kind, bytes, options.shape);
    return success();
  };
  const Status media_prepared =
      prepare(media->fd(), SegmentKind::kMedia, region.layout_.media_bytes, region.media_, media_path, found->media);
  if (!media_prepared) return Error{media_prepared.error()};
  const Status control_prepared = prepare(control.fd(), SegmentKind::kControl, region.layout_.control_bytes,
                                          region.control_, control_path, found->control);
  if (!control_prepared) return Error{control_prepared.error()};
  if (!found->control) region.reset_media_indexes();
  if (fchown(media->fd(), static_cast<uid_t>(-1), options.control_gid) != 0 || fchmod(media->fd(), 0640) != 0 ||
      fchown(control.fd(), options.control_uid, static_cast<gid_t>(-1)) != 0 || fchmod(control.fd(), 0600) != 0) {
    return Error{"cannot hand " + options.directory + " to the control user: " + system_error()};
  }
  // From here on weir-control's segment is read-only here: the single writer is enforced by the MMU.
  if (mprotect(region.control_.memory, region.control_.bytes, PROT_READ) != 0) {
    return Error{"cannot protect " + control_path + ": " + system_error()};
  }
  auto* header = reinterpret_cast<SegmentHeader*>(region.media_.memory);
  header->incarnation.fetch_add(1, std::memory_order_relaxed);
  header->owner_pid.store(static_cast<std::uint64_t>(getpid()), std::memory_order_relaxed);
  region.media_.lock_fd = media->release();
  region.resumed_ = found->media;
  return region;
}

Result<Region> Region::attach(const std::string& directory) {
  Region region;
  region.role_ = SegmentKind::kControl;
  const std::string media_path = segment_path(directory, SegmentKind::kMedia);
  const std::string control_path = segment_path(directory, SegmentKind::kControl);
  if (access(control_path.c_str(), F_OK) != 0) {
    return Error{"there is no region in " + directory + ": start weir-media first"};
  }
  Result<File> control = open_and_lock(control_path, O_RDWR, "weir-control");
  if (!control) return Error{control.error()};
  File media(open(media_path.c_str(), O_RDONLY | O_CLOEXEC));
  if (media.fd() < 0) return Error{"cannot open " + media_path + ": " + system_error()};

  const auto map_checked = [](int fd, SegmentKind kind, bool writable, Segment& segment,
                              const std::string& path) -> Status {
    Result<std::uint64_t> bytes = file_bytes(fd, path);
    if (!bytes) return Error{bytes.error()};
    if (*bytes < sizeof(SegmentHeader)) return Error{path + " is not finished: is weir-media still starting?"};
    Result<std::uint8_t*> memory = map_segment(fd, *bytes, writable, path);
    if (!memory) return Error{memory.error()};
    segment.memory = *memory;
    segment.bytes = *bytes;
    return check_header(*reinterpret_cast<const SegmentHeader*>(*memory), kind, *bytes, path);
  };
  if (Status status = map_checked(media.fd(), SegmentKind::kMedia, false, region.media_, media_path); !status) {
    return Error{status.error()};
  }
  if (Status status = map_checked(control->fd(), SegmentKind::kControl, true, region.control_, control_path); !status) {
    return Error{status.error()};
  }
  if (region.media_header().shape != region.control_header().shape) {
    return Error{"the two segments in " + directory + " do not belong together: stop both processes and remove them"};
  }
  region.shape_ = region.media_header().shape;
  region.layout_ = region_layout(region.shape_);
  auto* header = reinterpret_cast<SegmentHeader*>(region.control_.memory);
  region.resumed_ = header->incarnation.fetch_add(1, std::memory_order_relaxed) > 0;
  header->owner_pid.store(static_cast<std::uint64_t>(getpid()), std::memory_order_relaxed);
  region.control_.lock_fd = control->release();
  return region;
}

Region::Region(Region&& other) noexcept {
  *this = std::move(other);
}

Region& Region::operator=(Region&& other) noexcept {
  if (this == &other) return *this;
  release();
  shape_ = other.shape_;
  layout_ = other.layout_;
  role_ = other.role_;
  media_ = std::exchange(other.media_, {});
  control_ = std::exchange(other.control_, {});
  resumed_ = other.resumed_;
  huge_ = other.huge_;
  return *this;
}

Region::~Region() {
  release();
}

void Region::release() {
  for (Segment* segment : {&media_, &control_}) {
    if (segment->memory != nullptr) munmap(segment->memory, segment->bytes);
    if (segment->lock_fd >= 0) close(segment->lock_fd);
    *segment = {};
  }
}

const SegmentHeader& Region::media_header() const {
  return *reinterpret_cast<const SegmentHeader*>(media_.memory);
}
const SegmentHeader& Region::control_header() const {
  return *reinterpret_cast<const SegmentHeader*>(control_.memory);
}

const WorkerStatus& Region::worker_status(std::uint32_t worker) const {
  WEIR_ASSERT(worker < shape_.workers);
  return reinterpret_cast<const WorkerStatus*>(media_.memory + layout_.worker_status)[worker];
}

const WorkerCounters& Region::worker_counters(std::uint32_t worker) const {
  WEIR_ASSERT(worker < shape_.workers);
  return reinterpret_cast<const WorkerCounters*>(media_.memory + layout_.worker_counters)[worker];
}

const FlowStatus& Region::flow_status(std::uint32_t index) const {
  WEIR_ASSERT(index < shape_.flows_max);
  return reinterpret_cast<const FlowStatus*>(media_.memory + layout_.flow_status)[index];
}

WorkerStatus& Region::worker_status_mutable(std::uint32_t worker) {
  WEIR_ASSERT(role_ == SegmentKind::kMedia);
  return const_cast<WorkerStatus&>(worker_status(worker));
}

WorkerCounters& Region::worker_counters_mutable(std::uint32_t worker) {
  WEIR_ASSERT(role_ == SegmentKind::kMedia);
  return const_cast<WorkerCounters&>(worker_counters(worker));
}

FlowStatus& Region::flow_status_mutable(std::uint32_t index) {
  WEIR_ASSERT(role_ == SegmentKind::kMedia);
  return const_cast<FlowStatus&>(flow_status(index));
}

void* Region::private_memory() {
  WEIR_ASSERT(role_ == SegmentKind::kMedia);
  return media_.memory + layout_.private_memory;
}

RingIndex* Region::media_index(std::uint32_t worker, std::uint32_t which) const {
  WEIR_ASSERT(worker < shape_.workers);
  return reinterpret_cast<RingIndex*>(media_.memory + layout_.media_indexes) + worker * kIndexesPerWorker + which;
}

/// For a new control segment: its ends of the rings start at 0.
void Region::reset_media_indexes() {
  for (std::uint32_t worker = 0; worker < shape_.workers; ++worker) {
    for (std::uint32_t which = 0; which < kIndexesPerWorker; ++which) {
      media_index(worker, which)->value.store(0, std::memory_order_relaxed);
    }
  }
}

RingIndex* Region::control_index(std::uint32_t worker, std::uint32_t which) const {
  WEIR_ASSERT(worker < shape_.workers);
  return reinterpret_cast<RingIndex*>(control_.memory + layout_.control_indexes) + worker * kIndexesPerWorker + which;
}

namespace {

template <typename Slot>
Slot* slots_of(std::uint8_t* segment, std::uint64_t offset, std::uint32_t worker, std::uint32_t slots) {
  return reinterpret_cast<Slot*>(segment + offset) + std::uint64_t{worker} * slots;
}

}  // namespace

RingConsumer<Command> Region::command_consumer(std::uint32_t worker) {
  WEIR_ASSERT(role_ == SegmentKind::kMedia);
  return {slots_of<Command>(control_.memory, layout_.command_slots, worker, shape_.command_slots), shape_.command_slots,
          control_index(worker, kCommandTail), media_index(worker, kCommandHead)};
}

RingConsumer<Inject> Region::inject_consumer(std::uint32_t worker) {
  WEIR_ASSERT(role_ == SegmentKind::kMedia);
  return {slots_of<Inject>(control_.memory, layout_.inject_slots, worker, shape_.inject_slots), shape_.inject_slots,
          control_index(worker, kInjectTail), media_index(worker, kInjectHead)};
}

RingProducer<Event> Region::event_producer(std::uint32_t worker) {
  WEIR_ASSERT(role_ == SegmentKind::kMedia);
  return {slots_of<Event>(media_.memory, layout_.event_slots, worker, shape_.event_slots), shape_.event_slots,
          media_index(worker, kEventTail), control_index(worker, kEventHead)};
}

RingProducer<Punt> Region::punt_producer(std::uint32_t worker) {
  WEIR_ASSERT(role_ == SegmentKind::kMedia);
  return {slots_of<Punt>(media_.memory, layout_.punt_slots, worker, shape_.punt_slots), shape_.punt_slots,
          media_index(worker, kPuntTail), control_index(worker, kPuntHead)};
}

RingProducer<Command> Region::command_producer(std::uint32_t worker) {
  WEIR_ASSERT(role_ == SegmentKind::kControl);
  return {slots_of<Command>(control_.memory, layout_.command_slots, worker, shape_.command_slots), shape_.command_slots,
          control_index(worker, kCommandTail), media_index(worker, kCommandHead)};
}

RingProducer<Inject> Region::inject_producer(std::uint32_t worker) {
  WEIR_ASSERT(role_ == SegmentKind::kControl);
  return {slots_of<Inject>(control_.memory, layout_.inject_slots, worker, shape_.inject_slots), shape_.inject_slots,
          control_index(worker, kInjectTail), media_index(worker, kInjectHead)};
}

RingConsumer<Event> Region::event_consumer(std::uint32_t worker) {
  WEIR_ASSERT(role_ == SegmentKind::kControl);
  return {slots_of<Event>(media_.memory, layout_.event_slots, worker, shape_.event_slots), shape_.event_slots,
          media_index(worker, kEventTail), control_index(worker, kEventHead)};
}

RingConsumer<Punt> Region::punt_consumer(std::uint32_t worker) {
  WEIR_ASSERT(role_ == SegmentKind::kControl);
  return {slots_of<Punt>(media_.memory, layout_.punt_slots, worker, shape_.punt_slots), shape_.punt_slots,
          media_index(worker, kPuntTail), control_index(worker, kPuntHead)};
}

}  // namespace weir::proto
