// sip/media_control.h: the documents of RFC 5168's schema, as it means them and as parties send them.
#include "sip/media_control.h"

#include <gtest/gtest.h>

#include <string>

namespace weir::sip {
namespace {

constexpr std::string_view kBegin = "<media_control><vc_primitive>";
constexpr std::string_view kEnd = "</vc_primitive></media_control>";
constexpr std::string_view kAsks = "<to_encoder><picture_fast_update/></to_encoder>";

std::string primitive(std::string_view content) {
  return std::string(kBegin) + std::string(content) + std::string(kEnd);
}

struct Row {
  const char* description;
  std::string body;
  MediaControl meaning;
};

const Row kRows[] = {
    {"what Weir sends", std::string(kPictureFastUpdate), MediaControl::kPictureFastUpdate},
    {"without a declaration, in one line", primitive(kAsks), MediaControl::kPictureFastUpdate},
    {"of one stream", primitive(std::string(kAsks) + "<stream_id>main</stream_id>"), MediaControl::kPictureFastUpdate},
    {"of two", primitive(std::string(kAsks) + "<stream_id>1</stream_id><stream_id> 2 </stream_id>"),
     MediaControl::kPictureFastUpdate},
    {"with an end tag, and spaces in the tags",
     primitive("<to_encoder >\n<picture_fast_update\t></picture_fast_update ></to_encoder>"),
     MediaControl::kPictureFastUpdate},
    {"two primitives",
     "<media_control><vc_primitive>" + std::string(kAsks) + "</vc_primitive>\r\n<vc_primitive>" + std::string(kAsks) +
         "</vc_primitive></media_control>",
     MediaControl::kPictureFastUpdate},
    {"with a namespace, a comment and a byte order mark",
     "\xef\xbb\xbf<?xml version='1.0'?><!-- a picture --><media_control xmlns='urn:x'><vc_primitive>" +
         std::string(kAsks) + "</vc_primitive></media_control>\n",
     MediaControl::kPictureFastUpdate},
    {"an error, which quotes what it is about",
     "<?xml version=\"1.0\" encoding=\"utf-8\" ?><media_control><general_error>Parsing error: &lt;media_control&gt; "
     "&#x41;</general_error></media_control>",
     MediaControl::kGeneralError},
    {"a primitive of tomorrow", primitive("<to_encoder><freeze_picture/></to_encoder>"), MediaControl::kOther},
    {"beside a picture", primitive("<to_encoder><picture_fast_update/><freeze_picture/></to_encoder>"),
     MediaControl::kOther},
    {"an error beside a picture",
     "<media_control><vc_primitive>" + std::string(kAsks) +
         "</vc_primitive><general_error>no</general_error></media_control>",
     MediaControl::kOther},
    {"a picture in another place", "<media_control><picture_fast_update/></media_control>", MediaControl::kOther},
    {"text where none belongs", primitive("<to_encoder>now<picture_fast_update/></to_encoder>"), MediaControl::kOther},
    {"nothing in it", "<media_control/>", MediaControl::kOther},
    {"a primitive with nothing in it", primitive(""), MediaControl::kOther},
};

TEST(MediaControl, SaysWhatTheSchemaMeans) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.description);
    const auto read = read_media_control(row.body);
    ASSERT_TRUE(std::holds_alternative<MediaControl>(read)) << std::get<MediaControlRefusal>(read).reason;
    EXPECT_EQ(std::get<MediaControl>(read), row.meaning);
  }
}

TEST(MediaControl, IsRefusedWithAReason) {
  const struct {
    std::string body;
    std::string_view reason;
  } rows[] = {
      {"", "no element"},
      {"<presence/>", "the root is not media_control"},
      {primitive("<to_encoder><device_orientation=90/></to_encoder>"), "a broken tag"},
      {"<!DOCTYPE media_control>" + primitive(kAsks), "a document type declaration"},
      {std::string(kMediaControlBytesMax + 1, ' '), "too long"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.reason);
    const auto read = read_media_control(row.body);
    ASSERT_TRUE(std::holds_alternative<MediaControlRefusal>(read));
    EXPECT_EQ(std::get<MediaControlRefusal>(read).reason, row.reason);
  }
}

}  // namespace
}  // namespace weir::sip
