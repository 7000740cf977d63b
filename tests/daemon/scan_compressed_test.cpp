#include "daemon/commands/scan.h"
#include "daemon/rule_files.h"

#include <gmock/gmock.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/parsers/recordings.h"

namespace runnerwatch {
namespace {

using testing::HasSubstr;

std::string gzip(const std::string& text) {
    z_stream stream{};
    EXPECT_EQ(::deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    std::string in = text, out(::deflateBound(&stream, text.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(in.data());
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(::deflate(&stream, Z_FINISH), Z_STREAM_END);
    out.resize(stream.total_out);
    ::deflateEnd(&stream);
    return out;
}

struct Scanned {
    int exit_code;
    std::string out, err;
};

Scanned scan(const std::string& bytes) {
    const auto matcher = load_rules({}).value();
    const std::string name = testing::TempDir() + "scan_compressed.log";
    std::ofstream(name, std::ios::binary) << bytes;
    ScanOptions options;
    options.files = {name};
    options.output = ScanOptions::Output::json;
    std::ostringstream out, err;
    const int exit_code = run_scan(options, *matcher, out, err);
    std::filesystem::remove(name);
    return {exit_code, out.str(), err.str()};
}

const std::string& recording() {
    static const std::string text = read_recording("seed-403-readonly.runner.log");
    return text;
}

TEST(ScanOfCompressedFiles, FindsWhatIsInThePlainOne) {
    const Scanned plain = scan(recording());
    EXPECT_EQ(plain.exit_code, 1);
    const std::size_t half = recording().size() / 2;
    for (const std::string& bytes :
         {gzip(recording()), gzip(recording().substr(0, half)) + gzip(recording().substr(half))}) {
        const Scanned result = scan(bytes);
        EXPECT_EQ(result.exit_code, 1);
        EXPECT_EQ(result.out, plain.out);
        EXPECT_EQ(result.err, "");
    }
}

TEST(ScanOfCompressedFiles, SaysWhereADamagedOneEndsAndTellsWhatWasBefore) {
    std::string bytes = gzip(recording());
    bytes.resize(bytes.size() - 20);
    const Scanned result = scan(bytes);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.out, HasSubstr("job-request-forbidden"));
    EXPECT_THAT(result.err, HasSubstr("because: it ends in the middle of its gzip data"));
    EXPECT_THAT(result.err, HasSubstr("where:   at byte " + std::to_string(bytes.size())));
    EXPECT_THAT(result.err, HasSubstr("do:      get the whole file"));
}

}  // namespace
}  // namespace runnerwatch
