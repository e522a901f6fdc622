#include "dataplane/transcode_ring.h"

#include <rte_memory.h>

namespace weir::dataplane {

proto::Result<std::unique_ptr<TranscodeRings>> TranscodeRings::create(std::uint16_t workers,
                                                                      std::uint16_t transcoders) {
  std::unique_ptr<TranscodeRings> rings(new TranscodeRings(workers, transcoders));
  for (std::uint16_t worker = 0; worker < workers; ++worker) {
    for (std::uint16_t transcoder = 0; transcoder < transcoders; ++transcoder) {
      for (const auto& [purpose, into] : {std::pair{"code", &rings->to_}, std::pair{"coded", &rings->back_}}) {
        proto::Result<RingPointer> ring =
            make_spsc_ring(purpose, worker, transcoder, kTranscodeSlots, SOCKET_ID_ANY, sizeof(TranscodeJob));
        if (!ring) return proto::Error{ring.error()};
        into->push_back(std::move(*ring));
      }
    }
  }
  return rings;
}

}  // namespace weir::dataplane
