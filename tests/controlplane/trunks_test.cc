// Trunks in virtual time: checks, order, failures, limits, credentials, reloads. The network is a script.
#include "controlplane/trunks.h"

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>
#include <fstream>

#include "sip/write.h"
#include "tests/support/temporary_directory.h"

namespace weir::controlplane {
namespace {

using sip::HeaderId;
using sip::Message;

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kSecond = 1000 * kMs;

constexpr const char* kBorder = R"([[network]]
name = "n"
device = "net_null0"
address = "198.18.2.10/24"
[[realm]]
name = "access"
network = "n"
listen = ["udp:198.18.1.1:5060"]
[[realm]]
name = "core"
network = "n"
listen = ["udp:198.18.2.1:5060"]
[[route]]
realm = "access"
match = '.*'
trunk = "carrier"
[[trunk]]
name = "carrier"
realm = "core"
)";

constexpr const char* kTwoTargets = R"(targets = [
  { uri = "sip:198.18.2.2:5060", priority = 1 },
  { uri = "sip:198.18.2.3:5062;transport=tcp", priority = 2 },
]
check_interval_s = 10
check_timeout_s = 2
failures_max = 2
)";

/// A request that trunks sent, and nobody has answered yet.
struct Sent {
  sip::TransactionId id;
  Requester* requester;
  Message message;
  std::string to;
};

class TrunkLab : public PathFinder {
 public:
  explicit TrunkLab(const std::string& trunk = kTwoTargets) { load(trunk); }

  void load(const std::string& trunk) {
    const proto::settings::Reading reading = proto::settings::read_settings(kBorder + trunk);
    ASSERT_EQ(to_string("f", reading.mistakes), "");
    trunks.set(plan_trunks(reading.settings).value());
  }

  /// Lets time pass, a tick at a time. The network answers as `status` says: 0 is silence.
  void advance(std::uint64_t ms, int status = 0) {
    for (const std::uint64_t end_ns = now_ns + ms * kMs; now_ns < end_ns; now_ns += 10 * kMs) {
      trunks.on_tick(now_ns);
      if (status != 0) answer_all(status);
    }
  }

  void answer_all(int status, const std::string& retry_after = "") {
    while (!sent.empty()) {
      const Sent one = take();
      Message response = sip::make_response(one.message, static_cast<std::uint16_t>(status), "", "tag");
      if (!retry_after.empty()) response.add_header(HeaderId::kRetryAfter, retry_after);
      one.requester->on_response(one.id, response);
    }
  }

  Sent take() {
    Sent one = std::move(sent.front());
    sent.erase(sent.begin());
    return one;
  }

  /// The URIs of a call's targets in their order, or the status of the refusal.
  std::string order(std::string_view user = "+4930") {
    const auto result = trunks.targets("carrier", user, true);
    if (const auto* refusal = std::get_if<Refusal>(&result)) return std::to_string(refusal->status);
    std::string text;
    for (const Target& target : std::get<0>(result)) text += (text.empty() ? "" : " ") + sip::write(target.uri);
    return text;
  }

  TrunkMember member(std::size_t index) { return *std::get<0>(trunks.targets("carrier", "", true)).at(index).member; }

  std::string state(std::size_t row) {
    return std::string(trunks.view(now_ns).as_array().at(row).at("state").as_string());
  }

  std::optional<Path> arrival(const sip::Hop&) const override { return std::nullopt; }
  void locate(std::uint32_t realm, const sip::Uri& uri, Located found) override {
    if (uri.host != "twins.example") return PathFinder::locate(realm, uri, std::move(found));
    located = [this, realm, found] {
      std::vector<Path> ways;
      for (const char* host : {"198.18.2.4", "198.18.2.5"})
        ways.push_back(*towards(realm, sip::make_sip_uri("", host)));
      found(ways);
    };
  }
  std::optional<Path> towards(std::uint32_t realm, const sip::Uri& uri, const Path* = nullptr) override {
    const auto address = proto::parse_ip_address(uri.host);
    if (!address || realm != 1) return std::nullopt;
    const sip::Hop hop{realm, {*address, 0, uri.port.value_or(5060)}, sip::Reliability::kUnreliable};
    return Path{hop, realm, {}, {proto::parse_ip_address("198.18.2.1").value(), 0, 5060}};
  }

