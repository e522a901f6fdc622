// The region: what weir-media and weir-control share, in two files of one directory (hugetlbfs or tmpfs).
//   <directory>/media    written by weir-media, read-only to weir-control
//   <directory>/control  written by weir-control, read-only to weir-media
// A ring's slots and tail lie in its producer's segment, its head in its consumer's. weir-media creates both files;
// they outlive either process, and a process started again finds everything where it was.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <string>

#include "proto/control_protocol.h"
#include "proto/counters.h"
#include "proto/limits.h"
#include "proto/result.h"
#include "proto/ring.h"

namespace weir::proto {

/// Sizes the region is built for. Slots are powers of two, one ring of each kind per worker.
struct RegionShape {
  std::uint32_t workers;
  std::uint32_t flows_max;
  std::uint32_t command_slots;
  std::uint32_t event_slots;
  std::uint32_t punt_slots;
  std::uint32_t inject_slots;
  std::uint64_t private_bytes;        ///< weir-media's own flow table, behind what both read
  std::uint64_t private_layout_hash;  ///< of that table's layout: weir-media's business alone

  friend bool operator==(const RegionShape&, const RegionShape&) = default;
};

/// One worker's sign of life.
struct alignas(64) WorkerStatus {
  std::atomic<std::uint64_t> alive_ns;  ///< CLOCK_MONOTONIC, at least every 100 ms while the worker runs
  std::uint32_t core;
  std::uint32_t reserved;
};

/// A worker whose last sign of life is older has stalled: its core is given to something else, or it hangs.
inline constexpr std::uint64_t kWorkerStalledNs = 1'000'000'000;

inline bool has_stalled(const WorkerStatus& status, std::uint64_t now_ns) {
  const std::uint64_t alive_ns = status.alive_ns.load(std::memory_order_relaxed);
  return now_ns > alive_ns && now_ns - alive_ns > kWorkerStalledNs;
}

enum class SegmentKind : std::uint32_t { kMedia = 1, kControl = 2 };

/// The first bytes of each segment.
struct alignas(64) SegmentHeader {
  std::array<char, 8> magic;  ///< "WEIR" and zeros, written last: a file without it was never finished
  std::uint32_t version;      ///< kRegionVersion
  SegmentKind kind;
  std::uint64_t layout_hash;  ///< region_layout_hash()
  std::uint64_t segment_bytes;
  RegionShape shape;
  std::uint64_t created_ns;                ///< CLOCK_REALTIME
  std::atomic<std::uint64_t> incarnation;  ///< times the owner attached, this one included
  std::atomic<std::uint64_t> owner_pid;    ///< of the writer that attached last
};

/// FNV-1a over the sizes and offsets of everything in the region that both processes read.
consteval std::uint64_t region_layout_hash();

/// Where each part lies, in bytes from its segment's start. A pure function of the shape.
struct RegionLayout {
  std::uint64_t worker_status;
  std::uint64_t worker_counters;
  std::uint64_t flow_status;
  std::uint64_t media_indexes;  ///< RingIndex[workers][4]: command head, inject head, event tail, punt tail
  std::uint64_t event_slots;
  std::uint64_t punt_slots;
  std::uint64_t private_memory;  ///< 2 MiB aligned when it is that large, else 64
  std::uint64_t media_bytes;
  std::uint64_t control_indexes;  ///< RingIndex[workers][4]: command tail, inject tail, event head, punt head
  std::uint64_t command_slots;
  std::uint64_t inject_slots;
  std::uint64_t control_bytes;
};
RegionLayout region_layout(const RegionShape& shape);

/// One process's view of both segments. Movable; unmaps and unlocks when destroyed, and leaves the files.
class Region {
 public:
  struct CreateOptions {
    std::string directory;
    RegionShape shape;
    uid_t control_uid = 0;  ///< owner of the control segment: who may write it
    gid_t control_gid = 0;  ///< group of the media segment: who may read it
    bool discard = false;   ///< start anew even if a usable region lies there
  };

  /// weir-media: creates both segments, or attaches to those that lie there if version, layout and shape are equal.
  /// weir-control could have damaged its own segment; that alone is made anew, with all rings empty, and flows stay.
  /// Errors: another weir-media holds it, another version or shape, no space, no such directory; a weir-control has
  /// mapped what is to be discarded.
  static Result<Region> create(const CreateOptions& options);

