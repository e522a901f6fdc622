// What a message for one party shows of the other: nothing, if topology is hidden.
#pragma once

#include <string>
#include <vector>

#include "sip/message.h"

namespace weir::tests {

/// What of a party's message names its network or tells its messages from others': hosts of Via, Contact, From,
/// Record-Route and the session description, tags, Call-ID, branches, User-Agent and Server, o='s session and user.
/// Hosts in the To and the Request-URI are those the party was given: they are ours.
std::vector<std::string> traces_of(const sip::Message& message);

/// Those of the party's traces that stand somewhere in `shown`, a message for another party.
std::vector<std::string> leaks(const sip::Message& from_party, const sip::Message& shown);

}  // namespace weir::tests
