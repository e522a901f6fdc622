// Subscriptions outside calls (RFC 6665): two dialogs that know nothing of each other, and how they end.
#include <gtest/gtest.h>

#include "controlplane/outside_requests.h"
#include "sip/write.h"
#include "tests/support/call_lab.h"

namespace weir::tests {
namespace {

using sip::HeaderId;
using sip::Message;

constexpr const char* kPass = "subscriptions = \"pass\"\n";
constexpr const char* kPidf = "application/pidf+xml";

/// Alice's SUBSCRIBE: the first, and with a To tag those that follow.
RequestText a_subscribe(std::uint32_t cseq = 1, const std::string& expires = "600", const std::string& to_tag = "") {
  RequestText request;
  request.method = "SUBSCRIBE";
  request.cseq = cseq;
  request.branch = "z9hG4bKsub" + std::to_string(cseq);
  request.to_tag = to_tag;
  request.headers = "Contact: <sip:alice@198.18.1.2:5062>\r\nEvent: presence;id=7\r\nExpires: " + expires +
                    "\r\nAccept: application/pidf+xml, application/xpidf+xml\r\n";
  return request;
}

std::uint64_t now_of(CallLab& lab) {
  return lab.control().outside().view(kCallers).at("subscriptions_now").to_number<std::uint64_t>();
}

/// A SUBSCRIBE that was passed on, and its answer; the notifier's tag is "callee".
struct Subscribed {
  Message subscribe = Message::request("SUBSCRIBE", "");
  Message answer = Message::response(200, "");
};

Subscribed subscribe(CallLab& lab, const std::string& expires = "600") {
  lab.caller_sends(a_subscribe(1, expires));
  Subscribed subscribed;
  subscribed.subscribe = lab.expect(kCallees, "SUBSCRIBE");
  lab.callee_answers(subscribed.subscribe, 200, "", "callee", "Expires: " + expires + "\r\n");
  subscribed.answer = lab.expect(kCallers, "200");
  return subscribed;
}

void notify(CallLab& lab, const Subscribed& subscribed, std::uint32_t cseq, const std::string& state,
            const std::string& body = "<presence/>", const std::string& tag = "callee",
            const std::string& event = "presence;id=7") {
  lab.callee_sends(subscribed.subscribe, "NOTIFY", cseq, body, tag,
                   "Event: " + event + "\r\nSubscription-State: " + state + "\r\nContent-Type: " + kPidf + "\r\n");
}

/// The last NOTIFY, and its answers; then nothing is left.
void terminate(CallLab& lab, const Subscribed& subscribed, std::uint32_t cseq) {
  notify(lab, subscribed, cseq, "terminated;reason=noresource");
  const Message last = lab.expect(kCallers, "NOTIFY");
  EXPECT_EQ(last.header(HeaderId::kSubscriptionState), "terminated;reason=noresource");
  lab.caller_answers(last, 200);
  (void)lab.expect(kCallees, "200");
  EXPECT_EQ(now_of(lab), 0u);
}

TEST(Subscription, EachSideHasADialogOfItsOwnAndNothingOfTheOthers) {
  CallLab lab("", kPass);
  RequestText request = a_subscribe();
  request.headers += "User-Agent: secret-phone\r\nX-Internal: secret\r\n";
  lab.caller_sends(request);
  Subscribed subscribed;
  subscribed.subscribe = lab.expect(kCallees, "SUBSCRIBE");
  const Message& got = subscribed.subscribe;
  for (const char* const secret : {"198.18.1.", "secret", "alicetag"}) {
    EXPECT_EQ(sip::write(got).find(secret), std::string::npos) << secret << " in\n" << sip::write(got);
  }
  EXPECT_EQ(got.request_uri_text(), "sip:rtp-5070@198.18.2.2:5070");
  EXPECT_EQ(got.header(HeaderId::kEvent), "presence;id=7");
  EXPECT_EQ(got.header(HeaderId::kExpires), "600");
  EXPECT_TRUE(got.lists(HeaderId::kAccept, kPidf));
  EXPECT_EQ(got.contact()->uri.host, "198.18.2.1");
  lab.callee_answers(got, 200, "", "callee", "Expires: 300\r\nServer: secret-server\r\n");
  subscribed.answer = lab.expect(kCallers, "200");
  EXPECT_EQ(subscribed.answer.header(HeaderId::kExpires), "300") << "the notifier's word";
  EXPECT_EQ(subscribed.answer.contact()->uri.host, "198.18.1.1");
  EXPECT_NE(subscribed.answer.to_tag(), "callee");
  notify(lab, subscribed, 1, "active;expires=300");
  const Message told = lab.expect(kCallers, "NOTIFY");
  for (const char* const secret : {"198.18.2.", "secret-server", "callee"}) {
    EXPECT_EQ(sip::write(told).find(secret), std::string::npos) << secret << " in\n" << sip::write(told);
  }
  EXPECT_EQ(told.call_id(), "secret-call-id@198.18.1.2");
  EXPECT_EQ(told.to_tag(), "alicetag");
  EXPECT_EQ(told.from_tag(), subscribed.answer.to_tag());
  EXPECT_EQ(told.request_uri_text(), "sip:alice@198.18.1.2:5062");
  EXPECT_EQ(told.header(HeaderId::kEvent), "presence;id=7");
  EXPECT_EQ(told.header(HeaderId::kSubscriptionState), "active;expires=300");
  EXPECT_EQ(told.body(), "<presence/>");
  EXPECT_EQ(told.content_type(), kPidf);
  EXPECT_TRUE(lab.silent(kCallees)) << "the subscriber has not answered";
  lab.caller_answers(told, 200);
  (void)lab.expect(kCallees, "200");
  terminate(lab, subscribed, 2);
  EXPECT_TRUE(lab.nothing_left());
}

TEST(Subscription, NotifiesKeepTheirOrder) {
  CallLab lab("", kPass);
  const Subscribed subscribed = subscribe(lab);
  std::uint32_t before = 0;
  std::vector<Message> told;
  for (std::uint32_t cseq = 1; cseq <= 3; ++cseq) {
    notify(lab, subscribed, cseq, "active", "state " + std::to_string(cseq));
    told.push_back(lab.expect(kCallers, "NOTIFY"));
    EXPECT_EQ(told.back().body(), "state " + std::to_string(cseq));
    EXPECT_GT(told.back().cseq()->number, before);
    before = told.back().cseq()->number;
  }
  for (std::size_t i = told.size(); i > 0; --i) {
    lab.caller_answers(told[i - 1], 200);
    EXPECT_EQ(lab.expect(kCallees, "200").cseq()->number, i);
  }
  notify(lab, subscribed, 2, "active", "late");
  (void)lab.expect(kCallees, "200");  // a repeated transaction: its answer again
  lab.callee_sends(subscribed.subscribe, "NOTIFY", 1, "", "callee2",
                   "Event: presence;id=7\r\nSubscription-State: active\r\n");
  (void)lab.expect(kCallees, "481");
  EXPECT_TRUE(lab.silent(kCallers));
  terminate(lab, subscribed, 4);
  EXPECT_TRUE(lab.nothing_left());
}

TEST(Subscription, ANotifyMayComeBeforeTheAnswer) {
  CallLab lab("", kPass);
  lab.caller_sends(a_subscribe());
  Subscribed subscribed;
  subscribed.subscribe = lab.expect(kCallees, "SUBSCRIBE");
  notify(lab, subscribed, 1, "pending");
  const Message told = lab.expect(kCallers, "NOTIFY");
  lab.caller_answers(told, 200);
  (void)lab.expect(kCallees, "200");
  lab.callee_answers(subscribed.subscribe, 202, "", "callee", "Expires: 600\r\n");
  subscribed.answer = lab.expect(kCallers, "202");
  EXPECT_EQ(subscribed.answer.to_tag(), told.from_tag()) << "it is one dialog";
  lab.caller_sends(a_subscribe(2, "60", std::string(told.from_tag())));
  const Message refresh = lab.expect(kCallees, "SUBSCRIBE");
  EXPECT_EQ(refresh.to_tag(), "callee");
  EXPECT_EQ(refresh.call_id(), subscribed.subscribe.call_id());
  EXPECT_GT(refresh.cseq()->number, subscribed.subscribe.cseq()->number);
  lab.callee_answers(refresh, 200, "", "callee", "Expires: 60\r\n");
  (void)lab.expect(kCallers, "200");
  terminate(lab, subscribed, 2);
  EXPECT_TRUE(lab.nothing_left());
}

TEST(Subscription, ARefreshMakesItLastAndExpiresOfNothingEndsIt) {
  CallLab lab("", kPass);
  const Subscribed subscribed = subscribe(lab, "60");
  const std::string tag(subscribed.answer.to_tag());
  lab.advance(50'000);
  lab.caller_sends(a_subscribe(2, "100", tag));
  const Message refresh = lab.expect(kCallees, "SUBSCRIBE");
  EXPECT_EQ(refresh.header(HeaderId::kExpires), "100");
  EXPECT_EQ(refresh.request_uri_text(), "sip:bob@198.18.2.2:5070") << "the notifier's Contact";
  lab.callee_answers(refresh, 200, "", "callee", "Expires: 100\r\n");
  EXPECT_EQ(lab.expect(kCallers, "200").header(HeaderId::kExpires), "100");
  lab.advance(95'000);
  notify(lab, subscribed, 1, "active");
  lab.caller_answers(lab.expect(kCallers, "NOTIFY"), 200);
  (void)lab.expect(kCallees, "200");
  lab.caller_sends(a_subscribe(3, "0", tag));
  lab.callee_answers(lab.expect(kCallees, "SUBSCRIBE"), 200, "", "callee", "Expires: 0\r\n");
  EXPECT_EQ(lab.expect(kCallers, "200").header(HeaderId::kExpires), "0");
  terminate(lab, subscribed, 2);
  EXPECT_TRUE(lab.nothing_left());
}

TEST(Subscription, ANotifierThatEndsItBeforeItAnswersLeavesNothing) {
  CallLab lab("", kPass);
  const Subscribed subscribed = subscribe(lab);
  lab.caller_sends(a_subscribe(2, "0", std::string(subscribed.answer.to_tag())));
  const Message end = lab.expect(kCallees, "SUBSCRIBE");
  notify(lab, subscribed, 1, "terminated;reason=timeout");
  lab.caller_answers(lab.expect(kCallers, "NOTIFY"), 200);
  (void)lab.expect(kCallees, "200");
  lab.callee_answers(end, 200, "", "callee", "Expires: 0\r\n");
  (void)lab.expect(kCallers, "200");
  EXPECT_EQ(now_of(lab), 0u);
  EXPECT_TRUE(lab.nothing_left());
}

TEST(Subscription, ParametersOfAPackageTellNothingOfTheOtherSide) {
  CallLab lab("", kPass);
  RequestText request = a_subscribe();
  const std::string plain = "Event: presence;id=7";
  request.headers.replace(request.headers.find(plain), plain.size(), plain + ";call-id=secret;from-tag=alicetag");
  lab.caller_sends(request);
  EXPECT_EQ(lab.expect(kCallees, "SUBSCRIBE").header(HeaderId::kEvent), "presence;id=7");
}

TEST(Subscription, ABodyThatIsTooLongIsRefusedEitherWay) {
  CallLab lab("", std::string(kPass) + "message_bytes_max = 1000\n");
  const std::string body(1001, 'x');
  RequestText request = a_subscribe();
  request.body = body;
  lab.caller_sends(request);
  (void)lab.expect(kCallers, "413");
  request = a_subscribe(2);
  lab.caller_sends(request);
  Subscribed subscribed;
  subscribed.subscribe = lab.expect(kCallees, "SUBSCRIBE");
  lab.callee_answers(subscribed.subscribe, 200, "", "callee");
  (void)lab.expect(kCallers, "200");
  notify(lab, subscribed, 1, "active", body);
  (void)lab.expect(kCallees, "413");
  EXPECT_TRUE(lab.silent(kCallers));
}

TEST(Subscription, OneThatNobodyRefreshesGoesAfterItsTime) {
  CallLab lab("", kPass);
  const Subscribed subscribed = subscribe(lab, "60");
  lab.advance(91'000);
  EXPECT_EQ(now_of(lab), 1u) << "a last NOTIFY may come";
  lab.advance(2'000);
  EXPECT_EQ(now_of(lab), 0u);
  notify(lab, subscribed, 1, "active");
  (void)lab.expect(kCallees, "481");
  lab.caller_sends(a_subscribe(2, "60", std::string(subscribed.answer.to_tag())));
  (void)lab.expect(kCallers, "481");
  EXPECT_TRUE(lab.silent(kCallers));
  EXPECT_TRUE(lab.silent(kCallees));
  EXPECT_TRUE(lab.nothing_left());
}

TEST(Subscription, A481OfEitherSideEndsBoth) {
  for (const bool of_subscriber : {false, true}) {
    SCOPED_TRACE(of_subscriber);
    CallLab lab("", kPass);
    const Subscribed subscribed = subscribe(lab);
    const std::string tag(subscribed.answer.to_tag());
    if (of_subscriber) {
      notify(lab, subscribed, 1, "active");
      lab.caller_answers(lab.expect(kCallers, "NOTIFY"), 481);
      (void)lab.expect(kCallees, "481");
    } else {
      lab.caller_sends(a_subscribe(2, "600", tag));
      lab.callee_answers(lab.expect(kCallees, "SUBSCRIBE"), 481);
      (void)lab.expect(kCallers, "481");
    }
    EXPECT_EQ(now_of(lab), 0u);
    lab.caller_sends(a_subscribe(3, "600", tag));
    (void)lab.expect(kCallers, "481");
    notify(lab, subscribed, 2, "active");
    (void)lab.expect(kCallees, "481");
    EXPECT_TRUE(lab.nothing_left());
  }
}

TEST(Subscription, ANotifyOfAStrangerReachesNobody) {
  CallLab lab("", kPass);
  const Subscribed subscribed = subscribe(lab);
  notify(lab, subscribed, 1, "active", "", "stranger");  // another From tag: whoever has seen the SUBSCRIBE
  (void)lab.expect(kCallees, "481");
  notify(lab, subscribed, 1, "active", "", "callee", "presence;id=8");
  (void)lab.expect(kCallees, "481");
  notify(lab, subscribed, 2, "active", "", "callee", "dialog");
  (void)lab.expect(kCallees, "481");
  Subscribed guessed = subscribed;
  guessed.subscribe.set_header(HeaderId::kFrom, "<sip:alice@198.18.2.1>;tag=guessed");
  notify(lab, guessed, 3, "active");
  (void)lab.expect(kCallees, "481");
  guessed = subscribed;
  guessed.subscribe.set_header(HeaderId::kCallId, "guessed");
  notify(lab, guessed, 4, "active");
  (void)lab.expect(kCallees, "481");
  EXPECT_TRUE(lab.silent(kCallers));
  terminate(lab, subscribed, 5);
  EXPECT_TRUE(lab.nothing_left());
}

/// Whoever knows all of a dialog's names, but is of the other realm.
TEST(Subscription, ANotifyFromTheWrongRealmReachesNobody) {
  CallLab lab("", kPass);
  const Subscribed subscribed = subscribe(lab);
  const Message& sent = subscribed.subscribe;
  lab.deliver(kCallers,
              "NOTIFY sip:weir@198.18.1.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.1.2:5062;branch=z9hG4bKwrong;rport\r\n"
              "Max-Forwards: 70\r\nFrom: <sip:bob@198.18.2.2>;tag=callee\r\nTo: " +
                  std::string(sent.header(HeaderId::kFrom).value()) + "\r\nCall-ID: " + std::string(sent.call_id()) +
                  "\r\nCSeq: 9 NOTIFY\r\nContact: <sip:mallory@198.18.1.2:5062>\r\nEvent: presence;id=7\r\n"
                  "Subscription-State: terminated\r\nContent-Length: 0\r\n\r\n");
  (void)lab.expect(kCallers, "481");
  EXPECT_TRUE(lab.silent(kCallers));
  terminate(lab, subscribed, 1);
  EXPECT_TRUE(lab.nothing_left());
}

TEST(Subscription, ABadNotifyIsRefusedAndTheSubscriptionGoesOn) {
  CallLab lab("", kPass);
  const Subscribed subscribed = subscribe(lab);
  lab.callee_sends(subscribed.subscribe, "NOTIFY", 1, "", "callee", "Event: presence;id=7\r\n");
  (void)lab.expect(kCallees, "400");
  lab.callee_sends(subscribed.subscribe, "NOTIFY", 2, "", "callee", "Subscription-State: active\r\n");
  (void)lab.expect(kCallees, "400");
  lab.callee_sends(subscribed.subscribe, "NOTIFY", 3, "", "callee",
                   "Event: presence;id=7\r\nSubscription-State: active\r\nRequire: teleport\r\n");
  EXPECT_EQ(lab.expect(kCallees, "420").header(HeaderId::kUnsupported), "teleport");
  lab.callee_sends(subscribed.subscribe, "INFO", 4);
  EXPECT_EQ(lab.expect(kCallees, "405").header(HeaderId::kAllow), "NOTIFY");
  EXPECT_TRUE(lab.silent(kCallers));
  terminate(lab, subscribed, 5);
  EXPECT_TRUE(lab.nothing_left());
}

TEST(Subscription, WhatMayNotPassIsRefusedAndNobodyElseHearsOfIt) {
  const auto with = [](const std::string& headers) {
    RequestText request = a_subscribe();
    request.headers = headers;
    return request;
  };
  const std::string contact = "Contact: <sip:alice@198.18.1.2:5062>\r\n";
  RequestText nowhere = a_subscribe();
  nowhere.uri = "sip:nobody@198.18.1.1";
  const std::tuple<const char*, std::string, RequestText, const char*> kRows[] = {
      {"the realm refuses", "messages = \"pass\"\n", a_subscribe(), "405"},
      {"no route", kPass, nowhere, "404"},
      {"no Event", kPass, with(contact), "489"},
      {"no Contact", kPass, with("Event: presence\r\n"), "400"},
      {"an extension", kPass, with(contact + "Event: presence\r\nRequire: teleport\r\n"), "420"},
      {"an event that may not be", std::string(kPass) + "subscription_events = [\"message-summary\"]\n", a_subscribe(),
       "489"},
  };
  for (const auto& [description, callers, request, status] : kRows) {
    SCOPED_TRACE(description);
    CallLab lab("", callers);
    lab.caller_sends(request);
    const Message answer = lab.expect(kCallers, status);
    const bool told = callers.find("summary") != callers.npos;
    EXPECT_EQ(answer.header(HeaderId::kAllowEvents).value_or(""), told ? "message-summary" : "");
    EXPECT_TRUE(lab.silent(kCallees));
    EXPECT_TRUE(lab.nothing_left());
  }
}

TEST(Subscription, ARefusalTellsWhatTheSubscriberNeeds) {
  CallLab lab("", kPass);
  lab.caller_sends(a_subscribe());
  lab.callee_answers(lab.expect(kCallees, "SUBSCRIBE"), 423, "", "callee", "Min-Expires: 900\r\n");
  EXPECT_EQ(lab.expect(kCallers, "423").header(HeaderId::kMinExpires), "900");
  lab.caller_sends(a_subscribe(2));
  lab.callee_answers(lab.expect(kCallees, "SUBSCRIBE"), 489, "", "callee", "Allow-Events: dialog\r\n");
  EXPECT_EQ(lab.expect(kCallers, "489").header(HeaderId::kAllowEvents), "dialog");
  EXPECT_TRUE(lab.nothing_left());
}

TEST(Subscription, ItLastsNoLongerThanTheRealmLetsIt) {
  CallLab lab("", std::string(kPass) + "subscription_s_max = 120\n");
  lab.caller_sends(a_subscribe(1, "4000000000"));
  const Message got = lab.expect(kCallees, "SUBSCRIBE");
  EXPECT_EQ(got.header(HeaderId::kExpires), "120");
  lab.callee_answers(got, 200, "", "callee", "Expires: 4000000000\r\n");
  EXPECT_EQ(lab.expect(kCallers, "200").header(HeaderId::kExpires), "120");
  lab.advance(153'000);
  EXPECT_EQ(now_of(lab), 0u);
}

TEST(Subscription, ThereAreOnlySoManyOfASourceAndOfARealm) {
  for (const char* const limit : {"subscriptions_max = 2\n", "subscriptions_per_source_max = 2\n"}) {
    SCOPED_TRACE(limit);
    CallLab lab("", std::string(kPass) + limit);
    for (std::uint32_t cseq = 1; cseq <= 2; ++cseq) {
      lab.caller_sends(a_subscribe(cseq, "60"));
      lab.callee_answers(lab.expect(kCallees, "SUBSCRIBE"), 200, "", "callee" + std::to_string(cseq),
                         "Expires: 60\r\n");
      (void)lab.expect(kCallers, "200");
    }
    lab.caller_sends(a_subscribe(3, "60"));
    EXPECT_TRUE(lab.expect(kCallers, "503").has(HeaderId::kRetryAfter));
    EXPECT_TRUE(lab.silent(kCallees));
    lab.advance(93'000);
    lab.caller_sends(a_subscribe(4, "60"));
    lab.callee_answers(lab.expect(kCallees, "SUBSCRIBE"), 404);
    (void)lab.expect(kCallers, "404");
    EXPECT_TRUE(lab.nothing_left());
  }
}

TEST(Subscription, ASubscriberThatIsGoneHasNone) {
  CallLab lab("", kPass);
  const Subscribed subscribed = subscribe(lab);
  notify(lab, subscribed, 1, "active");
  lab.advance(33'000);
  while (!lab.silent(kCallers)) (void)lab.next(kCallers);
  EXPECT_EQ(now_of(lab), 0u);
  while (!lab.silent(kCallees)) (void)lab.next(kCallees);
  EXPECT_TRUE(lab.nothing_left());
}

/// RFC 3261 section 12: a Record-Route of the notifier's side, and who is asked through it from then on.
TEST(Subscription, ANotifiersProxyStaysBetween) {
  CallLab lab("", kPass);
  lab.caller_sends(a_subscribe());
  Subscribed subscribed;
  subscribed.subscribe = lab.expect(kCallees, "SUBSCRIBE");
  lab.callee_sends(subscribed.subscribe, "NOTIFY", 1, "", "callee",
                   "Record-Route: <sip:198.18.2.9;lr>\r\nEvent: presence;id=7\r\nSubscription-State: active\r\n");
  const Message told = lab.expect(kCallers, "NOTIFY");
  EXPECT_FALSE(told.has(HeaderId::kRecordRoute));
  lab.caller_answers(told, 200);
  (void)lab.expect(kCallees, "200");
  lab.callee_answers(subscribed.subscribe, 200, "", "callee", "Expires: 600\r\n");
  (void)lab.expect(kCallers, "200");
  lab.caller_sends(a_subscribe(2, "600", std::string(told.from_tag())));
  const Message refresh = lab.expect(kCallees, "SUBSCRIBE");
  EXPECT_EQ(refresh.header(HeaderId::kRoute), "<sip:198.18.2.9;lr>");
  EXPECT_EQ(refresh.request_uri_text(), "sip:bob@198.18.2.2:5070");
  lab.callee_answers(refresh, 200, "", "callee", "Expires: 600\r\n");
  (void)lab.expect(kCallers, "200");
  terminate(lab, subscribed, 2);
  EXPECT_TRUE(lab.nothing_left());
}

TEST(Subscription, WhenTheBorderStopsBothSidesHearOfIt) {
  CallLab lab("", kPass);
  (void)subscribe(lab);
  lab.control().end_all(lab.now_ns, "bye");
  const Message told = lab.expect(kCallers, "NOTIFY");
  EXPECT_EQ(told.header(HeaderId::kSubscriptionState), "terminated;reason=deactivated");
  lab.caller_answers(told, 200);
  const Message left = lab.expect(kCallees, "SUBSCRIBE");
  EXPECT_EQ(left.header(HeaderId::kExpires), "0");
  lab.callee_answers(left, 200);
  EXPECT_TRUE(lab.nothing_left());
}

}  // namespace
}  // namespace weir::tests
