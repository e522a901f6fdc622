// Any REGISTER is a wish within its bounds or a refusal that says why; what is kept of a contact reads the same again,
// and the bindings hold their limits whatever is asked of them.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "controlplane/bindings.h"
#include "controlplane/register_request.h"
#include "proto/assert.h"
#include "sip/parse.h"

namespace weir::controlplane {
namespace {

constexpr Bindings::Limits kLimits{3, 5};

void check(const RegisterRequest& wish) {
  WEIR_ASSERT(!wish.user.empty() && wish.user.size() <= kAorUserBytesMax && wish.path.size() <= kPathBytesMax);
  WEIR_ASSERT(wish.contacts.empty() || !wish.remove_all);
  for (const ContactRequest& contact : wish.contacts) {
    WEIR_ASSERT(contact.text.size() <= kContactBytesMax && contact.q <= kQMax && contact.expires_s <= 7200);
    const auto again = sip::parse_name_addr(contact.text);
    WEIR_ASSERT(again && equivalent(again->uri, contact.uri) == equivalent(contact.uri, contact.uri));
    WEIR_ASSERT(!again->parameters.has("expires") && contact.text.find_first_of("\r\n") == std::string::npos);
  }
}

/// The same wish twice, the second time as a later request; then as another user.
void apply(RegisterRequest wish) {
  Bindings bindings(kLimits, nullptr);
  const Arrival arrival{1, 1, Path{}, "realm", true};
  for (int turn = 0; turn < 4; ++turn) {
    static_cast<void>(bindings.apply(wish, arrival));
    const auto* const found = bindings.find({"realm", wish.user});
    WEIR_ASSERT(found == nullptr || (!found->empty() && found->size() <= kLimits.per_user_max));
    WEIR_ASSERT(bindings.size() <= kLimits.all_max && bindings.size() >= (found == nullptr ? 0 : found->size()));
    ++wish.cseq;
    if (turn == 1) wish.user += 'x';
  }
  bindings.expire(~std::uint64_t{0});
  WEIR_ASSERT(bindings.size() == 0 && bindings.all().empty());
}

}  // namespace
}  // namespace weir::controlplane

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  const sip::ParseResult parsed = sip::parse_message({reinterpret_cast<const char*>(data), size});
  if (!parsed.ok() || !parsed.message().is_request()) return 0;
  const proto::settings::RegistrarSettings registrar;
  proto::settings::RealmRegistrarSettings realm;
  realm.domains = {"example.com"};
  const std::function<bool(const proto::Endpoint&)> anywhere = [](const proto::Endpoint&) { return true; };
  const auto read = controlplane::read_register(parsed.message(), {registrar, realm, anywhere});
  if (const auto* refusal = std::get_if<controlplane::RegisterRefusal>(&read)) {
    WEIR_ASSERT(refusal->status >= 400 && refusal->status < 500 && !refusal->reason.empty());
    return 0;
  }
  const auto& wish = std::get<controlplane::RegisterRequest>(read);
  controlplane::check(wish);
  controlplane::apply(wish);
  return 0;
}