  /// weir-control: attaches to what weir-media made. Errors: none there, another version, another weir-control holds
  /// it.
  static Result<Region> attach(const std::string& directory);

  Region(Region&& other) noexcept;
  Region& operator=(Region&& other) noexcept;
  ~Region();

  [[nodiscard]] const RegionShape& shape() const { return shape_; }
  [[nodiscard]] bool resumed() const { return resumed_; }  ///< it existed before: flows may be installed
  [[nodiscard]] bool huge() const { return huge_; }        ///< lies in hugepages

  [[nodiscard]] const SegmentHeader& media_header() const;
  [[nodiscard]] const SegmentHeader& control_header() const;
  /// The whole mapping of weir-control's segment, for a process that guards itself against its loss.
  [[nodiscard]] Bytes control_segment() const { return {control_.memory, control_.bytes}; }

  // Read by both.
  [[nodiscard]] const WorkerStatus& worker_status(std::uint32_t worker) const;
  [[nodiscard]] const WorkerCounters& worker_counters(std::uint32_t worker) const;
  [[nodiscard]] const FlowStatus& flow_status(std::uint32_t index) const;

  // weir-media only: asserts otherwise.
  WorkerStatus& worker_status_mutable(std::uint32_t worker);
  WorkerCounters& worker_counters_mutable(std::uint32_t worker);
  FlowStatus& flow_status_mutable(std::uint32_t index);
  void* private_memory();
  RingConsumer<Command> command_consumer(std::uint32_t worker);
  RingConsumer<Inject> inject_consumer(std::uint32_t worker);
  RingProducer<Event> event_producer(std::uint32_t worker);
  RingProducer<Punt> punt_producer(std::uint32_t worker);

  // weir-control only: asserts otherwise.
  RingProducer<Command> command_producer(std::uint32_t worker);
  RingProducer<Inject> inject_producer(std::uint32_t worker);
  RingConsumer<Event> event_consumer(std::uint32_t worker);
  RingConsumer<Punt> punt_consumer(std::uint32_t worker);

 private:
  struct Segment {
    std::uint8_t* memory = nullptr;
    std::uint64_t bytes = 0;
    int lock_fd = -1;
  };

  Region() = default;
  void release();
  void reset_media_indexes();
  RingIndex* media_index(std::uint32_t worker, std::uint32_t which) const;
  RingIndex* control_index(std::uint32_t worker, std::uint32_t which) const;

  RegionShape shape_{};
  RegionLayout layout_{};
  SegmentKind role_ = SegmentKind::kMedia;
  Segment media_;
  Segment control_;
  bool resumed_ = false;
  bool huge_ = false;
};

consteval std::uint64_t region_layout_hash() {
  const std::uint64_t facts[] = {
      sizeof(Command),
      offsetof(Command, spec),
      sizeof(FlowSpec),
      offsetof(FlowSpec, rtp),
      offsetof(FlowSpec, rewrite),
      offsetof(FlowSpec, receive),
      offsetof(FlowSpec, send),
      offsetof(FlowSpec, ice),
      offsetof(FlowSpec, transcode),
      sizeof(TranscodeSpec),
      sizeof(IceCredentialsSpec),
      sizeof(TransformSpec),
      sizeof(Event),
      offsetof(Event, source),
      sizeof(Punt),
      offsetof(Punt, data),
      sizeof(Inject),
      offsetof(Inject, data),
      sizeof(FlowStatus),
      offsetof(FlowStatus, source),
      offsetof(FlowStatus, rtp_packets_in),
      offsetof(FlowStatus, rtp_ticks),
      offsetof(FlowStatus, dropped),
      offsetof(FlowStatus, streams),
      sizeof(StreamStatus),
      offsetof(StreamStatus, version),
      sizeof(WorkerCounters),
      offsetof(WorkerCounters, dropped),
      kDropReasonCount,
      sizeof(WorkerStatus),
      sizeof(SegmentHeader),
      sizeof(RingIndex),
      kRefusalCount,
      kSrtpProfileCount,
  };
  std::uint64_t hash = 0xcbf29ce484222325ull;
  for (const std::uint64_t fact : facts) hash = (hash ^ fact) * 0x100000001b3ull;
  return hash;
}

}  // namespace weir::proto
