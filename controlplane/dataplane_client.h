// weir-control's end of the region: commands and injected datagrams down, events and punted datagrams up.
// One thread (a shard). Nothing here waits for weir-media: a full ring is an error value, an unanswered command a
// timeout, a restarted weir-media only a changed incarnation.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <unordered_map>
#include <vector>

#include "proto/control_protocol.h"
#include "proto/region.h"
#include "proto/result.h"

namespace weir::controlplane {

/// What happens on one flow. The handler outlives its flow's registration: DataplaneClient::remove ends it.
class FlowHandler {
 public:
  FlowHandler() = default;
  FlowHandler(const FlowHandler&) = delete;
  FlowHandler& operator=(const FlowHandler&) = delete;
  virtual ~FlowHandler() = default;

  /// kSourceLearned, kFirstAuthenticated, kMediaTimeout, kIndexNearLimit or kKeysConfirmed: answers to commands go to
  /// their callback.
  virtual void on_flow_event(const proto::Event& event, std::uint64_t now_ns) = 0;
  /// A datagram that arrived at the flow's local port and is not media: unauthenticated. Or media that leaves as
  /// application data (proto::Punt).
  virtual void on_punt(const proto::Punt& punt, std::uint64_t now_ns) = 0;
};

/// A flow in weir-media's table.
struct FlowFound {
  proto::FlowId id;
  proto::FlowState state;
  std::uint64_t cookie;
  std::uint8_t network;
  std::optional<std::uint8_t> also_network;  ///< see proto::FlowSpec
  std::uint16_t local_port;
};

struct DataplaneClientOptions {
  std::uint64_t command_timeout_ns = 5'000'000'000;
  /// Events and punts taken from one worker's rings in one poll.
  std::uint32_t batch_max = 256;
  /// A worker that shows no sign of life for this long counts as stopped (proto::WorkerStatus says every 100 ms).
  std::uint64_t worker_silence_ns = 1'000'000'000;
  /// Flows may authenticate without encrypting, either way (proto::is_null_cipher).
  bool null_cipher = false;
  /// Flows may use AES-GCM, either way: weir-media has room for its keys.
  bool aead = true;
};

/// Totals since the start.
struct DataplaneClientCounters {
  std::uint64_t commands = 0;
  std::uint64_t commands_refused = 0;    ///< answered kRefused
  std::uint64_t commands_timed_out = 0;  ///< and weir-media's table does not show them done either
  std::uint64_t command_ring_full = 0;
  std::uint64_t null_cipher_refused = 0;  ///< never sent: the options do not allow it
  std::uint64_t aead_refused = 0;         ///< the same
  std::uint64_t injected = 0;
  std::uint64_t inject_ring_full = 0;
  std::uint64_t inject_too_long = 0;
  std::uint64_t events = 0;
  std::uint64_t punts = 0;
  std::uint64_t stale = 0;         ///< events and punts of a flow that is no longer ours
  std::uint64_t ring_corrupt = 0;  ///< times a ring's indexes made no sense: weir-media is damaged
  std::uint64_t orphans_removed = 0;
  std::uint64_t media_restarts = 0;
};

/// Told once how a command ended: success, or why not (refused, timed out).
using CommandDone = std::function<void(const proto::Status&)>;

class DataplaneClient {
 public:
  /// `region` was attached (Region::attach) and outlives the client.
  explicit DataplaneClient(proto::Region& region, DataplaneClientOptions options = {});
  DataplaneClient(const DataplaneClient&) = delete;
  DataplaneClient& operator=(const DataplaneClient&) = delete;

  [[nodiscard]] std::uint32_t workers() const { return region_.shape().workers; }
  [[nodiscard]] const proto::Region& region() const { return region_; }
  [[nodiscard]] const DataplaneClientCounters& counters() const { return counters_; }

  /// Flows that lay in the table when this client attached, of an earlier weir-control. Each is to be removed
  /// (remove_found) or adopted; what is neither stays as it is.
  [[nodiscard]] const std::vector<FlowFound>& flows_found() const { return flows_found_; }
  /// Every flow that is not free now, ours or not: for people.
  [[nodiscard]] std::vector<FlowFound> flows() const;
  /// Ends a flow of flows_found. Never fails: retried until weir-media answers.
  void remove_found(const FlowFound& flow, std::uint64_t now_ns);
  /// Takes a flow of flows_found over: from now on `handler` hears of it, and `remove` ends it.
  void adopt(const FlowFound& flow, FlowHandler& handler);

  /// Reserves an index for a flow at `local_port` and registers its handler. The worker follows from the port.
  /// Errors: the table is full.
  proto::Result<proto::FlowId> reserve(std::uint16_t local_port, FlowHandler& handler);

