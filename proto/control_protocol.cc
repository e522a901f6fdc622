#include "proto/control_protocol.h"

namespace weir::proto {

const char* to_string(Refusal refusal) {
  switch (refusal) {
    case Refusal::kNone:
      return "not refused";
    case Refusal::kKindUnknown:
      return "the command is unknown";
    case Refusal::kIndexOutOfRange:
      return "the flow index is beyond the flow table";
    case Refusal::kGenerationStale:
      return "the flow was given to another use since";
    case Refusal::kStateWrong:
      return "the flow is not in a state that allows this";
    case Refusal::kNetworkUnknown:
      return "there is no such network";
    case Refusal::kPortInUse:
      return "the port is in use by another flow";
    case Refusal::kPortNotOurs:
      return "the port belongs to another worker";
    case Refusal::kEnumOutOfRange:
      return "a field has a value that means nothing";
    case Refusal::kAddressFamily:
      return "an address is of a family the network does not have";
    case Refusal::kNoRoom:
      return "too many flows have two sets of receive keys, or ICE, at once";
    case Refusal::kAeadNotAllowed:
      return "weir-media runs without AES-GCM ([srtp] aead)";
    case Refusal::kNoTranscoders:
      return "weir-media has no cores for transcoding ([media] transcode_cores)";
    case Refusal::kTranscodersTaken:
      return "as many flows are transcoded as may be ([media] transcoded_flows_max)";
  }
  return "unknown refusal";
}

}  // namespace weir::proto
