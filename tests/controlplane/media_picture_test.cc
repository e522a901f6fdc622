// Requests for pictures from the stream's side: by which flow they go, whose pictures are meant.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <span>

#include "tests/support/media_lab.h"

namespace weir::tests {
namespace {

/// Both parties plain, and the callee takes what `understands` says.
struct Lab : MediaLab {
  explicit Lab(std::uint8_t understands) : MediaLab(Party{}, Party{}) {
    for (const Side side : {Side::kCaller, Side::kCallee}) {
      controlplane::RemoteMedia said = remote(side);
      said.terms.understands = side == Side::kCallee ? understands : 0;
      EXPECT_TRUE(media->set_remote(side, said, now_ns).ok());
    }
    settle();
    worker.sent().clear();
  }
  /// A packet of this SSRC has come on the flow from that side.
  void heard(Side side, std::uint32_t ssrc) { worker.heard(flow(side)->id, now_ns, ssrc); }
  /// The one request that was sent.
  proto::PictureRequest sent(Side to, std::span<const std::uint32_t> named) {
    media->ask_for_picture(to, named);
    worker.run();
    proto::PictureRequest request{};
    EXPECT_EQ(worker.sent().size(), 1u);
    if (worker.sent().size() != 1) return request;
    EXPECT_EQ(worker.sent()[0].kind, proto::InjectKind::kPictureRequest);
    EXPECT_EQ(worker.sent()[0].bytes.size(), sizeof request);
    EXPECT_EQ(worker.sent()[0].local_port, local_port(Side::kCaller, 1)) << "the flow whose RTCP goes to the callee";
    std::memcpy(&request, worker.sent()[0].bytes.data(), sizeof request);
    return request;
  }
};

TEST(MediaPicture, IsAskedOfTheSourcesThatAreNamedElseOfAllThatAreHeard) {
  Lab named(proto::kFeedbackPli);
  EXPECT_TRUE(named.media->takes_picture_requests(Side::kCallee));
  EXPECT_FALSE(named.media->takes_picture_requests(Side::kCaller));
  const std::array<std::uint32_t, 5> ssrcs{1, 2, 3, 4, 5};
  proto::PictureRequest request = named.sent(Side::kCallee, ssrcs);
  EXPECT_EQ(request.sources, proto::kPictureSourcesMax);
  EXPECT_EQ(request.source, (std::array<std::uint32_t, 4>{1, 2, 3, 4}));
  EXPECT_EQ(request.sender, 1u) << "nothing has come of the caller";

  Lab heard(proto::kFeedbackFir);
  heard.heard(Side::kCallee, 0xbbbbbbbb);
  heard.heard(Side::kCaller, 0xaaaaaaaa);
  request = heard.sent(Side::kCallee, {});
  EXPECT_EQ(request.sources, 1u);
  EXPECT_EQ(request.source[0], 0xbbbbbbbbu);
  EXPECT_EQ(request.sender, 0xaaaaaaaau);
}

TEST(MediaPicture, IsNotAskedForOfNobody) {
  Lab lab(proto::kFeedbackPli);
  lab.media->ask_for_picture(Side::kCallee, {});
  lab.worker.run();
  EXPECT_TRUE(lab.worker.sent().empty());
}

}  // namespace
}  // namespace weir::tests