  std::uint64_t now_ns = kSecond;
  std::vector<Sent> sent;
  std::function<void()> located;  ///< the answer of DNS, when the test lets it come
  bool room = true;               ///< for transactions
  std::uint32_t drawn = 0;

 private:
  TrunkPorts ports() {
    return {*this,
            [this](Requester& requester, Message message, const sip::Hop& hop) -> std::optional<sip::TransactionId> {
              if (!room) return std::nullopt;
              const sip::TransactionId id{++ids_, 0};
              sent.push_back({id, &requester, std::move(message), proto::to_string(hop.remote)});
              return id;
            },
            [this](sip::TransactionId id) { std::erase_if(sent, [id](const Sent& one) { return one.id == id; }); },
            tokens_, [this](std::uint32_t max) { return std::min(drawn, max); }};
  }

  std::uint32_t ids_ = 0;
  sip::TokenSource tokens_ = [this] { return "token" + std::to_string(++ids_); };

 public:
  std::unique_ptr<Trunks> owner = std::make_unique<Trunks>(ports());
  Trunks& trunks = *owner;
};

constexpr const char* kBoth = "sip:+4930@198.18.2.2:5060 sip:+4930@198.18.2.3:5062;transport=tcp";
constexpr const char* kFirst = "sip:+4930@198.18.2.2:5060";
constexpr const char* kSecondOnly = "sip:+4930@198.18.2.3:5062;transport=tcp";

TEST(Trunks, TheOptionsThatAsks) {
  TrunkLab lab;
  lab.advance(1000);
  ASSERT_EQ(lab.sent.size(), 2u);
  const Message& options = lab.sent[0].message;
  EXPECT_EQ(lab.sent[0].to, "198.18.2.2:5060");
  EXPECT_EQ(options.method(), sip::Method::kOptions);
  EXPECT_EQ(options.request_uri_text(), "sip:198.18.2.2:5060");
  EXPECT_EQ(options.top_via()->host, "198.18.2.1");
  EXPECT_TRUE(options.top_via()->has_branch_cookie());
  EXPECT_EQ(options.max_forwards(), 70);
  EXPECT_FALSE(options.from_tag().empty());
  EXPECT_EQ(options.to_tag(), "");
  EXPECT_TRUE(options.contact());
  EXPECT_EQ(lab.sent[1].to, "198.18.2.3:5062");
}

TEST(Trunks, AnyFinalAnswerBut503SaysThatAMemberIsUp) {
  for (const int status : {200, 404, 405, 401, 500, 603}) {
    TrunkLab lab;
    EXPECT_EQ(lab.state(0), "new");
    lab.advance(100, status);
    EXPECT_EQ(lab.state(0), "up") << status;
    EXPECT_EQ(lab.order(), kBoth);
  }
}

