#include "parsers/decompressor.h"

#include <gmock/gmock.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>

namespace runnerwatch {
namespace {

using testing::HasSubstr;

std::string gzip(const std::string& text) {
    z_stream stream{};
    EXPECT_EQ(::deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    std::string out(::deflateBound(&stream, text.size()), '\0');
    std::string in = text;
    stream.next_in = reinterpret_cast<Bytef*>(in.data());
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(::deflate(&stream, Z_FINISH), Z_STREAM_END);
    out.resize(stream.total_out);
    ::deflateEnd(&stream);
    return out;
}

std::string zstd(const std::string& text) {
    std::string out(::ZSTD_compressBound(text.size()), '\0');
    const std::size_t size = ::ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3);
    EXPECT_FALSE(::ZSTD_isError(size));
    out.resize(size);
    return out;
}

// The same format, with a window that only `--long` makes.
std::string zstd_with_window(const std::string& text, int window_log) {
    ZSTD_CCtx* context = ::ZSTD_createCCtx();
    ::ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
    std::string out(::ZSTD_compressBound(text.size()) + 64, '\0');
    ZSTD_inBuffer in{text.data(), text.size(), 0};
    ZSTD_outBuffer made{out.data(), out.size(), 0};
    // Streamed, the size is unknown and the window is what was asked for.
    EXPECT_FALSE(::ZSTD_isError(::ZSTD_compressStream2(context, &made, &in, ZSTD_e_continue)));
    EXPECT_EQ(::ZSTD_compressStream2(context, &made, &in, ZSTD_e_end), 0u);
    ::ZSTD_freeCCtx(context);
    out.resize(made.pos);
    return out;
}

struct Read {
    std::string text;
    std::size_t largest_part = 0;
    std::optional<DecompressError> error;
};

Read read(std::string_view bytes, std::size_t chunk = 4096) {
    Read result;
    PlainBytes plain;
    const Decompressor::OnPart on_part = [&](std::string_view part) {
        result.text += part;
        result.largest_part = std::max(result.largest_part, part.size());
        return true;
    };
    for (; !bytes.empty(); bytes.remove_prefix(std::min(chunk, bytes.size()))) {
        if (auto done = plain.feed(bytes.substr(0, chunk), on_part); !done) {
            result.error = done.error();
            return result;
        }
    }
    if (auto done = plain.end(on_part); !done) result.error = done.error();
    return result;
}

std::string long_text() {
    std::string text;
    for (int i = 0; i < 60'000; ++i) text += "line " + std::to_string(i * 7919) + "\n";
    return text;
}

TEST(PlainBytes, ReadsEveryFormatWhateverTheChunks) {
    const std::string text = long_text();
    for (const std::string& bytes : {text, gzip(text), zstd(text)})
        for (const std::size_t chunk :
             {std::size_t{1}, std::size_t{5}, std::size_t{65'536}, bytes.size()}) {
            const Read result = read(bytes, chunk);
            EXPECT_FALSE(result.error);
            EXPECT_TRUE(result.text == text);
            if (&bytes != &text) {
                EXPECT_LE(result.largest_part, std::max(chunk, Decompressor::part_bytes_max));
            }
        }
    for (const std::string small : {"", "a", "12345", "\x1F\x8B"})
        EXPECT_EQ(read(small, 1).text, small);
}

TEST(PlainBytes, JoinsConcatenatedMembers) {
    EXPECT_EQ(read(gzip("one\n") + gzip("") + gzip("two\n")).text, "one\ntwo\n");
    EXPECT_EQ(read(zstd("one\n") + zstd("two\n"), 3).text, "one\ntwo\n");
    const std::string skipped("\x50\x2A\x4D\x18\x02\0\0\0ab", 10);
    EXPECT_EQ(read(zstd("one\n") + skipped + zstd("two\n")).text, "one\ntwo\n");
    const Read padded = read(gzip("one\n") + std::string(100, '\0'));
    EXPECT_EQ(padded.text, "one\n");
    EXPECT_FALSE(padded.error);
}

TEST(PlainBytes, SaysWhereAnInputEndsTooEarlyAndKeepsWhatWasThere) {
    const std::string text = long_text();
    for (const std::string& bytes : {gzip(text), zstd(text)}) {
        const Read result = read(std::string_view(bytes).substr(0, bytes.size() / 2));
        ASSERT_TRUE(result.error);
        EXPECT_EQ(result.error->offset, bytes.size() / 2);
        EXPECT_THAT(result.error->what, HasSubstr("ends in the middle of its"));
        EXPECT_GT(result.text.size(), 0u);
        EXPECT_TRUE(text.starts_with(result.text));
    }
}

TEST(PlainBytes, SaysWhereAnInputIsDamaged) {
    const std::string text = long_text();
    for (std::string bytes : {gzip(text), zstd(text), gzip("a") + "rubbish"}) {
        const bool rubbish = bytes.ends_with("rubbish");
        if (!rubbish) bytes[bytes.size() / 2] = static_cast<char>(~bytes[bytes.size() / 2]);
        if (!rubbish) bytes[bytes.size() / 2 + 1] = static_cast<char>(~bytes[bytes.size() / 2 + 1]);
        const Read result = read(bytes);
        ASSERT_TRUE(result.error);
        EXPECT_GT(result.error->offset, 0u);
        EXPECT_LE(result.error->offset, bytes.size());
        EXPECT_THAT(result.error->what, HasSubstr("is not valid"));
        EXPECT_FALSE(result.error->what_to_do.empty());
    }
}

TEST(PlainBytes, IsNotExhaustedByABomb) {
    // 256 MiB of nothing in less than 1 MiB, handed over in parts
    const std::string zeros(64 * 1024 * 1024, '\0');
    std::string bomb;
    for (int i = 0; i < 4; ++i) bomb += zstd(zeros);
    ASSERT_LT(bomb.size(), 1024u * 1024);
    std::size_t total = 0, largest = 0;
    PlainBytes plain;
    EXPECT_TRUE(plain.feed(bomb, [&](std::string_view part) {
        total += part.size();
        largest = std::max(largest, part.size());
        return true;
    }));
    EXPECT_EQ(total, 4 * zeros.size());
    EXPECT_EQ(largest, Decompressor::part_bytes_max);
}

TEST(PlainBytes, StopsWhenNoMoreIsWanted) {
    const std::string zeros(8 * 1024 * 1024, '\0');
    for (const std::string& bytes : {gzip(zeros), zstd(zeros)}) {
        int parts = 0;
        PlainBytes plain;
        EXPECT_TRUE(plain.feed(bytes, [&](std::string_view) { return ++parts < 3; }));
        EXPECT_EQ(parts, 3);
        EXPECT_TRUE(plain.end([](std::string_view) { return true; }));
    }
}

TEST(PlainBytes, RefusesAWindowThatWouldTakeTooMuchMemory) {
    const Read result = read(zstd_with_window("text", 27));
    ASSERT_TRUE(result.error);
    EXPECT_THAT(result.error->what, HasSubstr("window of more than 8 MiB"));
    EXPECT_THAT(result.error->what_to_do, HasSubstr("zstd -dc"));
    EXPECT_EQ(read(zstd_with_window("text", 23)).text, "text");
}

TEST(PlainBytes, NamesTheToolForWhatItDoesNotRead) {
    struct Case {
        std::string bytes;
        const char* tool;
    };
    const Case cases[] = {{std::string("\xFD"
                                       "7zXZ\0\0",
                                       7),
                           "xz"},
                          {"BZh91AY", "bzip2"},
                          {"\x04\x22\x4D\x18rest", "lz4"}};
    for (const auto& [bytes, tool] : cases) {
        const Read result = read(bytes);
        ASSERT_TRUE(result.error);
        EXPECT_EQ(result.error->offset, 0u);
        EXPECT_THAT(result.error->what, HasSubstr(tool));
        EXPECT_THAT(result.error->what_to_do, HasSubstr(std::string(tool) + " -dc"));
        EXPECT_EQ(result.text, "");
    }
}

}  // namespace
}  // namespace runnerwatch
