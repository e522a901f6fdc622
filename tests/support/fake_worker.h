// weir-media without packets: the other end of a real region's rings. It carries commands out in the flow table that
// weir-control can see, answers them, and keeps what was installed and injected for the test to look at.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proto/region.h"
#include "tests/support/region_shape.h"

namespace weir::tests {

class FakeWorker {
 public:
  struct Sent {
    std::uint16_t local_port;
    proto::Endpoint destination;
    std::vector<std::uint8_t> bytes;
    proto::InjectKind kind;
  };
  /// A flow as it stands: the spec of its last open or install, with what later set-peers and update-keys changed of
  /// it.
  struct Flow {
    proto::FlowId id;
    proto::FlowState state;
    proto::FlowSpec spec;
    std::uint32_t key_updates = 0;
  };

  /// Makes the region in `directory`, as weir-media does.
  explicit FakeWorker(const std::string& directory);

  /// Carries out what lies in the rings of all workers.
  void run();
  /// What lies in the rings was never sent: of a weir-control that was killed before.
  void forget_commands();
  /// Events are swallowed from now on: a weir-media that does its work and cannot say so.
  void set_mute(bool mute) { mute_ = mute; }
  /// Every command of this kind is refused from now on.
  void refuse(proto::CommandKind kind) { refused_ = kind; }

  /// A datagram from the network to a local port; false if no flow there takes DTLS.
  bool punt(std::uint16_t local_port, const proto::Endpoint& source, const std::vector<std::uint8_t>& bytes);
  /// RTP or RTCP came from the network to a local port, and leaves by an association.
  void hand_up(std::uint16_t local_port, const std::vector<std::uint8_t>& media);
  void event(proto::FlowId flow, proto::EventKind kind, const proto::Endpoint& source = {}, std::uint64_t now_ns = 0);
  /// A packet was accepted on the flow at this time; `ssrc`: RTP of that source.
  void heard(proto::FlowId flow, std::uint64_t now_ns, std::uint32_t ssrc = 0);

  [[nodiscard]] const Flow* flow_at(std::uint16_t local_port) const;
  [[nodiscard]] std::size_t flows() const { return flows_.size(); }
  [[nodiscard]] std::size_t installed() const;
  [[nodiscard]] std::uint64_t commands() const { return commands_; }
  std::deque<Sent>& sent() { return sent_; }
  proto::Region& region() { return region_; }

 private:
  bool push_punt(const Flow& flow, const proto::Endpoint& source, const std::vector<std::uint8_t>& bytes);
  void carry_out(const proto::Command& command, std::uint16_t worker);
  proto::Refusal apply(const proto::Command& command);
  void publish(std::uint32_t index, const Flow* flow);
  void push(const proto::Event& event, std::uint32_t worker);

  proto::Region region_;
  std::vector<proto::RingConsumer<proto::Command>> command_rings_;
  std::vector<proto::RingConsumer<proto::Inject>> inject_rings_;
  std::vector<proto::RingProducer<proto::Event>> event_rings_;
  std::vector<proto::RingProducer<proto::Punt>> punt_rings_;
  std::map<std::uint32_t, Flow> flows_;
  std::deque<Sent> sent_;
  std::optional<proto::CommandKind> refused_;
  std::uint64_t commands_ = 0;
  bool mute_ = false;
};

}  // namespace weir::tests
