// Dialogs of both sides. RFC 3261 section 12.
#include "sip/dialog.h"

#include <gtest/gtest.h>

#include "sip/dialog_set.h"
#include "sip/write.h"
#include "tests/sip/transaction_lab.h"

namespace weir::sip {
namespace {

NameAddr name_addr(std::string_view text) {
  return parse_name_addr(text).value();
}

Via fresh_via() {
  return parse_via("SIP/2.0/UDP 198.18.0.2;branch=z9hG4bK-new").value();
}

/// A response to `request`, with whole header lines added.
Message response_to(const Message& request, std::uint16_t status, std::string_view tag,
                    const std::vector<std::pair<HeaderId, std::string>>& headers = {}) {
  Message response = make_response(request, status, "", tag);
  for (const auto& [id, value] : headers) response.add_header(id, value);
  return response;
}

std::vector<std::string> routes(const Message& request) {
  std::vector<std::string> hosts;
  for (const NameAddr& route : request.name_addrs(HeaderId::kRoute)) hosts.push_back(route.uri.host);
  return hosts;
}
using Hosts = std::vector<std::string>;

const Message kInvite = request_of({});
const std::pair<HeaderId, std::string> kContact{HeaderId::kContact, "<sip:bob@198.18.0.20:5070>"};

TEST(DialogUac, TakesItsStateFromTheInviteAndTheResponse) {
  const auto dialog = Dialog::from_response(kInvite, response_to(kInvite, 180, "b1", {kContact}));
  ASSERT_TRUE(dialog);
  EXPECT_EQ(dialog->id(), (DialogId{"call-1", "alice", "b1"}));
  EXPECT_EQ(dialog->state(), DialogState::kEarly);
  EXPECT_TRUE(dialog->is_uac());
  EXPECT_EQ(dialog->local().uri.user, "alice");
  EXPECT_EQ(dialog->remote().uri.user, "bob");
  EXPECT_EQ(dialog->remote_target().host, "198.18.0.20");
  EXPECT_EQ(dialog->next_hop().port, 5070);
  EXPECT_EQ(dialog->local_cseq(), 1u);
  EXPECT_EQ(dialog->remote_cseq(), std::nullopt);
}

TEST(DialogUac, OnlyA101To299WithATagMakesADialog) {
  EXPECT_FALSE(Dialog::from_response(kInvite, response_to(kInvite, 100, "b1")));
  EXPECT_FALSE(Dialog::from_response(kInvite, response_to(kInvite, 180, "")));
  EXPECT_FALSE(Dialog::from_response(kInvite, response_to(kInvite, 300, "b1")));
  EXPECT_TRUE(Dialog::from_response(kInvite, response_to(kInvite, 101, "b1")));
  const auto confirmed = Dialog::from_response(kInvite, response_to(kInvite, 200, "b1", {kContact}));
  EXPECT_EQ(confirmed->state(), DialogState::kConfirmed);
}

TEST(DialogUac, WithoutContactTheRequestUriStaysTheTarget) {
  const auto dialog = Dialog::from_response(kInvite, response_to(kInvite, 180, "b1"));
  EXPECT_EQ(write(dialog->remote_target()), "sip:bob@198.18.0.2");
}

TEST(DialogUac, ReadsTheRecordRouteFromItsEnd) {
  auto dialog = Dialog::from_response(
      kInvite, response_to(kInvite, 200, "b1",
                           {kContact,
                            {HeaderId::kRecordRoute, "<sip:198.18.0.13;lr>, <sip:198.18.0.12;lr>"},
                            {HeaderId::kRecordRoute, "<sip:198.18.0.11;lr>"}}));
  const Message bye = dialog->make_request(Method::kBye, fresh_via());
  EXPECT_EQ(bye.request_uri_text(), "sip:bob@198.18.0.20:5070");
  EXPECT_EQ(routes(bye), (Hosts{"198.18.0.11", "198.18.0.12", "198.18.0.13"}));
  EXPECT_EQ(dialog->next_hop().host, "198.18.0.11");
}

TEST(DialogUac, AStrictRouterGetsItsUriAsRequestUriAndTheTargetAsLastRoute) {
  auto dialog = Dialog::from_response(
      kInvite,
      response_to(kInvite, 200, "b1",
                  {kContact, {HeaderId::kRecordRoute, "<sip:198.18.0.12;lr>, <sip:198.18.0.11;method=INVITE?a=b>"}}));
  const Message bye = dialog->make_request(Method::kBye, fresh_via());
  EXPECT_EQ(bye.request_uri_text(), "sip:198.18.0.11") << "no method parameter, no headers (section 19.1.1)";
  EXPECT_EQ(routes(bye), (Hosts{"198.18.0.12", "198.18.0.20"}));
  EXPECT_EQ(dialog->next_hop().host, "198.18.0.11");
}

TEST(DialogUac, RequestsCountTheirCseqAndCarryTagsAndContact) {
  auto dialog = Dialog::from_response(kInvite, response_to(kInvite, 200, "b1", {kContact}));
  const Message reinvite = dialog->make_request(Method::kInvite, fresh_via());
  EXPECT_EQ(reinvite.cseq(), make_cseq(2, Method::kInvite));
  EXPECT_EQ(reinvite.from_tag(), "alice");
  EXPECT_EQ(reinvite.to_tag(), "b1");
  EXPECT_EQ(reinvite.call_id(), "call-1");
  EXPECT_EQ(reinvite.max_forwards(), 70);
  EXPECT_EQ(reinvite.contact()->uri.user, "alice");
  const Message bye = dialog->make_request(Method::kBye, fresh_via());
  EXPECT_EQ(bye.cseq(), make_cseq(3, Method::kBye));
  EXPECT_FALSE(bye.has(HeaderId::kContact));
  EXPECT_TRUE(parse_message(write(bye)).ok());
}

TEST(DialogUac, TheAckHasTheInvitesCseqAndCredentialsAndTheDialogsRoute) {
  const Message invite = request_of(
      {.extra = "Proxy-Authorization: Digest username=\"a\", realm=\"b\"\nAuthorization: Digest x=\"1\", y=\"2\"\n"});
  auto dialog = Dialog::from_response(
      invite, response_to(invite, 200, "b1", {kContact, {HeaderId::kRecordRoute, "<sip:198.18.0.11;lr>"}}));
  dialog->make_request(Method::kOptions, fresh_via());
  const Message ack = dialog->make_ack(invite, fresh_via());
  EXPECT_EQ(ack.method(), Method::kAck);
  EXPECT_EQ(ack.cseq(), make_cseq(1, Method::kAck));
  EXPECT_EQ(ack.to_tag(), "b1");
  EXPECT_EQ(ack.request_uri_text(), "sip:bob@198.18.0.20:5070");
  EXPECT_EQ(routes(ack), Hosts{"198.18.0.11"});
  EXPECT_EQ(ack.header(HeaderId::kProxyAuthorization), "Digest username=\"a\", realm=\"b\"");
  EXPECT_EQ(ack.header(HeaderId::kAuthorization), "Digest x=\"1\", y=\"2\"");
  EXPECT_EQ(ack.top_via()->branch(), "z9hG4bK-new");
}

TEST(DialogUac, TheAcceptanceConfirmsAndRecomputesTheRoute) {
  auto dialog = Dialog::from_response(
      kInvite, response_to(kInvite, 180, "b1", {kContact, {HeaderId::kRecordRoute, "<sip:198.18.0.11;lr>"}}));
  dialog->on_response(response_to(kInvite, 183, "b1", {{HeaderId::kRecordRoute, "<sip:198.18.0.15;lr>"}}));
  EXPECT_EQ(dialog->next_hop().host, "198.18.0.11");
  dialog->on_response(
      response_to(kInvite, 200, "b1",
                  {{HeaderId::kContact, "<sip:b@198.18.0.21>"}, {HeaderId::kRecordRoute, "<sip:198.18.0.12;lr>"}}));
  EXPECT_EQ(dialog->state(), DialogState::kConfirmed);
  EXPECT_EQ(dialog->next_hop().host, "198.18.0.12");
  EXPECT_EQ(dialog->remote_target().host, "198.18.0.21");
}

TEST(DialogUac, ALaterAcceptanceRefreshesTheTargetAndNotTheRoute) {
  auto dialog = Dialog::from_response(
      kInvite, response_to(kInvite, 200, "b1", {kContact, {HeaderId::kRecordRoute, "<sip:198.18.0.11;lr>"}}));
  const Message reinvite = dialog->make_request(Method::kInvite, fresh_via());
  dialog->on_response(
      response_to(reinvite, 200, "b1",
                  {{HeaderId::kContact, "<sip:b@198.18.0.22>"}, {HeaderId::kRecordRoute, "<sip:198.18.0.19;lr>"}}));
  EXPECT_EQ(dialog->remote_target().host, "198.18.0.22");
  EXPECT_EQ(dialog->next_hop().host, "198.18.0.11");
  const Message options = dialog->make_request(Method::kOptions, fresh_via());
  dialog->on_response(response_to(options, 200, "b1", {{HeaderId::kContact, "<sip:b@198.18.0.66>"}}));
  EXPECT_EQ(dialog->remote_target().host, "198.18.0.22") << "OPTIONS is no target refresh";
  const Message again = dialog->make_request(Method::kInvite, fresh_via());
  dialog->on_response(response_to(again, 488, "b1", {{HeaderId::kContact, "<sip:b@198.18.0.66>"}}));
  EXPECT_EQ(dialog->remote_target().host, "198.18.0.22");
}

Dialog uas_dialog(const Message& invite = kInvite) {
  return Dialog::from_request(invite, "b1", name_addr("<sip:weir@198.18.0.2>")).value();
}

TEST(DialogUas, TakesItsStateFromTheRequest) {
  const Message invite =
      request_of({.extra = "Record-Route: <sip:198.18.0.11;lr>\nRecord-Route: <sip:198.18.0.12;lr>\n"});
  Dialog dialog = uas_dialog(invite);
  EXPECT_EQ(dialog.id(), (DialogId{"call-1", "b1", "alice"}));
  EXPECT_FALSE(dialog.is_uac());
  EXPECT_EQ(dialog.state(), DialogState::kEarly);
  EXPECT_EQ(dialog.remote_target().host, "198.18.0.1");
  EXPECT_EQ(dialog.remote_cseq(), 1u);
  const Message bye = dialog.make_request(Method::kBye, fresh_via());
  EXPECT_EQ(routes(bye), (Hosts{"198.18.0.11", "198.18.0.12"})) << "in the order they came";
  EXPECT_EQ(bye.cseq()->number, 1u);
  EXPECT_EQ(bye.from_tag(), "b1");
  EXPECT_EQ(bye.to_tag(), "alice");
  dialog.confirm();
  EXPECT_EQ(dialog.state(), DialogState::kConfirmed);
  dialog.terminate();
  dialog.confirm();
  EXPECT_EQ(dialog.state(), DialogState::kTerminated);
}

TEST(DialogUas, NeedsAContactToReachThePeerBy) {
  Message invite = kInvite;
  invite.remove_header(HeaderId::kContact);
  EXPECT_FALSE(Dialog::from_request(invite, "b1", name_addr("<sip:weir@198.18.0.2>")));
  invite.set_header(HeaderId::kContact, "<tel:+15551234>");
  EXPECT_FALSE(Dialog::from_request(invite, "b1", name_addr("<sip:weir@198.18.0.2>")));
}

TEST(DialogUas, ResponsesCarryTagRouteAndContact) {
  const Message invite = request_of({.extra = "Record-Route: <sip:198.18.0.11;lr>, <sip:198.18.0.12;lr>\n"});
  const Dialog dialog = uas_dialog(invite);
  const Message ringing = dialog.make_response(invite, 180, "");
  EXPECT_EQ(ringing.to_tag(), "b1");
  EXPECT_EQ(ringing.name_addrs(HeaderId::kRecordRoute).size(), 2u);
  EXPECT_EQ(ringing.contact()->uri.user, "weir");
  const Message busy = dialog.make_response(invite, 486, "");
  EXPECT_EQ(busy.to_tag(), "b1");
  EXPECT_FALSE(busy.has(HeaderId::kRecordRoute));
  EXPECT_FALSE(busy.has(HeaderId::kContact));
  EXPECT_EQ(dialog.make_response(invite, 100, "").to_tag(), "");
}

TEST(DialogUas, RequestsMustComeInOrder) {
  Dialog dialog = uas_dialog(request_of({.cseq = "10"}));
  const auto verdict = [&](const char* method, const char* cseq) {
    return dialog.on_request(request_of({.method = method, .to_tag = "b1", .cseq = cseq}));
  };
  EXPECT_EQ(verdict("OPTIONS", "9"), DialogVerdict::kOutOfOrder);
  EXPECT_EQ(verdict("OPTIONS", "11"), DialogVerdict::kInOrder);
  EXPECT_EQ(verdict("BYE", "10"), DialogVerdict::kOutOfOrder);
  EXPECT_EQ(verdict("ACK", "10"), DialogVerdict::kInOrder) << "an ACK has its INVITE's number";
  EXPECT_EQ(verdict("INFO", "500"), DialogVerdict::kInOrder) << "gaps are no error";
  EXPECT_EQ(dialog.remote_cseq(), 500u);
  dialog.terminate();
  EXPECT_EQ(verdict("BYE", "501"), DialogVerdict::kTerminated);
}

TEST(DialogUas, OnlyTargetRefreshRequestsInOrderMoveTheTarget) {
  Dialog dialog = uas_dialog();
  const auto receive = [&](const char* method, const char* cseq, const char* host) {
    Message request = request_of({.method = method, .to_tag = "b1", .cseq = cseq});
    request.set_header(HeaderId::kContact, std::string("<sip:a@") + host + ">");
    dialog.on_request(request);
    return dialog.remote_target().host;
  };
  EXPECT_EQ(receive("INFO", "2", "198.18.0.31"), "198.18.0.1");
  EXPECT_EQ(receive("INVITE", "3", "198.18.0.32"), "198.18.0.32");
  EXPECT_EQ(receive("UPDATE", "2", "198.18.0.33"), "198.18.0.32") << "out of order";
  EXPECT_EQ(receive("UPDATE", "4", "198.18.0.34"), "198.18.0.34");
  EXPECT_EQ(receive("ACK", "4", "198.18.0.35"), "198.18.0.34");
}

TEST(DialogUas, ThePeersNumbersAreNotOurs) {
  Dialog dialog = Dialog::from_response(kInvite, response_to(kInvite, 200, "b1", {kContact})).value();
  EXPECT_EQ(dialog.on_request(request_of({.method = "BYE", .from_tag = "b1", .to_tag = "alice", .cseq = "1"})),
            DialogVerdict::kInOrder);
  EXPECT_EQ(dialog.local_cseq(), 1u);
}

TEST(DialogId, IsTheSameForBothDirectionsOfOneEnd) {
  const Message request = request_of({.method = "BYE", .from_tag = "b1", .to_tag = "alice"});
  EXPECT_EQ(dialog_id_of(request), (DialogId{"call-1", "alice", "b1"}));
  EXPECT_EQ(dialog_id_of(response_to(kInvite, 200, "b1")), (DialogId{"call-1", "alice", "b1"}));
  EXPECT_EQ(dialog_id_of(kInvite), (DialogId{"call-1", "", "alice"}));
}

TEST(DialogSet, AForkedInviteMakesADialogForEachTag) {
  DialogSet set;
  Dialog* first = set.on_response(kInvite, response_to(kInvite, 180, "b1", {kContact}));
  Dialog* second = set.on_response(kInvite, response_to(kInvite, 183, "b2", {kContact}));
  ASSERT_TRUE(first && second && first != second);
  EXPECT_EQ(set.on_response(kInvite, response_to(kInvite, 180, "b1")), first);
  EXPECT_EQ(set.on_response(kInvite, response_to(kInvite, 200, "b2", {kContact})), second);
  EXPECT_EQ(second->state(), DialogState::kConfirmed);
  EXPECT_EQ(set.on_response(kInvite, response_to(kInvite, 100, "")), nullptr);
  EXPECT_EQ(set.on_response(kInvite, response_to(kInvite, 486, "b3")), nullptr);
  EXPECT_EQ(set.size(), 2u);
  set.erase_early();
  EXPECT_EQ(set.size(), 1u);
  EXPECT_EQ(set.find("b2"), second);
  EXPECT_EQ(set.find("b1"), nullptr);
}

TEST(DialogSet, HoldsABoundedNumberOfForks) {
  DialogSet set;
  for (std::size_t i = 0; i < 2 * DialogSet::kDialogsMax; ++i) {
    set.on_response(kInvite, response_to(kInvite, 180, "b" + std::to_string(i)));
  }
  EXPECT_EQ(set.size(), DialogSet::kDialogsMax);
}

}  // namespace
}  // namespace weir::sip