  // Commands on a reserved flow. Errors, all at once: the ring is full; keys of a NULL cipher that is not allowed.
  // update_keys reads receive, send and key_grace_ms: the old receive keys go on beside the new ones (kKeysConfirmed
  // says that these are in use), sending changes at once, and TransformSpec says whether indexes go on. set_peer reads
  // what CommandKind::kSetPeer says. `done` is
  // called from poll(), exactly once, unless the flow is removed before. `spec.local_port` is the one reserved. The
  // keys in the ring are wiped once read.
  proto::Status open(proto::FlowId flow, const proto::FlowSpec& spec, std::uint64_t now_ns, CommandDone done);
  proto::Status install(proto::FlowId flow, const proto::FlowSpec& spec, std::uint64_t now_ns, CommandDone done);
  proto::Status update_keys(proto::FlowId flow, const proto::FlowSpec& spec, std::uint64_t now_ns, CommandDone done);
  proto::Status set_peer(proto::FlowId flow, const proto::FlowSpec& spec, std::uint64_t now_ns, CommandDone done);

  /// Ends the flow: its handler and its commands' callbacks are forgotten at once; the command itself is retried until
  /// weir-media answers, and only then may the index be used again. Never fails.
  void remove(proto::FlowId flow, std::uint64_t now_ns);

  /// Sends `datagram` from the flow's local port. Errors: the ring is full, or the datagram is longer than
  /// proto::kPuntDataBytesMax.
  proto::Status inject(proto::FlowId flow, const proto::Endpoint& destination, proto::Bytes datagram,
                       std::uint8_t dscp = 0);
  /// Asks whoever the flow's RTCP goes to for whole pictures. Error: the ring is full. weir-media sends nothing where
  /// the flow's terms forbid it.
  proto::Status ask_for_pictures(proto::FlowId flow, const proto::PictureRequest& request);

  /// Gives RTP or RTCP back that came to the flow as application data, as InjectKind::kReceived says. Errors: as
  /// inject.
  proto::Status return_media(proto::FlowId flow, proto::Bytes media);

  /// Takes events and punts from every worker, at most batch_max of each, and looks after timeouts, removals and
  /// wiping. Returns how many events and punts there were. Call it often: from the event loop.
  std::size_t poll(std::uint64_t now_ns);

  /// The flow's status as weir-media shows it, if the index still holds this generation.
  [[nodiscard]] const proto::FlowStatus* status(proto::FlowId flow) const;

  /// Whether every worker has shown a sign of life lately. `now_ns` is CLOCK_MONOTONIC.
  [[nodiscard]] bool media_alive(std::uint64_t now_ns) const;
  /// Times weir-media attached to the region; changes when it was restarted.
  [[nodiscard]] std::uint64_t media_incarnation() const;

 private:
  /// One index of the flow table as weir-control uses it.
  struct Slot {
    std::uint32_t generation = 0;  ///< in use, or of the last use
    std::uint16_t local_port = 0;
    bool used = false;
    FlowHandler* handler = nullptr;
  };

  /// A command that was sent and not answered.
  struct Pending {
    proto::CommandKind kind;
    proto::FlowId flow;
    std::uint64_t sent_ns;
    CommandDone done;
  };

  /// A removal that weir-media has not confirmed yet.
  struct Removal {
    proto::FlowId flow;
    std::uint16_t local_port;
    std::uint64_t sent_ns;  ///< when it was last tried
    std::uint32_t request;  ///< of the last command; 0: the ring was full
  };

  proto::Status send(proto::CommandKind kind, proto::FlowId flow, const proto::FlowSpec& spec, std::uint64_t now_ns,
                     CommandDone done);
  proto::Result<std::uint32_t> push_command(proto::CommandKind kind, proto::FlowId flow, const proto::FlowSpec& spec,
                                            std::uint16_t local_port);
  void send_removal(Removal& removal, std::uint64_t now_ns);
  [[nodiscard]] std::uint32_t worker_of(std::uint16_t local_port) const;
  [[nodiscard]] FlowHandler* handler_of(proto::FlowId flow) const;
  [[nodiscard]] bool table_shows_done(const Pending& pending) const;
  std::size_t poll_worker(std::uint32_t worker, std::uint64_t now_ns);
  void on_event(const proto::Event& event, std::uint64_t now_ns);
  void on_answer(const proto::Event& event);
  void finish_removal(proto::FlowId flow);
  void expire_pending(std::uint64_t now_ns);
  void retry_removals(std::uint64_t now_ns);
  proto::Status inject_as(proto::InjectKind kind, proto::FlowId flow, const proto::Endpoint& destination,
                          proto::Bytes data, std::uint8_t dscp);
  void sweep_orphans(std::uint64_t now_ns);

  proto::Region& region_;
  DataplaneClientOptions options_;
  DataplaneClientCounters counters_;
  std::vector<proto::RingProducer<proto::Command>> commands_;
  std::vector<proto::RingProducer<proto::Inject>> injects_;
  std::vector<proto::RingConsumer<proto::Event>> events_;
  std::vector<proto::RingConsumer<proto::Punt>> punts_;
  std::vector<Slot> slots_;
  std::deque<std::uint32_t> free_;
  std::unordered_map<std::uint32_t, Pending> pending_;   ///< by request number
  std::unordered_map<std::uint32_t, Removal> removals_;  ///< by flow index
  std::vector<FlowFound> flows_found_;
  std::uint32_t request_next_;
  std::uint32_t sweep_next_ = 0;
  std::uint64_t housekeeping_ns_ = 0;
  std::uint64_t incarnation_;
};

}  // namespace weir::controlplane
