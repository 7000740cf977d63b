#include "daemon/net/gzip.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

namespace runnerwatch {
namespace {

std::string unzipped(const std::string& bytes, std::size_t size) {
    z_stream stream{};
    EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
    std::string out(size + 1, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
    out.resize(stream.total_out);
    inflateEnd(&stream);
    return out;
}

TEST(Gzip, IsTakenByWhoSaysSo) {
    for (const char* yes : {"gzip", "deflate, gzip;q=0.5", "GZIP", "br;q=1.0, *", "x-gzip",
                            "identity, gzip ; q=0.01"})
        EXPECT_TRUE(takes_gzip(yes)) << yes;
    for (const char* no :
         {"", "identity", "gzip;q=0", "gzip; q=0.000", "*;q=0", "br", "gzipped", "gzip;q=0, *"})
        EXPECT_FALSE(takes_gzip(no)) << no;
}

TEST(Gzip, GivesOtherBytesAnotherTag) {
    ServerReply reply;
    reply.body = std::string(gzip_bytes_min, 'x');
    reply.headers = {{"etag", "\"7-abc\""}};
    compress(reply);
    EXPECT_EQ(reply.headers[0].second, "\"7-abc-gzip\"");
    ServerReply brief;
    brief.body = "short";
    brief.headers = {{"etag", "\"7-abc\""}};
    compress(brief);
    EXPECT_EQ(brief.headers[0].second, "\"7-abc\"");
}

TEST(Gzip, MakesLongTextsShortAndLeavesOthers) {
    ServerReply reply;
    for (int i = 0; i < 1'000; ++i) reply.body += "{\"number\":" + std::to_string(i) + "},";
    const std::string whole = reply.body;
    compress(reply);
    EXPECT_LT(reply.body.size() * 3, whole.size());
    ASSERT_EQ(reply.headers.size(), 1u);
    EXPECT_EQ(reply.headers[0].second, "gzip");
    EXPECT_EQ(unzipped(reply.body, whole.size()), whole);
    const std::string once = reply.body;
    compress(reply);
    EXPECT_EQ(reply.body, once) << "it is compressed already";

    ServerReply brief;
    brief.body = std::string(gzip_bytes_min - 1, 'a');
    compress(brief);
    EXPECT_EQ(brief.body.size(), gzip_bytes_min - 1);
    EXPECT_TRUE(brief.headers.empty());
    ServerReply picture;
    picture.content_type = "image/png";
    picture.body = std::string(5'000, 'a');
    compress(picture);
    EXPECT_EQ(picture.body.size(), 5'000u);
}

}  // namespace
}  // namespace runnerwatch
