// A shard without sockets: call control in virtual time over a region with a fake worker. The two parties are scripts
// that write SIP by hand and read what Weir sent them. Realm 0 is the callers' side, realm 1 the callees'.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/call_control.h"
#include "controlplane/call_detail.h"
#include "controlplane/call_journal.h"
#include "controlplane/dataplane_client.h"
#include "controlplane/flow_heirs.h"
#include "controlplane/media_engine.h"
#include "controlplane/policy.h"
#include "controlplane/trunks.h"
#include "sip/message.h"
#include "tests/support/fake_worker.h"
#include "tests/support/temporary_directory.h"

namespace weir::tests {

inline constexpr std::uint32_t kCallers = 0;
inline constexpr std::uint32_t kCallees = 1;

/// A plain RTP session description of one PCMA stream at `address`:`port`; `attributes` are whole lines.
std::string plain_sdp(const std::string& address, std::uint16_t port, const std::string& attributes = "");
/// The same over UDP/TLS/RTP/SAVP.
std::string secured_sdp(const std::string& address, std::uint16_t port, const std::string& attributes);
/// The value of the first `a=NAME:` line, or what follows `m=audio `, of a body.
std::string sdp_value(std::string_view body, const std::string& prefix);

/// What a party's request is made of.
struct RequestText {
  std::string method = "INVITE";
  std::string uri = "sip:rtp-5070@198.18.1.1";
  std::string branch = "z9hG4bKcaller1";
  std::string to_tag{};
  std::uint32_t cseq = 1;
  std::string body{};
  std::string headers = "Contact: <sip:alice@198.18.1.2:5062>\r\n";  ///< whole lines
  std::string content_type = "application/sdp";
  std::string max_forwards = "70";
};

class CallLab : public controlplane::PathFinder, public sip::MessageSender {
 public:
  /// `control` is added to the [control] table of the configuration, which is its last; `callers` and `callees` to the
  /// realms.
  explicit CallLab(const std::string& control = "", const std::string& callers = "", const std::string& callees = "");
  ~CallLab() override;

  /// A weir-control that went without a word and was started again, over the same region and journal. Connections went
  /// with it.
  void restart();

  // From the parties.
  /// Bytes of a party arrive.
  void deliver(std::uint32_t realm, std::string_view bytes);
  /// What becomes of a datagram that waited for so long in its socket: see CallControl::turn_away.
  bool turned_away(std::uint32_t realm, std::string_view datagram, std::uint64_t waited_ns, bool newcomers = false);
  /// A connection that the party of that side has made; what it sends from now on comes over it.
  sip::Hop connect(std::uint32_t realm, proto::settings::SipTransport transport);
  /// It has ended.
  void cut(const sip::Hop& hop) { connections_.erase(hop.handle); }
  /// A request of the caller, in or outside the dialog.
  void caller_sends(const RequestText& request);
  /// A request without body that goes with the caller's first INVITE: CANCEL, or the ACK of a refusal.
  void caller_sends_bare(const std::string& method, std::string_view to_tag = "");
  /// The callee answers a request of Weir's. `body` is SDP; `headers` are whole lines.
  void callee_answers(const sip::Message& request, std::uint16_t status, const std::string& body = "",
                      const std::string& tag = "callee", const std::string& headers = "");
  /// A request of the callee in the dialog that `invite` made. `headers` are whole lines; without a Content-Type among
  /// them a body is SDP.
  void callee_sends(const sip::Message& invite, const std::string& method, std::uint32_t cseq,
                    const std::string& body = "", const std::string& tag = "callee", const std::string& headers = "");
  /// The caller answers a request of Weir's.
  void caller_answers(const sip::Message& request, std::uint16_t status, const std::string& body = "");

  // To the parties.
  /// The next message Weir sent to that side; an empty response if there is none, and the test has failed.
  sip::Message next(std::uint32_t realm);
  /// By which way the last one that was read went.
  sip::Hop last_hop;
  /// next(), and its start line's method or status must be this: "INVITE", "200".
  sip::Message expect(std::uint32_t realm, std::string_view what);
  [[nodiscard]] bool silent(std::uint32_t realm) const { return sent_[realm].empty(); }

  /// The call of most tests: INVITE, 180, 200, ACK. Leaves nothing unread; callee_invite and answer are kept.
  void establish();
  /// The same of a call of this INVITE, whose callee answers at once with `sdp`.
  void establish(const RequestText& invite, const std::string& sdp);
  /// Requests of an established call's caller.
  [[nodiscard]] RequestText in_dialog(const std::string& method, std::uint32_t cseq) const;

  /// Lets time pass: every deadline on the way fires.
  void advance(std::uint64_t milliseconds);
  /// Lets rings and timers do what is due now.
  void settle();
  /// Whether nothing is left once all transactions have died: calls, transactions, flows.
  [[nodiscard]] bool nothing_left();

  controlplane::CallControl& control() { return *control_; }
  controlplane::MediaEngine& media() { return *media_; }
  FakeWorker& worker() { return worker_; }
  /// What weir-media is told to do with the names of sources that arrive at a port of ours: proto::kHidesSources,
  /// proto::kFindsSources. 0xff: there is no flow.
  [[nodiscard]] std::uint8_t hiding_at(std::uint16_t port);
  /// The settings that everything reads, for a reload of what may change.
  proto::settings::Settings& settings() { return settings_; }
  std::uint64_t now_ns = 1'000'000'000;
  std::array<sip::Hop, 2> party;                              ///< where what the parties send comes from
  controlplane::FlowHeirs heirs;                              ///< who came back by another connection
  std::vector<controlplane::Target> registered;               ///< whoever a route to the registrar asks for
  std::optional<sip::Message> callee_invite;                  ///< what the callee got
  std::optional<sip::Message> answer;                         ///< the 200 the caller got
  std::vector<boost::json::object> records;                   ///< of calls that have ended
  static constexpr std::int64_t kUnixMs = 1'700'000'000'123;  ///< the wall clock: it stands, 2023-11-14T22:13:20.123Z

 private:
  std::optional<controlplane::Path> arrival(const sip::Hop& hop) const override;
  std::optional<controlplane::Path> heir(const sip::Hop& hop) const override;
  std::optional<controlplane::Path> left(std::uint32_t realm, proto::settings::SipTransport transport,
                                         const sip::Hop& hop) const override;
  std::optional<controlplane::Path> towards(std::uint32_t realm, const sip::Uri& uri,
                                            const controlplane::Path* like) override;
  bool send(const sip::Hop& hop, std::string_view bytes) override;
  void start();

  TemporaryDirectory directory_;
  proto::settings::Settings settings_;
  FakeWorker worker_;
  std::optional<proto::Region> region_;
  std::optional<controlplane::CallJournal> journal_;
  std::unique_ptr<controlplane::DataplaneClient> client_;
  std::unique_ptr<controlplane::MediaEngine> media_;
  std::optional<controlplane::Policy> policy_;
  sip::TokenSource token_source_;
  std::unique_ptr<controlplane::Trunks> trunks_;  ///< checked once, unless the settings say otherwise
  const controlplane::CallRecorder recorder_{
      .unix_ms = [] { return kUnixMs; },
      .write = [this](const boost::json::object& record) { records.push_back(record); }};
  std::unique_ptr<controlplane::CallControl> control_;
  struct Sent {
    sip::Message message;
    sip::Hop hop;
  };
  std::array<std::deque<Sent>, 2> sent_;
  std::map<std::uint64_t, controlplane::Path> connections_;  ///< by handle
  std::uint64_t connection_last_ = 100;
  std::uint64_t tokens_ = 0;
};

}  // namespace weir::tests