TEST(Trunks, MembersThatDoNotAnswerGoDownAndComeBackWhenTheyDo) {
  TrunkLab lab;
  lab.advance(10'000);
  EXPECT_EQ(lab.order(), kBoth) << "one failure";
  lab.advance(3000);
  EXPECT_EQ(lab.state(0), "down");
  EXPECT_EQ(lab.state(1), "down");
  EXPECT_EQ(lab.order(), kBoth) << "all are down: they are tried";
  lab.advance(10'000, 200);
  EXPECT_EQ(lab.state(0), "up");
  EXPECT_EQ(lab.order(), kBoth);
}

TEST(Trunks, AnAnswerThatComesTooLateIsNone) {
  TrunkLab lab;
  lab.advance(1000);
  const Sent late = lab.sent[0];
  lab.advance(2000);
  EXPECT_TRUE(lab.sent.empty()) << "given up";
  late.requester->on_response(late.id, sip::make_response(late.message, 200, "", "tag"));
  EXPECT_EQ(lab.state(0), "new");
}

TEST(Trunks, AProvisionalAnswerIsNotTheLastWord) {
  TrunkLab lab;
  lab.advance(100);
  const Sent one = lab.sent[0];
  one.requester->on_response(one.id, sip::make_response(one.message, 100, "", ""));
  EXPECT_EQ(lab.state(0), "new");
  one.requester->on_failure(one.id, sip::TransactionFailure::kTransportError);
  EXPECT_EQ(lab.trunks.view(lab.now_ns).as_array().at(0).at("last_answer").as_string(), "transport error");
}

TEST(Trunks, NoRoomForATransactionSaysNothingOfAMember) {
  TrunkLab lab;
  lab.room = false;
  lab.advance(60'000);
  EXPECT_EQ(lab.state(0), "new");
}

TEST(Trunks, AMemberThatCannotBeReachedGoesDown) {
  TrunkLab lab("targets = [{ uri = 'sip:nowhere.example' }]\nfailures_max = 1\nrefuse_when_down = true\n");
  lab.advance(100);
  EXPECT_EQ(lab.state(0), "down");
  EXPECT_EQ(lab.order(), "503");
}

constexpr const char* kTwins = "targets = [{ uri = 'sip:twins.example' }]\ncheck_timeout_s = 2\nfailures_max = 1\n";

TEST(Trunks, AMemberIsUpIfOneOfItsAddressesAnswers) {
  TrunkLab lab(kTwins);
  lab.advance(100);
  EXPECT_TRUE(lab.sent.empty()) << "DNS has not answered";
  lab.located();
  ASSERT_EQ(lab.sent.size(), 1u);
  EXPECT_EQ(lab.sent[0].to, "198.18.2.4:5060");
  lab.advance(2100);
  ASSERT_EQ(lab.sent.size(), 1u);
  EXPECT_EQ(lab.sent[0].to, "198.18.2.5:5060");
  EXPECT_EQ(lab.state(0), "new");
  lab.answer_all(200);
  EXPECT_EQ(lab.state(0), "up");
  lab.advance(30'000);
  lab.located();
  lab.advance(4100);
  EXPECT_EQ(lab.state(0), "down");
}

TEST(Trunks, AnAnswerOfDnsAfterAReloadOrTheEndIsNobodys) {
  TrunkLab lab(kTwins);
  lab.advance(100);
  lab.load(kTwoTargets);
  lab.located();
  EXPECT_TRUE(lab.sent.empty());
  lab.load(kTwins);
  lab.advance(3000);
  lab.owner.reset();
  lab.located();
  EXPECT_TRUE(lab.sent.empty());
}

TEST(Trunks, CallsThatFailTakeAMemberDownToo) {
  TrunkLab lab;
  lab.advance(100, 200);
  const TrunkMember first = lab.member(0);
  lab.trunks.report(first, sip::TransactionFailure::kTimeout);
  EXPECT_EQ(lab.order(), kBoth);
  lab.trunks.report(first, sip::TransactionFailure::kTransportError);
  EXPECT_EQ(lab.order(), kSecondOnly);
  lab.trunks.report(first, sip::TransactionFailure::kAckMissing);
  lab.advance(10'000, 200);
  EXPECT_EQ(lab.order(), kBoth) << "back with an answered OPTIONS";
}

TEST(Trunks, A503IsAFailureAndItsRetryAfterIsKept) {
  TrunkLab lab;
  lab.advance(100, 200);
  const TrunkMember first = lab.member(0);
  Message response = sip::Message::response(503, "Service Unavailable");
  lab.trunks.report(first, response);
  EXPECT_EQ(lab.order(), kBoth) << "one of two";
  lab.trunks.report(first, sip::Message::response(404, "Not Found"));
  response.add_header(HeaderId::kRetryAfter, "25 (upgrade);duration=3600");
  lab.trunks.report(first, response);
  EXPECT_EQ(lab.state(0), "held");
  EXPECT_EQ(lab.order(), kSecondOnly);
  for (int i = 0; i < 240; ++i) {
    lab.advance(100);
    for (const Sent& one : lab.sent) EXPECT_NE(one.to, "198.18.2.2:5060") << "no check during the pause";
    lab.answer_all(200);
  }
  EXPECT_EQ(lab.order(), kSecondOnly);
  lab.advance(2000, 200);
  EXPECT_EQ(lab.order(), kBoth);
}

TEST(Trunks, A503ToACheckIsAFailure) {
  TrunkLab lab;
  lab.advance(100, 503);
  EXPECT_EQ(lab.order(), kBoth);
  lab.advance(10'000, 503);
  EXPECT_EQ(lab.state(0), "down");
}

TEST(Trunks, AllDownIsA503AtOnceIfTheTrunkSaysSo) {
  TrunkLab lab(std::string(kTwoTargets) + "refuse_when_down = true\n");
  lab.advance(100, 200);
  for (const std::size_t member : {0u, 0u}) lab.trunks.report(lab.member(member), sip::TransactionFailure::kTimeout);
  EXPECT_EQ(lab.order(), kSecondOnly);
  for (int i = 0; i < 2; ++i) lab.trunks.report(lab.member(0), sip::TransactionFailure::kTimeout);
  EXPECT_EQ(lab.order(), "503");
}

TEST(Trunks, EqualsAreDrawnByWeight) {
  TrunkLab lab("targets = [{ uri = 'sip:198.18.2.2', weight = 1 }, { uri = 'sip:198.18.2.3', weight = 3 }]\n");
  lab.drawn = 1;
  EXPECT_EQ(lab.order(), "sip:+4930@198.18.2.2 sip:+4930@198.18.2.3");
  lab.drawn = 2;
  EXPECT_EQ(lab.order(), "sip:+4930@198.18.2.3 sip:+4930@198.18.2.2");
}

TEST(Trunks, CallsAtOnceAndASecondAreLimited) {
  TrunkLab lab(std::string(kTwoTargets) + "calls_max = 2\ncalls_per_s_max = 3\n");
  lab.trunks.on_tick(lab.now_ns);
  const TrunkMember first = lab.member(0);
  const TrunkMember second = lab.member(1);
  EXPECT_EQ(lab.order(), kBoth);
  EXPECT_EQ(lab.order(), "503") << "three a second";
  lab.advance(1010);
  {
    const CallSlot one = lab.trunks.begin_call(first);
    const CallSlot two = lab.trunks.begin_call(second);
    EXPECT_EQ(lab.order(), "503") << "two at once";
    EXPECT_EQ(lab.trunks.view(lab.now_ns).as_array().at(0).at("calls_now"), 1);
  }
  EXPECT_EQ(lab.order(), kBoth);
  EXPECT_EQ(lab.trunks.view(lab.now_ns).as_array().at(1).at("calls"), 1);
  EXPECT_EQ(lab.trunks.view(lab.now_ns).as_array().at(1).at("calls_now"), 0);
}

TEST(Trunks, AReloadKeepsWhatStays) {
  TrunkLab lab;
  lab.advance(100, 200);
  const TrunkMember first = lab.member(0);
  const TrunkMember second = lab.member(1);
  const CallSlot call = lab.trunks.begin_call(first);
  const CallSlot other = lab.trunks.begin_call(second);
  for (int i = 0; i < 2; ++i) lab.trunks.report(first, sip::TransactionFailure::kTimeout);
  lab.load("targets = [{ uri = 'sip:198.18.2.4' }, { uri = 'sip:198.18.2.2:5060', priority = 7 }]\nfailures_max = 9\n");
  const auto rows = lab.trunks.view(lab.now_ns).as_array();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows.at(0).at("state").as_string(), "new");
  EXPECT_EQ(rows.at(1).at("state").as_string(), "down");
  EXPECT_EQ(rows.at(1).at("calls_now"), 1);
  EXPECT_EQ(rows.at(1).at("priority"), 7);
  lab.trunks.report(first, sip::Message::response(200, "OK"));
  EXPECT_EQ(lab.member(1), first);
  // Who is gone is nobody.
  lab.trunks.report(second, sip::TransactionFailure::kTimeout);
  lab.trunks.report(second, sip::Message::response(503, ""));
  EXPECT_FALSE(lab.trunks.authorise(second, sip::Message::request("INVITE", "sip:x@h"),
                                    sip::Message::response(401, "Unauthorized")));
  const CallSlot none = lab.trunks.begin_call(second);
}

TEST(Trunks, AReloadThatRemovesAMemberForgetsItsCheck) {
  TrunkLab lab;
  lab.advance(100);
  ASSERT_EQ(lab.sent.size(), 2u);
  const Sent one = lab.sent[1];
  lab.load("targets = [{ uri = 'sip:198.18.2.2:5060' }]\n");
  EXPECT_EQ(lab.sent.size(), 1u);
  one.requester->on_response(one.id, sip::make_response(one.message, 200, "", "tag"));
  lab.answer_all(200);
  EXPECT_EQ(lab.state(0), "up");
}

constexpr const char* kCredentials =
    "credentials = { realm = 'carrier.example', user = 'weir', password = 'secret' }\n";

/// An INVITE with its challenge of a domain.
std::pair<Message, Message> challenged(const std::string& domain) {
  sip::RequestHead head;
  head.request_uri = "sip:+4930@198.18.2.2";
  head.via.transport = "UDP";
  head.via.host = "198.18.2.1";
  head.via.parameters.set("branch", "z9hG4bKone");
  head.call_id = "call-1";
  Message request = sip::make_request(head);
  Message response = sip::make_response(request, 407, "", "tag");
  response.add_header(HeaderId::kProxyAuthenticate, "Digest realm=\"" + domain + "\", nonce=\"n\", qop=\"auth\"");
  return {request, response};
}

TEST(Trunks, CredentialsGoToTheTrunkThatOwnsThem) {
  TrunkLab lab(std::string(kTwoTargets) + kCredentials);
  const auto [request, response] = challenged("carrier.example");
  const std::optional<Message> again = lab.trunks.authorise(lab.member(0), request, response);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->has(HeaderId::kProxyAuthorization));
  const auto [other_request, other_response] = challenged("elsewhere.example");
  EXPECT_FALSE(lab.trunks.authorise(lab.member(0), other_request, other_response));
  EXPECT_FALSE(lab.trunks.authorise(TrunkMember{}, request, response)) << "no trunk's";
  EXPECT_FALSE(TrunkLab().trunks.authorise(TrunkMember{1}, request, response)) << "no credentials";
}

TEST(Trunks, NonceCountsGoOnOverAReload) {
  const std::string trunk = std::string(kTwoTargets) + kCredentials;
  TrunkLab lab(trunk);
  const auto [request, response] = challenged("carrier.example");
  (void)lab.trunks.authorise(lab.member(0), request, response);
  lab.load(trunk);
  const std::optional<Message> again = lab.trunks.authorise(lab.member(0), request, response);
  ASSERT_TRUE(again);
  const auto credentials = sip::digest_credentials(*again, HeaderId::kProxyAuthorization);
  EXPECT_EQ(credentials.at(0).nonce_count(), 2u);
}

TEST(Trunks, APasswordMayLieInAFileAndNeverShows) {
  const tests::TemporaryDirectory directory;
  const std::string path = directory.path() + "/password";
  std::ofstream(path) << "geheim \r\nsecond line\n";
  const std::string trunk = std::string(kTwoTargets) +
                            "credentials = { realm = 'carrier.example', user = 'weir', password_file = '" + path +
                            "' }\n";
  proto::settings::Settings settings = proto::settings::read_settings(kBorder + trunk).settings;
  EXPECT_EQ(plan_trunks(settings).value().at(0).account->password, "geheim ");
  TrunkLab lab(trunk);
  EXPECT_EQ(boost::json::serialize(lab.trunks.view(lab.now_ns)).find("geheim"), std::string::npos);
  std::ofstream(path) << "\n";
  EXPECT_EQ(plan_trunks(settings).error(), "trunk 'carrier': " + path + " has no password in its first line");
  settings.trunks[0].credentials->password_file = directory.path() + "/none";
  EXPECT_NE(plan_trunks(settings).error().find("cannot be read"), std::string::npos);
}

TEST(Trunks, ATargetThatIsNoUriIsNamed) {
  proto::settings::Settings settings = proto::settings::read_settings(std::string(kBorder) + kTwoTargets).settings;
  settings.trunks[0].targets[1].uri = "sip:[::1";
  EXPECT_EQ(plan_trunks(settings).error(), "trunk 'carrier': 'sip:[::1' is no SIP URI");
}

}  // namespace
}  // namespace weir::controlplane
