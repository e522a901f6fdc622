#include "bench/generator/streams.h"

#include <openssl/evp.h>
#include <time.h>

#include <cstring>
#include <memory>

#include "bench/support/stages.h"
#include "proto/assert.h"
#include "proto/inet.h"
#include "proto/region.h"

namespace weir::bench {

std::string sdes_key(proto::SrtpProfile profile, const Stream& stream) {
  const proto::SrtpProfileInfo& info = proto::srtp_profile(profile);
  std::vector<std::uint8_t> both(stream.master.key.begin(), stream.master.key.begin() + info.key_bytes);
  both.insert(both.end(), stream.master.salt.begin(), stream.master.salt.begin() + info.salt_bytes);
  std::string text(4 * ((both.size() + 2) / 3), '\0');
  EVP_EncodeBlock(reinterpret_cast<std::uint8_t*>(text.data()), both.data(), static_cast<int>(both.size()));
  return text;
}

Datagrams::Datagrams(Workload workload, std::uint64_t packets) {
  const bool secured = workload.profile() != proto::SrtpProfile::kNone;
  std::unique_ptr<Stages> stages;
  if (secured) stages = std::make_unique<Stages>(workload, dataplane::kBurstMax);
  while (streams_.size() < packets) {
    workload.next_pass();
    if (secured) stages->protect(workload.packets());
    packet_bytes_ = workload.packets().front().bytes;
    for (const Packet& packet : workload.packets()) {
      memory_.insert(memory_.end(), packet.data, packet.data + packet_bytes_);
      streams_.push_back(packet.stream);
    }
  }
}

namespace {

proto::Endpoint client(const std::string& address) {
  const proto::Result<proto::IpAddress> parsed = proto::parse_ip_address(address);
  WEIR_ASSERT(parsed.ok());
  return {.address = *parsed, .port = kClientPort};
}

/// weir-control's ends of one worker's rings.
class Control {
 public:
  explicit Control(proto::Region& region) : region_(region) {
    for (std::uint32_t worker = 0; worker < region.shape().workers; ++worker) {
      commands_.push_back(region.command_producer(worker));
      events_.push_back(region.event_consumer(worker));
    }
  }

  /// Sends a command to the worker of its port and waits for its answer.
  proto::EventKind ask(proto::Command command) {
    const std::uint32_t worker = proto::worker_of_port(command.spec.local_port, region_.shape().workers);
    command.request = ++requests_;
    WEIR_ASSERT(commands_[worker].push(command) == proto::RingState::kOk);
    proto::Event answer{};
    while (answer.request != command.request) {
      const timespec moment = {.tv_sec = 0, .tv_nsec = 10'000};
      if (events_[worker].pop(answer) != proto::RingState::kOk) nanosleep(&moment, nullptr);
    }
    return answer.kind;
  }

  /// An entry's next generation, after whatever lay there is gone.
  std::uint32_t free(std::uint32_t index, std::uint16_t local_port) {
    const proto::FlowStatus& status = region_.flow_status(index);
    proto::Command command{};
    command.kind = proto::CommandKind::kRemove;
    command.flow = {.index = index, .generation = status.generation};
    command.spec.local_port = local_port;
    if (status.state != proto::FlowState::kFree) WEIR_ASSERT(ask(command) == proto::EventKind::kRemoved);
    return status.generation + 1;
  }

 private:
  proto::Region& region_;
  std::vector<proto::RingProducer<proto::Command>> commands_;
  std::vector<proto::RingConsumer<proto::Event>> events_;
  std::uint32_t requests_ = 0;
};

/// From the client of `side` to the other one, without keys.
proto::Command make_install(std::uint32_t call, std::uint8_t side, const proto::Endpoint& from,
                            const proto::Endpoint& to) {
  proto::Command command{};
  command.kind = proto::CommandKind::kInstall;
  command.flow.index = 2 * call + side;
  command.spec.local_port = static_cast<std::uint16_t>(kFirstCallPort + 2 * call);
  command.spec.network = side;
  command.spec.accepts = proto::kAcceptRtp | proto::kAcceptRtcp;
  command.spec.peer = from;
  command.spec.rtp = {
      .peer = to, .local_port = command.spec.local_port, .network = static_cast<std::uint8_t>(1 - side), .dscp = 46};
  return command;
}

}  // namespace

void install_calls(const std::string& region_directory, const Calls& calls, const std::string& client_a,
                   const std::string& client_b) {
  proto::Result<proto::Region> region = proto::Region::attach(region_directory);
  WEIR_ASSERT(region.ok());
  Control control(*region);
  const Workload from_a = calls.from_a();
  const Workload to_a = calls.to_a();
  for (std::uint32_t call = 0; call < calls.count; ++call) {
    proto::Command from = make_install(call, 0, client(client_a), client(client_b));
    from.spec.receive = from_a.streams()[call].transform;
    proto::Command to = make_install(call, 1, client(client_b), client(client_a));
    to.spec.send = to_a.streams()[call].transform;
    for (proto::Command* command : {&from, &to}) {
      command->flow.generation = control.free(command->flow.index, command->spec.local_port);
      WEIR_ASSERT(control.ask(*command) == proto::EventKind::kInstalled);
    }
  }
}

}  // namespace weir::bench
